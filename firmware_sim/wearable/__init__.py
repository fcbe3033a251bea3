"""Wearables as processes: what a sensor makes of a body, and how it reaches the broker."""
