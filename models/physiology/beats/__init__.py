"""Beats: their times, their artefacts, what their variability and their breathing say.

A series of beats is two arrays: `times` float64 [n], when each beat came, seconds, ascending; `intervals` float64 [n],
seconds since the beat before. The package takes and returns arrays, keeps no state but `BeatClock`'s, and reads no
clock.
"""

from __future__ import annotations

from models.physiology.beats.timing import BeatClock

__all__ = ["BeatClock"]
