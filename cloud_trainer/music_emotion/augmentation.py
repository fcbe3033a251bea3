"""Training batches that differ each time: what must not matter for emotion is varied at random.

Position (a circular shift in time), loudness, the balance of low and high (a smooth random equaliser: other
instruments, rooms and masters), missing bands and moments (SpecAugment, Park et al. 2019, without warping). Tempo and
key are expression and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.audio.log_mel import DYNAMIC_RANGE_DB
from models.audio.patches import FrontEnd

__all__ = ["augmented", "mixed", "sound_summary", "summary_width"]

Floats = npt.NDArray[np.float32]

_GAIN_DB: Final = 6.0
_EQUALISER_DB: Final = 4.0
_EQUALISER_NODES: Final = 6
_TILT_DB: Final = 8.0
_WIDEST_BAND_MASK: Final = 14
_LONGEST_TIME_MASK: Final = 60
_MIXING: Final = 0.4
_SUMMARY_BANDS: Final = 16


def augmented(batch: npt.NDArray[Any], *, random: np.random.Generator, front_end: FrontEnd) -> Floats:
    """Return altered patches `[b, 128, 640]` of normalised ones, floored as the front end does."""
    mel = np.asarray(batch, np.float32).copy()
    count, bands, frames = mel.shape
    for index in range(count):
        shift = int(random.integers(frames))
        mel[index] = np.roll(mel[index], shift, axis=1)
    mel += (_curves(count, bands, random) / front_end.scale)[:, :, None]
    floor = mel.max(axis=(1, 2), keepdims=True) - np.float32(DYNAMIC_RANGE_DB / front_end.scale)
    np.maximum(mel, floor, out=mel)
    for index in range(count):
        _mask(mel[index], random)
    return mel


def mixed(
    batch: Mapping[str, Floats], group: npt.NDArray[np.int64], *, share: float, random: np.random.Generator
) -> dict[str, Floats]:
    """Return a batch in which some rows are blends of two of the same group, targets blended alike (Zhang et al. 2018).

    Args:
        batch: columns of equal length; an unknown target (NaN) makes the blend's unknown.
        group: `[b]`; only rows of one group are blended, because others know other targets.
        share: of the rows.
        random: where chance comes from.
    """
    partner = np.arange(group.size)
    for member in np.unique(group):
        rows = np.flatnonzero(group == member)
        partner[rows] = random.permutation(rows)
    own = random.beta(_MIXING, _MIXING, group.size)
    own = np.where(random.random(group.size) < share, np.maximum(own, 1.0 - own), 1.0).astype(np.float32)
    result = {}
    for name, column in batch.items():
        part = own.reshape(-1, *[1] * (column.ndim - 1))
        # A row that is not blended keeps its own target, whatever its partner lacks.
        result[name] = np.where(part < 1.0, part * column + (1.0 - part) * column[partner], column)
    return result


def summary_width() -> int:
    """Return how many numbers `sound_summary` gives."""
    return 3 * _SUMMARY_BANDS


def sound_summary(mel: Floats) -> Floats:
    """Return timbre and motion of normalised patches `[b, 128, 640]` as `[b, 48]`.

    Per group of eight bands: mean relative to the whole, spread over time, mean rise from frame to frame. Independent
    of loudness; a target that keeps the embedding informative about how the music sounds.
    """
    count, bands, frames = mel.shape
    grouped = mel.reshape(count, _SUMMARY_BANDS, bands // _SUMMARY_BANDS, frames).mean(axis=2)
    level = grouped.mean(axis=2)
    rise = np.maximum(np.diff(grouped, axis=2), 0.0).mean(axis=2)
    parts = [level - level.mean(axis=1, keepdims=True), grouped.std(axis=2), 10.0 * rise]
    return np.asarray(np.concatenate(parts, axis=1), np.float32)


def _curves(count: int, bands: int, random: np.random.Generator) -> Floats:
    """Return `[count, bands]` in dB: gain, tilt and a smooth equaliser."""
    position = np.linspace(-0.5, 0.5, bands)
    nodes = np.linspace(-0.5, 0.5, _EQUALISER_NODES)
    curves = np.empty((count, bands), np.float32)
    for index in range(count):
        equaliser = np.interp(position, nodes, random.normal(0.0, _EQUALISER_DB / 2.0, _EQUALISER_NODES))
        tilt = random.uniform(-_TILT_DB, _TILT_DB) * position
        curves[index] = random.uniform(-_GAIN_DB, _GAIN_DB) + tilt + equaliser
    return curves


def _mask(patch: Floats, random: np.random.Generator) -> None:
    bands, frames = patch.shape
    mean = patch.mean()
    width = int(random.integers(_WIDEST_BAND_MASK + 1))
    low = int(random.integers(bands - width))
    patch[low : low + width] = mean
    length = int(random.integers(_LONGEST_TIME_MASK + 1))
    start = int(random.integers(frames - length))
    patch[:, start : start + length] = mean
