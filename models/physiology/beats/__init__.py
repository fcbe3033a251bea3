"""Beats: their times, their artefacts, what their variability and their breathing say.

A series of beats is two arrays: `times` float64 [n], when each beat came, seconds, ascending; `intervals` float64 [n],
seconds since the beat before. `beats_of` makes `Beats` of them: artefacts put right, gaps marked. All measures take
those. Nothing in here reads a clock, and only `BeatClock` keeps a state.
"""

from __future__ import annotations

from models.physiology.beats.artefacts import Corrected, Kind, classify, correct
from models.physiology.beats.respiration import Respiration, respiration, respiration_per_min
from models.physiology.beats.series import (
    LONGEST_S,
    SHORTEST_S,
    Beats,
    beats_of,
    clean_rate,
    heart_rate_bpm,
    heart_rate_slope,
    newest,
    normal_share,
)
from models.physiology.beats.spectrum import FrequencyDomain, frequency_domain
from models.physiology.beats.timing import BeatClock
from models.physiology.beats.variability import TimeDomain, rmssd_ms, sample_entropy, sdnn_ms, time_domain

__all__ = [
    "LONGEST_S",
    "SHORTEST_S",
    "BeatClock",
    "Beats",
    "Corrected",
    "FrequencyDomain",
    "Kind",
    "Respiration",
    "TimeDomain",
    "beats_of",
    "classify",
    "clean_rate",
    "correct",
    "frequency_domain",
    "heart_rate_bpm",
    "heart_rate_slope",
    "newest",
    "normal_share",
    "respiration",
    "respiration_per_min",
    "rmssd_ms",
    "sample_entropy",
    "sdnn_ms",
    "time_domain",
]
