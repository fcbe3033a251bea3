"""Bundles to players: keys, signed metadata, the broker as its mirror, rollouts and the fleet.

The folder of a channel (`folder`) is the truth; whatever lies on the broker is a copy (`mirror`) that one command makes
anew. What is signed is decided without the network (`channel`, on `roles` and `root`), so an interrupted command is
simply given again.
"""
