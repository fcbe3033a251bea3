"""Reads the research data sets; every label is mapped to [-1, 1] here and nowhere else."""
