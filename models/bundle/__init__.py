"""The bundle: the models and tables that ship together, and how they are written, verified and read."""
