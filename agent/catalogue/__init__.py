"""The music on this device: finding files, reading their tags, hearing what they express."""
