"""Stands in for wearables, listeners and fleets: processes that speak the real protocols."""
