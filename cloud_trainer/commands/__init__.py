"""One module per command of `attune-trainer`."""
