"""What a song's words say: lyrics in tags and .lrc files, and the emotion of their words."""
