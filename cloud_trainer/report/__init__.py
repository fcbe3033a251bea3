"""What the tables found, as a page, pictures and text. Nothing in here computes a result."""
