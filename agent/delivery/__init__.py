"""Delivery: which bundle of models runs, and what became of the one that was offered."""
