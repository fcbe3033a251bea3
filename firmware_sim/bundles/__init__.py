"""Bundles that are not what they say, to see a player refuse them."""
