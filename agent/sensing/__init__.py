"""Sensing: what wearables send, kept for a minute, judged, and turned into features. A core without I/O."""

from agent.sensing.station import Intake, Sensing

__all__ = ["Intake", "Sensing"]
