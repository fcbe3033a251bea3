"""What the listener feels: the attention network against its rivals, wearable by wearable, and what a profile tells."""
