"""What a score says of a whole piece, in fifteen numbers: what a rival knows that need not listen."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.music_emotion.note_statistics import NOTE_STATISTICS, note_statistics
from cloud_trainer.rendering.score import Score

__all__ = ["SCORE_STATISTICS", "score_statistics"]

Floats = npt.NDArray[np.float32]

SCORE_STATISTICS: Final = (
    *NOTE_STATISTICS,
    "velocity_spread",
    "length_spread",
    "onset_gap_spread",
    "pitch_class_entropy",
    "low_pitch",
    "high_pitch",
    "mean_step",
)
_TOGETHER_S: Final = 0.03
"""Notes that start within this time are one chord."""
_SHORTEST_NOTE_S: Final = 0.02


def score_statistics(score: Score) -> Floats:
    """Return `SCORE_STATISTICS` of all notes of a score `[15]`; NaN where there are fewer than three."""
    first = note_statistics(score, 0.0, max(score.duration_s, _SHORTEST_NOTE_S))
    if not np.isfinite(first).all():
        return np.full(len(SCORE_STATISTICS), np.nan, np.float32)
    log_length = np.log(np.maximum(score.release_s - score.start_s, _SHORTEST_NOTE_S))
    gaps = np.diff(score.start_s)
    apart = gaps[gaps > _TOGETHER_S]
    share = np.bincount(score.pitch % 12, minlength=12) / len(score.pitch)
    entropy = -float((share[share > 0] * np.log(share[share > 0])).sum())
    low, high = np.quantile(score.pitch, [0.05, 0.95])
    rest = [
        score.velocity.std(),
        log_length.std(),
        np.log(apart).std() if len(apart) else 0.0,
        entropy,
        low,
        high,
        _mean_step(score),
    ]
    return np.asarray(np.concatenate([first, np.array(rest, np.float32)]), np.float32)


def _mean_step(score: Score) -> float:
    """Return the mean absolute step of the highest notes, chord by chord, in semitones."""
    chord = np.cumsum(np.diff(score.start_s, prepend=score.start_s[0]) > _TOGETHER_S)
    top = np.full(int(chord[-1]) + 1, -1)
    np.maximum.at(top, chord, score.pitch)
    return float(np.abs(np.diff(top)).mean()) if len(top) > 1 else 0.0
