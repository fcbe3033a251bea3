"""What ranking needs of the catalogue: one row per track, contiguous float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmotionScale", "Slices", "TrackArrays"]

_PSEUDO_TRACKS: Final = 20.0
"""So many tracks of the usual spread are mixed into a library's statistics: with five tracks they say little."""
_USUAL_SD: Final = 0.25
"""Spread of estimated music emotion over a mixed library."""
_LEAST_SD: Final = 0.05


@dataclass(frozen=True, slots=True)
class Slices:
    """Where the parts of an item vector stand, from the bundle's table `items`.

    Attributes:
        bounds: (start, stop) by slice name.
    """

    bounds: Mapping[str, tuple[int, int]]

    @classmethod
    def of_table(cls, table: Mapping[str, NDArray[np.generic]]) -> Slices:
        """Read the slices of the table `items`."""
        pairs = zip(table["slice_names"].tolist(), table["slice_bounds"].tolist(), strict=True)
        return cls({str(name): (int(start), int(stop)) for name, (start, stop) in pairs})

    def __getitem__(self, name: str) -> slice:
        return slice(*self.bounds[name])


@dataclass(frozen=True, slots=True)
class EmotionScale:
    """Where the middle of a library lies and how wide it is, in the valence–arousal plane.

    Estimates of what music expresses shrink towards their mean, and a model that hears other sounds than it was trained
    on is off by a constant. Both cancel when a track is compared with its own library.

    Attributes:
        mean: [2].
        sd: [2].
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]

    @classmethod
    def of(cls, emotion: NDArray[np.float32]) -> EmotionScale:
        """Measure a library, [N, 2]; N may be 0."""
        count = len(emotion)
        mean = emotion.sum(axis=0, dtype=np.float64) / (count + _PSEUDO_TRACKS)
        squares = np.square(emotion - mean).sum(axis=0, dtype=np.float64)
        variance = (squares + _PSEUDO_TRACKS * _USUAL_SD**2) / (count + _PSEUDO_TRACKS)
        return cls(mean, np.maximum(np.sqrt(variance), _LEAST_SD))

    def relative(self, emotion: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Emotion in standard deviations from the library's middle; [2] or [N, 2]."""
        scaled: NDArray[np.float64] = (emotion - self.mean) / self.sd
        return scaled


@dataclass(frozen=True, slots=True)
class TrackArrays:
    """The arrays that ranking reads.

    Attributes:
        emotion: [N, 2], valence and arousal.
        scale: of the library.
        relative: [N, 2], emotion on that scale.
        embedding: [N, 128], unit length.
        context: [N, 32], unit length or zero where nothing is known.
        items: [N, D], item vectors.
        popularity: [N], in [0, 1]; 0 where nothing is known.
        artist: [N], the same number for the same artist.
        linear: [N, 33], the SVD++ factors and bias side by side, so that one product scores all tracks.
    """

    emotion: NDArray[np.float32]
    scale: EmotionScale
    relative: NDArray[np.float32]
    embedding: NDArray[np.float32]
    context: NDArray[np.float32]
    items: NDArray[np.float32]
    popularity: NDArray[np.float32]
    artist: NDArray[np.int32]
    linear: NDArray[np.float32]

    @classmethod
    def build(
        cls,
        *,
        emotion: NDArray[np.float32],
        embedding: NDArray[np.float32],
        metadata: NDArray[np.float32],
        items: NDArray[np.float32],
        popularity: NDArray[np.float32],
        artist: Sequence[str],
        slices: Slices,
    ) -> TrackArrays:
        """Lay the catalogue's columns out for ranking."""
        length = np.linalg.norm(metadata, axis=1, keepdims=True)
        scale = EmotionScale.of(emotion)
        codes = {name: code for code, name in enumerate(dict.fromkeys(artist))}
        return cls(
            emotion=np.ascontiguousarray(emotion, np.float32),
            scale=scale,
            relative=np.ascontiguousarray(scale.relative(emotion), np.float32),
            embedding=np.ascontiguousarray(embedding, np.float32),
            context=np.ascontiguousarray(metadata / np.maximum(length, 1e-9), np.float32),
            items=np.ascontiguousarray(items, np.float32),
            popularity=np.ascontiguousarray(popularity, np.float32),
            artist=np.array([codes[name] for name in artist], dtype=np.int32),
            linear=np.ascontiguousarray(
                np.hstack([items[:, slices["svdpp_q"]], items[:, slices["svdpp_bias"]]]), np.float32
            ),
        )

    def __len__(self) -> int:
        return len(self.emotion)
