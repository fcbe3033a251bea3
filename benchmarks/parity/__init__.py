"""How far our physiology agrees with that of NeuroKit2 and others, on recordings, and what it costs beside theirs."""
