"""The four signals: each a number in [0, 1] for every track.

Arrays in, arrays out; the caller owns the output, which is written in place. Linear in the catalogue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.ranking.target import Target

__all__ = ["collaborative", "cosine_part", "emotion_part"]

Column = NDArray[np.float32]


def emotion_part(relative: NDArray[np.float32], target: Target, out: Column, scratch: NDArray[np.float32]) -> None:
    """Fit of each track's emotion to what is wanted: a Gaussian kernel on the library's scale, exp(-½ Σ (d_k / w_k)²).

    The widths carry which coordinate is better known; how sure the state is as a whole acts through the weights alone.

    Args:
        relative: [N, 2], see `TrackArrays`.
        target: what is wanted.
        out: [N], written.
        scratch: [2, N], overwritten.
    """
    for axis in range(2):
        np.subtract(relative[:, axis], np.float32(target.relative[axis]), out=scratch[axis])
        scratch[axis] *= np.float32(1.0 / target.widths[axis])
        np.square(scratch[axis], out=scratch[axis])
    np.add(scratch[0], scratch[1], out=out)
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
