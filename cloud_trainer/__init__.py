"""Builds, evaluates and publishes the models that the device runs."""
