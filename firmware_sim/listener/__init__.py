"""Who wears the sensors: how they feel over time, and what they do about the music."""
