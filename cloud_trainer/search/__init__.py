"""Searching hyper-parameters: the same budget for every rival, on validation alone."""
