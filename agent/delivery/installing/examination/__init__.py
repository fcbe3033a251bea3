"""The self-test of a bundle on this device, in a process of its own."""
