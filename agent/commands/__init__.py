"""The commands of `attune-agent`, one module each. Importing one is cheap; what it needs it imports when it runs."""
