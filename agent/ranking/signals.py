"""The four signals: each a number in [0, 1] for every track.

Arrays in, arrays out; the caller owns the output, which is written in place. Linear in the catalogue.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.ranking.target import Target

__all__ = ["EMOTION_WIDTH", "collaborative", "cosine_part", "emotion_part"]

Column = NDArray[np.float32]

EMOTION_WIDTH: Final = 0.3
"""Standard deviation, in the plane's units, of how far music may be from what is wanted and still fit. About the error
of the music's own estimated emotion, so a finer kernel would follow noise."""


def emotion_part(emotion: NDArray[np.float32], target: Target, out: Column, scratch: NDArray[np.float32]) -> None:
    """Expected fit of each track's emotion to what is wanted.

    With a Gaussian kernel K and the wanted emotion e ~ N(μ, Σ), E[K(e, e_i)] ∝ exp(-½ dᵀ (Σ + w²I)⁻¹ d) with
    d = e_i - μ. The constant in front is left out: it is the same for all tracks, and the certainty of the state acts
    through the weights instead.

    Args:
        emotion: [N, 2].
        target: what is wanted.
        out: [N], written.
        scratch: [2, N], overwritten.
    """
    precision = np.linalg.inv(target.covariance + np.eye(2) * EMOTION_WIDTH**2)
    # Cholesky turns the quadratic form into two scaled sums of squares: L'd, then |L'd|².
    lower = np.linalg.cholesky(precision).astype(np.float32)
    valence, arousal = scratch
    np.subtract(emotion[:, 0], np.float32(target.mean[0]), out=valence)
    np.subtract(emotion[:, 1], np.float32(target.mean[1]), out=arousal)
    valence *= lower[0, 0]
    np.multiply(arousal, lower[1, 0], out=out)
    valence += out
    arousal *= lower[1, 1]
    np.square(valence, out=valence)
    np.square(arousal, out=arousal)
    np.add(valence, arousal, out=out)
    out *= np.float32(-0.5)
    np.exp(out, out=out)


def cosine_part(vectors: NDArray[np.float32], query: NDArray[np.float32], out: Column) -> None:
    """(1 + cosine) / 2 between unit vectors and a unit query; 0.5 everywhere for the zero query.

    Args:
        vectors: [N, d], unit length or zero.
        query: [d], unit length or zero.
        out: [N], written.
    """
    np.dot(vectors, query, out=out)
    out += np.float32(1.0)
    out *= np.float32(0.5)
    np.clip(out, 0.0, 1.0, out=out)


def collaborative(linear: NDArray[np.float32], user: NDArray[np.float32], popularity: Column, out: Column) -> None:
    """SVD++ score of all tracks, as the share of the catalogue's spread: a logistic of the standardised score.

    Koren 2008: r̂_ui = μ + b_u + b_i + q_iᵀ |N(u)|^-½ Σ y_j, without p_u: the listener is a pass over their history,
    never a row. μ and b_u shift all tracks alike and are left out. For a listener without history the popularity of
    what is known stands in.

    Args:
        linear: [N, 33], q_i and b_i.
        user: [32], the folded-in listener; zero for none.
        popularity: [N], in [0, 1].
        out: [N], written.
    """
    if not user.any():
        np.multiply(popularity, np.float32(0.5), out=out)
        out += np.float32(0.25)
        return
    np.dot(linear, np.append(user, np.float32(1.0)), out=out)
    spread = float(out.std())
    if spread < 1e-9:
        out.fill(0.5)
        return
    out -= np.float32(out.mean())
    out *= np.float32(-1.0 / spread)
    np.exp(out, out=out)
    out += np.float32(1.0)
    np.reciprocal(out, out=out)
