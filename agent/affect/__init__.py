"""Affect: features and the listener's own word become the affect state. A core without I/O."""

from agent.affect.profile import Profile
from agent.affect.station import AffectState, AffectStation, UserEmotionModel

__all__ = ["AffectState", "AffectStation", "Profile", "UserEmotionModel"]
