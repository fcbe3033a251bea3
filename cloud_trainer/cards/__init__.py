"""Model cards: what a shipped model is, was made from, reaches, and must not be used for."""
