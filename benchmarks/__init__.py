"""Benchmarks, named for the promise that they measure; each prints its peer or limit beside the figure."""
