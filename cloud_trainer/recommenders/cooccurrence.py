"""Item vectors to begin with: which artists share listeners, by positive pointwise mutual information and SVD."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cloud_trainer.recommenders.metadata_vectors import vectors_of

__all__ = ["item_vectors"]


def item_vectors(
    histories: Sequence[npt.NDArray[np.int64]], *, items: int, size: int, seed: int
) -> npt.NDArray[np.float32]:
    """Return a vector per item, shape `(items, size)`, with a root-mean-square component of 0.3.

    Args:
        histories: items of each listener.
        items: number of items.
        size: of a vector.
        seed: of the decomposition's start.
    """
    column = np.concatenate([np.full(len(history), user) for user, history in enumerate(histories)])
    row = np.concatenate(list(histories))
    counts = sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(items, len(histories)))
    # An item that nobody in training has stays at the origin.
    heard = np.flatnonzero(np.diff(counts.indptr))
    vectors = np.zeros((items, size), np.float32)
    vectors[heard] = vectors_of(sparse.csr_matrix(counts[heard]), size=size, seed=seed) * (0.3 * np.sqrt(size))
    return vectors
