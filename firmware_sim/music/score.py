"""What a composer hands to the players: notes in beats, parts, and a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Note", "Part", "Score"]


class Note(NamedTuple):
    """A note as written.

    Attributes:
        start: onset in beats from the beginning of the piece.
        beats: sounding length in beats.
        pitch: MIDI number, 60 = middle C; for drums the General MIDI key of the drum.
        velocity: 0 to 1.
    """

    start: float
    beats: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Part:
    """The notes that one player plays.

    Attributes:
        role: what the part is for: lead, comp, bass, pad, drums, colour.
        instrument: a key of `instruments.INSTRUMENTS`.
        notes: in any order.
        gain_db: level against the other parts.
        pan: -1 (left) to 1 (right).
        send_db: level into the reverberation against the part itself.
        drive: 0 (clean) to 1 (overdriven), for electric guitars.
    """

    role: str
    instrument: str
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0
    send_db: float = -12.0
    drive: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """A whole piece.

    Attributes:
        parts: all players.
        beat_times_s: `float64[n + 1]`, when beat 0, 1, ... n falls, in seconds; n is the length in beats.
        swing: 0 (even eighths) to 1 (triplets).
    """

    parts: tuple[Part, ...]
    beat_times_s: NDArray[np.float64]
    swing: float = 0.0

    @property
    def beats(self) -> int:
        """Length in beats."""
        return len(self.beat_times_s) - 1

    def seconds(self, beats: NDArray[np.float64]) -> NDArray[np.float64]:
        """When positions in beats fall, in seconds."""
        return np.interp(beats, np.arange(len(self.beat_times_s)), self.beat_times_s)
