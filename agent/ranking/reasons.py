"""Says in words why a track was chosen."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.wire.messages import Goal

__all__ = ["SIGNALS", "mood", "reason"]

SIGNALS: Final = ("audio", "emotion", "context", "collaborative")
"""The order of the signals in every array of four."""

_SAID: Final = {
    "audio": "sounds like what you enjoy",
    "context": "of a kind that you return to",
    "collaborative": "liked by people who like what you like",
}
_CLOSE: Final = 0.7
_NEAR: Final = 1.5
_TELLING: Final = 0.6
"""A signal is named as a reason only from here: 0.5 means that it knows nothing."""


def mood(valence: float, arousal: float) -> str:
    """A word or two for a point of the plane (Russell 1980, the circumplex)."""
    if np.hypot(valence, arousal) < 0.15:
        return "even"
    words = ("pleasant", "happy", "excited", "tense", "unhappy", "sad", "tired", "calm")
    # Starting at pure valence, counter-clockwise in eighths of a circle.
    angles = (0, 45, 90, 135, 180, 225, 270, 315)
    angle = np.degrees(np.arctan2(arousal, valence)) % 360
    gaps = [min(abs(angle - a), 360 - abs(angle - a)) for a in angles]
    return words[int(np.argmin(gaps))]


def reason(
    *,
    emotion: NDArray[np.float32],
    away: float,
    goal: Goal,
    parts: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> str:
    """One line: how the track's emotion stands to what is wanted, then the signals that speak for it most.

    Args:
        emotion: [2] of the track.
        away: distance of its emotion from what is wanted, in the library's standard deviations.
        goal: what the listener asked for.
        parts: [4] in the order of `SIGNALS`.
        weights: [4].
    """
    aim = {"match": "how you feel", "lead": "the way to where you want to be", "hold": "the mood you asked to keep"}
    nearness = "close to" if away < _CLOSE else "towards" if away < _NEAR else "far from"
    sentence = [f"{mood(float(emotion[0]), float(emotion[1]))}, {nearness} {aim[goal.mode]}"]
    order = np.argsort(-(weights * parts))
    sentence += [_SAID[SIGNALS[i]] for i in order if SIGNALS[i] in _SAID and parts[i] >= _TELLING][:2]
    return "; ".join(sentence)
