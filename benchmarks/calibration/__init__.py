"""Whether the affect state is as sure as it may be: held-out people through the real station, against their ratings."""
