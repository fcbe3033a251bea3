"""From sound to taste by way of emotion: vectors for tracks that nobody in the data has played.

No set at hand has both sound and listeners. Artists of HetRec have a mean emotion in Deezer's songs, and the music
emotion model's embedding v_a gives an emotion by (V, A) = tanh([v_a, 1] · M). So

    x = mean + (z − mean z) · B,   z = atanh(V, A)

is fitted over the artists that have both, by ridge regression, and composed with M to a map from v_a. It explains
little of x, and says so in its figures; what it gives a track at home is the vector of an average artist, leaning to
those that feel alike.

The other way, `sound_of` draws an embedding that M maps to a given emotion: for training on tracks whose emotion is
known and whose sound is not. What M does not see is drawn at random, so nothing can be learned from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.data.deezer import DeezerMood
from cloud_trainer.recommenders.interactions import ArtistSpace
from cloud_trainer.recommenders.layout import SLICES

__all__ = ["EmotionBridge", "artist_emotions", "explained_variance", "fit", "latent", "sound_of", "summary"]

Floats = npt.NDArray[np.float32]

_LARGEST: Final = 0.95
"""Emotions nearer to ±1 would have latent values without bound."""
_RIDGE: Final = 5.0
_FOLDS: Final = 5
_LARGEST_SHARE: Final = 0.95
"""Share of a unit embedding that emotion may take; the rest is left for what M does not see."""


@dataclass(frozen=True)
class EmotionBridge:
    """The linear map from latent emotion to item vectors.

    Attributes:
        kernel: B, shape `(2, D)`.
        bias: mean − (mean z) · B, shape `(D,)`.
    """

    kernel: Floats
    bias: Floats

    def vectors(self, emotion: Floats) -> Floats:
        """Return item vectors `(n, D)` for emotions `(n, 2)`."""
        return np.asarray(latent(emotion) @ self.kernel + self.bias, np.float32)

    def from_sound(self, emotion_map: Floats) -> Floats:
        """Return the map `(129, D)` from an embedding and 1 to an item vector, given M `(129, 2)`."""
        composed = emotion_map @ self.kernel
        composed[-1] += self.bias
        return np.asarray(composed, np.float32)


def latent(emotion: Floats) -> Floats:
    """Return atanh of valence and arousal, held within ±0.95."""
    return np.arctanh(np.clip(emotion, -_LARGEST, _LARGEST)).astype(np.float32)


def artist_emotions(space: ArtistSpace, songs: DeezerMood) -> Floats:
    """Return the mean emotion of each artist's songs, `(artists, 2)`, NaN where there are none."""
    rows = space.rows_of(songs.artist)
    known = rows >= 0
    total, count = np.zeros((len(space.keys), 2)), np.zeros(len(space.keys))
    np.add.at(total, rows[known], songs.emotion[known])
    np.add.at(count, rows[known], 1)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan).astype(np.float32)


def fit(vectors: Floats, emotions: Floats) -> EmotionBridge:
    """Fit the map on the artists whose emotion is known; an average emotion gives the mean of *all* vectors.

    Args:
        vectors: `(items, D)`.
        emotions: `(items, 2)`, NaN where unknown.
    """
    known = np.isfinite(emotions[:, 0])
    if not known.any():
        return EmotionBridge(np.zeros((2, vectors.shape[1]), np.float32), vectors.mean(axis=0))
    z = latent(emotions[known])
    kernel = _ridge(z - z.mean(axis=0), vectors[known] - vectors[known].mean(axis=0))
    return EmotionBridge(kernel, (vectors.mean(axis=0) - z.mean(axis=0) @ kernel).astype(np.float32))


def explained_variance(vectors: Floats, emotions: Floats, *, seed: int) -> dict[str, Figure]:
    """Return the held-out R² of each slice from an artist's emotion, five folds, over all of the slice's columns."""
    known = np.flatnonzero(np.isfinite(emotions[:, 0]))
    if len(known) < 2 * _FOLDS:
        return {}
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(known))
    z, x = latent(emotions[known]), vectors[known]
    residual, total = np.zeros(vectors.shape[1]), np.zeros(vectors.shape[1])
    for held in range(_FOLDS):
        inside, outside = fold != held, fold == held
        centre, mean = z[inside].mean(axis=0), x[inside].mean(axis=0)
        kernel = _ridge(z[inside] - centre, x[inside] - mean)
        residual += ((x[outside] - mean - (z[outside] - centre) @ kernel) ** 2).sum(axis=0)
        total += ((x[outside] - mean) ** 2).sum(axis=0)
    return {
        f"from_emotion.{name}_r2": Figure(
            value=float(1 - residual[columns].sum() / total[columns].sum()),
            baseline=0.0,
            baseline_name="the mean vector",
            protocol=f"artists with songs in Deezer's set, {_FOLDS} folds, seed {seed}",
            count=len(known),
        )
        for name, columns in SLICES.items()
    }


def sound_of(emotions: Floats, emotion_map: Floats, generator: np.random.Generator) -> Floats:
    """Return unit embeddings `(n, 128)` that M maps to the given emotions; zeros where an emotion is NaN.

    Args:
        emotions: `(n, 2)`.
        emotion_map: M, `(129, 2)`.
        generator: of what M does not see.
    """
    kernel, bias = emotion_map[:-1], emotion_map[-1]
    known = np.isfinite(emotions[:, 0])
    z = latent(np.where(known[:, None], emotions, 0)) - bias
    seen = z @ np.linalg.pinv(kernel)
    length = np.linalg.norm(seen, axis=1, keepdims=True)
    seen *= np.minimum(1, _LARGEST_SHARE / np.maximum(length, 1e-9))
    free = generator.normal(size=(len(emotions), len(kernel)))
    free -= free @ kernel @ np.linalg.pinv(kernel)
    free *= np.sqrt(np.maximum(1 - (seen**2).sum(axis=1, keepdims=True), 0)) / np.linalg.norm(
        free, axis=1, keepdims=True
    )
    return np.asarray((seen + free) * known[:, None], np.float32)


def _ridge(z: Floats, x: Floats) -> Floats:
    return np.linalg.solve(z.T @ z + _RIDGE * np.eye(z.shape[1]), z.T @ x).astype(np.float32)


def summary(figures: Mapping[str, Figure]) -> str:
    """Return the figures as one line for the progress display."""
    return ", ".join(f"{name.split('.')[1]} {figure.value:.3f}" for name, figure in figures.items())
