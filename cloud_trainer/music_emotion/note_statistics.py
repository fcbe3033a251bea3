"""What the notes in a stretch of a score tell about its expression: eight numbers.

They are targets of an auxiliary head: a network that must hear density, register and mode learns emotion from fewer
labels. Key profiles: Krumhansl, Cognitive Foundations of Musical Pitch, 1990, table 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.rendering.score import Score

__all__ = ["NOTE_STATISTICS", "note_statistics"]

Floats = npt.NDArray[np.float32]

NOTE_STATISTICS: Final = (
    "log_notes_per_s",
    "mean_pitch",
    "pitch_spread",
    "mean_velocity",
    "mean_log_length_s",
    "mean_polyphony",
    "major_minus_minor",
    "key_clarity",
)

_MAJOR: Final = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR: Final = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_SHORTEST_NOTE_S: Final = 0.02
_FEWEST_NOTES: Final = 3


def note_statistics(score: Score, start_s: float, end_s: float) -> Floats:
    """Return `NOTE_STATISTICS` of the notes that start in a stretch `[8]`; NaN where there are fewer than three."""
    chosen = (score.start_s >= start_s) & (score.start_s < end_s)
    if int(chosen.sum()) < _FEWEST_NOTES:
        return np.full(len(NOTE_STATISTICS), np.nan, np.float32)
    pitch = score.pitch[chosen]
    length_s = np.maximum(score.release_s[chosen] - score.start_s[chosen], _SHORTEST_NOTE_S)
    major, minor = _key_fit(pitch, length_s)
    return np.array(
        [
            np.log(chosen.sum() / (end_s - start_s)),
            pitch.mean(),
            pitch.std(),
            score.velocity[chosen].mean(),
            np.log(length_s).mean(),
            length_s.sum() / (end_s - start_s),
            major - minor,
            max(major, minor),
        ],
        np.float32,
    )


def _key_fit(pitch: npt.NDArray[np.int64], length_s: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the correlation of the pitch classes' durations with the best major and the best minor key."""
    chroma = np.bincount(pitch % 12, weights=length_s, minlength=12)
    if chroma.std() == 0.0:
        return 0.0, 0.0
    rotations = [np.roll(chroma, -tonic) for tonic in range(12)]
    return _best_fit(rotations, _MAJOR), _best_fit(rotations, _MINOR)


def _best_fit(rotations: Sequence[npt.NDArray[Any]], profile: npt.NDArray[np.float64]) -> float:
    return max(float(np.corrcoef(rotation, profile)[0, 1]) for rotation in rotations)
