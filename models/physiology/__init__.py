"""Physiology: the frozen features of a step, and how they are computed from streams."""
