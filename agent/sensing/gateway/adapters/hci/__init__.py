"""bleak over a bare or virtual Bluetooth controller, with Bumble as its host. Needs Bumble; nothing else does."""
