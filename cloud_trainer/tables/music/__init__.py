"""Tables of what music expresses, and of what the words of a song say."""
