"""The pointer to the bundle in use, the two slots, and what is remembered of offers."""
