"""The tables of the report: every figure with its protocol, its rivals and its interval."""
