"""Synthetic instruments for the sampler, so that a network does not take the piano for the music.

A note is Σ_k a_k(t) sin(2π k f t + φ_k), k f below half the sample rate: a plucked string, an organ, bowed strings and
a bell-like electric piano differ in how a_k falls with k and how it moves in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.rendering.sampler import HIGHEST_PITCH, LOWEST_PITCH
from models.audio.log_mel import SAMPLE_RATE

__all__ = ["TIMBRES", "Timbre", "timbre_notes"]

Samples = npt.NDArray[np.float32]

_NOTE_S: Final = 6.0
_SPACING: Final = 3
_PEAK: Final = 0.25
"""Of each note: about that of the recorded piano's."""


@dataclass(frozen=True)
class Timbre:
    """An instrument.

    Attributes:
        partials: at most.
        slope: a_k falls as k to the minus slope.
        even: loudness of even partials against odd ones.
        attack_s: time to full loudness.
        decay_s: time constant of the fundamental; 0 holds it.
        damping: how much faster partial k decays: its time constant is decay_s / k ** damping.
        vibrato_cents: depth of a 5.5 Hz vibrato.
    """

    partials: int
    slope: float
    even: float
    attack_s: float
    decay_s: float
    damping: float
    vibrato_cents: float


TIMBRES: Final[Mapping[str, Timbre]] = {
    "plucked": Timbre(partials=24, slope=1.1, even=1.0, attack_s=0.003, decay_s=1.1, damping=0.6, vibrato_cents=0.0),
    "organ": Timbre(partials=8, slope=0.7, even=0.8, attack_s=0.02, decay_s=0.0, damping=0.0, vibrato_cents=0.0),
    "strings": Timbre(partials=20, slope=1.0, even=0.9, attack_s=0.09, decay_s=0.0, damping=0.0, vibrato_cents=14.0),
    "bell": Timbre(partials=7, slope=1.6, even=0.25, attack_s=0.002, decay_s=1.6, damping=0.9, vibrato_cents=0.0),
}


def timbre_notes(timbre: Timbre, *, seed: int) -> dict[int, Samples]:
    """Return notes by MIDI pitch, every three semitones over the piano's range, for `Sampler`.

    Args:
        timbre: the instrument.
        seed: of the partials' phases.
    """
    random = np.random.default_rng(seed)
    return {pitch: _note(timbre, pitch, random) for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1, _SPACING)}


def _note(timbre: Timbre, pitch: int, random: np.random.Generator) -> Samples:
    times = np.arange(int(_NOTE_S * SAMPLE_RATE)) / SAMPLE_RATE
    frequency_hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    bend = timbre.vibrato_cents / 1200.0 * np.log(2.0) * np.sin(2.0 * np.pi * 5.5 * times) / (2.0 * np.pi * 5.5)
    phase = 2.0 * np.pi * frequency_hz * (times + bend)
    sound = np.zeros(times.size)
    for partial in range(1, timbre.partials + 1):
        if partial * frequency_hz >= SAMPLE_RATE / 2:
            break
        loudness = partial**-timbre.slope * (timbre.even if partial % 2 == 0 else 1.0)
        envelope = np.exp(-times * partial**timbre.damping / timbre.decay_s) if timbre.decay_s else 1.0
        sound += loudness * envelope * np.sin(partial * phase + random.uniform(0.0, 2.0 * np.pi))
    sound *= np.minimum(times / timbre.attack_s, 1.0)
    return np.asarray(sound * (_PEAK / np.abs(sound).max()), np.float32)
