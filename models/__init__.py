"""What the agent, the trainer and the simulator share: the wire, the front ends, the bundle."""
