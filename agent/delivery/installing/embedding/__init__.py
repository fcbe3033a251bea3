"""The catalogue heard by a new audio model, beside the one in use."""
