"""One piece from emotion to samples."""

from __future__ import annotations

import numpy as np

from firmware_sim.music.arrangement import compose
from firmware_sim.music.artists import Artist
from firmware_sim.music.emotion import Emotion
from firmware_sim.music.instruments import Audio
from firmware_sim.music.mixing import master
from firmware_sim.music.performance import perform

__all__ = ["make_piece"]

# What follows the last written beat: the last chord's ringing and the fade.
_TAIL_S = 2.5


def make_piece(emotion: Emotion, artist: Artist, seconds: float, seed: tuple[int, ...]) -> Audio:
    """Compose, play and mix a piece.

    Args:
        emotion: what it is to express.
        artist: who plays it.
        seconds: about how long it is to last.
        seed: all chance in it.

    Returns:
        `float32[n, 2]` at 44.1 kHz.
    """
    composer, players, desk = (np.random.default_rng([*seed, stage]) for stage in range(3))
    score, character = compose(emotion, artist, seconds, composer)
    length = float(score.beat_times_s[-1]) + _TAIL_S
    return master(perform(score, character, length, players), character, desk, tilt=artist.tilt)
