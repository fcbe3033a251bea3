"""A MIDI file as the list of notes that sound: when, which, how hard, and until when the dampers let them ring."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.errors import DataError, Reason

if TYPE_CHECKING:
    from pretty_midi import Instrument

__all__ = ["Score", "read_midi"]

Floats = npt.NDArray[np.float64]

_SUSTAIN_PEDAL = 64
_PEDAL_DOWN = 64  # General MIDI: values from 64 are "on"


@dataclass(frozen=True)
class Score:
    """Notes in the order of their start.

    Attributes:
        start_s: `[n]`, seconds.
        release_s: `[n]`, when the key was let go.
        end_s: `[n]`, when the damper falls: later than `release_s` where the sustain pedal holds the note, and not
            later than the next stroke of the same key.
        pitch: `[n]`, MIDI note numbers.
        velocity: `[n]`, 1..127.
    """

    start_s: Floats
    release_s: Floats
    end_s: Floats
    pitch: npt.NDArray[np.int64]
    velocity: npt.NDArray[np.int64]

    @property
    def duration_s(self) -> float:
        """Seconds until the last damper has fallen; 0 without notes."""
        return float(self.end_s.max(initial=0.0))

    def transposed(self, semitones: int) -> Score:
        """Return the same notes higher or lower."""
        return replace(self, pitch=self.pitch + semitones)


def read_midi(content: bytes) -> Score:
    """Return the notes of a MIDI file; drums are left out.

    Raises:
        DataError: the bytes are no MIDI file.
    """
    import pretty_midi

    try:
        with warnings.catch_warnings():
            # Tempo changes outside track 0 are common in game music; pretty_midi warns and reads them all the same.
            warnings.simplefilter("ignore", RuntimeWarning)
            midi = pretty_midi.PrettyMIDI(io.BytesIO(content))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise DataError(
            f"not a MIDI file: {error}", reason=Reason.MALFORMED, remedy="Run 'attune-trainer data check'"
        ) from error
    rows = [row for instrument in midi.instruments if not instrument.is_drum for row in _sounding(instrument)]
    table = np.array(sorted(rows), np.float64).reshape(-1, 5)
    return Score(
        start_s=table[:, 0],
        release_s=table[:, 1],
        end_s=table[:, 2],
        pitch=table[:, 3].astype(np.int64),
        velocity=table[:, 4].astype(np.int64),
    )


def _sounding(instrument: Instrument) -> list[tuple[float, float, float, int, int]]:
    pedal = [
        (change.time, change.value >= _PEDAL_DOWN)
        for change in instrument.control_changes
        if change.number == _SUSTAIN_PEDAL
    ]
    last_release = max((note.end for note in instrument.notes), default=0.0)
    held = _held_intervals(sorted(pedal), last_release)
    next_stroke: dict[int, float] = {}
    rows = []
    for note in sorted(instrument.notes, key=lambda note: note.start, reverse=True):
        ring_s = max(_pedal_release(held, note.end), note.end)
        end_s = max(min(ring_s, next_stroke.get(note.pitch, ring_s)), note.start)
        next_stroke[note.pitch] = note.start
        rows.append((note.start, note.end, end_s, note.pitch, note.velocity))
    return rows


def _held_intervals(pedal: list[tuple[float, bool]], last_release: float) -> Floats:
    """Return `[k, 2]`: from when to when the pedal is down."""
    intervals, down_since = [], None
    for time, down in pedal:
        if down and down_since is None:
            down_since = time
        elif not down and down_since is not None:
            intervals.append((down_since, time))
            down_since = None
    if down_since is not None:
        intervals.append((down_since, max(last_release, down_since)))
    return np.array(intervals, np.float64).reshape(-1, 2)


def _pedal_release(held: Floats, time: float) -> float:
    """Return when the pedal that is down at `time` comes up, or `time` if it is up."""
    index = int(np.searchsorted(held[:, 0], time, side="right")) - 1
    if index < 0 or held[index, 1] <= time:
        return time
    return float(held[index, 1])
