"""What is played, heard from the sound: pitches by a non-negative decomposition, and numbers that sum them up.

A spectrum of three bins a semitone is explained by 77 tones, each a series of partials that fall as 0.6^k (as in the
NNLS chroma of Mauch & Dixon, ISMIR 2010), with the multiplicative updates of Lee & Seung (2001) for the divergence of
Kullback and Leibler. No instrument is assumed: rendered pianos and recordings of bands are asked alike. On rendered
scores the mode heard so correlates with that of the notes at .89; register and density less, and tones an octave too
low are heard beside the true ones.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from models.audio.log_mel import SAMPLE_RATE, power_frames
from models.audio.tonality import key_and_mode

__all__ = ["PITCH_FEATURES", "heard_pitches", "pitch_features"]

Floats = npt.NDArray[np.float32]

_WINDOW: Final = 8192
"""Samples: bins of 2.7 Hz, a semitone at F1."""
_HOP: Final = 2048
_LOWEST: Final = 24
_TONES: Final = 77
"""MIDI 24 to 100: C1 to E7."""
_PER_SEMITONE: Final = 3
_ABOVE: Final = 31
"""Semitones of the spectrum above the highest tone, so that its partials are seen."""
_PARTIALS: Final = 10
_FALL: Final = 0.6
_UPDATES: Final = 25
_SOUNDING: Final = 0.1
"""Share of a piece's loud tones (their 99th percentile) from which a tone counts as sounding."""
_SEGMENT_S: Final = 10.0
_OCTAVES: Final = ((24, 36), (36, 48), (48, 60), (60, 72), (72, 84), (84, 101))

PITCH_FEATURES: Final = (
    *(f"degree_{degree}" for degree in range(12)),
    "key_clarity",
    "mode",
    "mode_of_segments",
    "mode_change",
    "clarity_of_segments",
    *(f"interval_class_{distance}" for distance in range(1, 7)),
    "mean_pitch",
    "pitch_spread",
    "lowest",
    "highest",
    "tones_at_once",
    "tones_change",
    "onsets_per_s",
    "onset_evenness",
    "repeated",
    "harmonic_change",
    "level",
    "level_spread",
    *(f"share_octave_{number}" for number in range(len(_OCTAVES))),
    *(f"onsets_octave_{number}" for number in range(len(_OCTAVES))),
)


def heard_pitches(samples: Floats) -> Floats:
    """Return how loud each tone is in each frame of 93 ms.

    Args:
        samples: mono at 22.05 kHz, `[n]`.

    Returns:
        `[77, frames]`, amplitudes; MIDI 24 first.
    """
    spectrum = np.concatenate(
        [np.sqrt(power @ _bins().T) for _, power in power_frames(samples, window=_WINDOW, hop=_HOP)]
    ).T
    tones = _tones()
    scale = max(float(spectrum.max()), 1e-9)
    seen = spectrum / scale + 1e-7
    played = np.full((_TONES, seen.shape[1]), 0.1, np.float32)
    total = tones.sum(axis=0)[:, None]
    for _ in range(_UPDATES):
        played *= (tones.T @ (seen / (tones @ played + 1e-7))) / total
    return np.asarray(played * scale, np.float32)


def pitch_features(samples: Floats) -> Floats:
    """Return `PITCH_FEATURES` of a piece at 22.05 kHz, `[47]`, all finite."""
    # Shorter than a window is a click: silence behind it gives frames between which something may change.
    played = heard_pitches(np.pad(samples, (0, max(_WINDOW - samples.size, 0))))
    loud = max(float(np.quantile(played, 0.99)), 1e-9)
    sounding = played > _SOUNDING * loud
    onsets = sounding[:, 1:] & ~sounding[:, :-1]
    values = [*_tonality(played), *_register(played, sounding), *_movement(played, sounding, onsets, loud)]
    return np.nan_to_num(np.array(values, np.float32))


def _tonality(played: Floats) -> list[float]:
    """Return degrees from the tonic, clarity, mode, both by segment, and interval classes within frames."""
    classes = _pitch_classes(np.sqrt(played))
    mean = classes.mean(axis=1)
    clarity, mode = key_and_mode(mean)
    length = max(int(_SEGMENT_S * SAMPLE_RATE / _HOP), 1)
    cuts = range(length, classes.shape[1] - length // 2, length)
    parts = np.array([key_and_mode(part.mean(axis=1)) for part in np.split(classes, list(cuts), axis=1)])
    degrees = np.roll(mean, -_tonic(mean)) / max(float(mean.sum()), 1e-9)
    together = [float((classes * np.roll(classes, distance, axis=0)).sum()) for distance in range(1, 7)]
    whole = max(float((classes.sum(axis=0) ** 2).sum()), 1e-9)
    segments = [parts[:, 1].mean(), parts[:, 1].std(), parts[:, 0].mean()]
    return [*degrees, clarity, mode, *segments, *(both / whole for both in together)]


def _register(played: Floats, sounding: npt.NDArray[np.bool_]) -> list[float]:
    pitch = np.arange(_LOWEST, _LOWEST + _TONES)
    weight = played.sum(axis=1) / max(float(played.sum()), 1e-9)
    centre = float(weight @ pitch)
    some = sounding.any(axis=0)
    lowest = sounding[:, some].argmax(axis=0) if some.any() else np.zeros(1)
    highest = _TONES - 1 - sounding[::-1, some].argmax(axis=0) if some.any() else np.zeros(1)
    count = sounding.sum(axis=0)
    spread = float(np.sqrt(weight @ (pitch - centre) ** 2))
    return [centre, spread, float(lowest.mean()), float(highest.mean()), float(count.mean()), float(count.std())]


def _movement(
    played: Floats, sounding: npt.NDArray[np.bool_], onsets: npt.NDArray[np.bool_], loud: float
) -> list[float]:
    seconds = played.shape[1] * _HOP / SAMPLE_RATE
    each = onsets.sum(axis=0)
    classes = _pitch_classes(np.sqrt(played))
    unit = classes / np.maximum(np.linalg.norm(classes, axis=0), 1e-9)
    change = 1.0 - (unit[:, 1:] * unit[:, :-1]).sum(axis=0)
    rises = np.diff(played, axis=1) > 0.5 * loud
    level = np.log(np.maximum(played.sum(axis=0), 1e-6))
    shares = [float(played[low - _LOWEST : high - _LOWEST].sum() / max(played.sum(), 1e-9)) for low, high in _OCTAVES]
    starts = [float(np.log1p(onsets[low - _LOWEST : high - _LOWEST].sum() / seconds)) for low, high in _OCTAVES]
    return [
        float(np.log1p(onsets.sum() / seconds)),
        float(each.std() / max(each.mean(), 1e-9)),
        float((rises & sounding[:, :-1]).sum() / seconds),
        float(change.mean()),
        float(level.mean()),
        float(level.std()),
        *shares,
        *starts,
    ]


def _tonic(mean: Floats) -> int:
    """Return the pitch class whose key, major or minor, fits best."""
    fits = []
    for tonic in range(12):
        turned = np.roll(mean, -tonic)
        # Only the keys on C: the others are the turns.
        fits.append(max(float(np.corrcoef(turned, profile)[0, 1]) for profile in _PROFILES) if mean.std() > 0 else 0.0)
    return int(np.argmax(fits))


def _pitch_classes(played: Floats) -> Floats:
    padded = np.zeros((84, played.shape[1]), np.float32)
    padded[:_TONES] = played
    return np.asarray(padded.reshape(7, 12, -1).sum(axis=0), np.float32)


_PROFILES: Final = (
    # Krumhansl & Kessler 1982, as in models.audio.tonality.
    np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
    np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
)


@cache
def _bins() -> Floats:
    """Return `[bins, 4097]`: triangles of a third of a semitone, at least as wide as the transform's bins."""
    count = (_TONES + _ABOVE) * _PER_SEMITONE
    centre = _LOWEST - 1 / _PER_SEMITONE + np.arange(count) / _PER_SEMITONE
    hz = np.fft.rfftfreq(_WINDOW, 1.0 / SAMPLE_RATE)
    semitone = np.full(hz.size, -100.0)
    semitone[1:] = 69.0 + 12.0 * np.log2(hz[1:] / 440.0)
    width = np.full(hz.size, 1.0 / _PER_SEMITONE)
    width[1:] = np.maximum(width[1:], np.gradient(semitone[1:]))
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(semitone - centre[:, None]) / width), np.float32)


@cache
def _tones() -> Floats:
    """Return `[bins, 77]`: what each tone looks like in the spectrum, normalised to sum 1."""
    count = (_TONES + _ABOVE) * _PER_SEMITONE
    centre = _LOWEST - 1 / _PER_SEMITONE + np.arange(count) / _PER_SEMITONE
    looks = np.zeros((count, _TONES))
    for tone in range(_TONES):
        for partial in range(1, _PARTIALS + 1):
            place = _LOWEST + tone + 12.0 * np.log2(partial)
            looks[:, tone] += _FALL ** (partial - 1) * np.maximum(0.0, 1.0 - np.abs(centre - place) * 1.5)
    return np.asarray(looks / looks.sum(axis=0), np.float32)
