"""Windows of listening sequences: the last fifty artists and the one that came next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.recommenders.full_ranking import Case
from cloud_trainer.recommenders.interactions import History

__all__ = ["HISTORY", "SHORTEST", "chronological_cases", "padded", "sample_windows"]

HISTORY: Final = 50
"""Items that the sequence model looks back."""
SHORTEST: Final = 5
"""Shorter sequences have no fifth to hold out."""
_GIVEN: Final = 0.8

Ints = npt.NDArray[np.int64]


def padded(items: Ints) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Return the newest fifty items, padded on the left with 0, and the mask that tells them from padding."""
    window, mask = np.zeros(HISTORY, np.int64), np.zeros(HISTORY, np.float32)
    newest = items[-HISTORY:]
    if len(newest):
        window[-len(newest) :], mask[-len(newest) :] = newest, 1
    return window, mask


def chronological_cases(sequences: Sequence[Ints], users: Ints) -> list[Case]:
    """Return, per user, the first four fifths of the sequence and the artists of the last fifth.

    Args:
        sequences: of all users.
        users: whose; listeners that nothing was trained on.
    """
    cases = []
    for user in users:
        sequence = sequences[user]
        if len(sequence) >= SHORTEST:
            end = int(len(sequence) * _GIVEN)
            given = History(sequence[:end], np.ones(end, np.float32))
            cases.append((int(user), given, sequence[end:]))
    return cases


def sample_windows(
    sequences: Sequence[Ints], count: int, generator: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.float32], Ints]:
    """Draw windows and what came next: items `(count, 50)`, mask `(count, 50)`, next item `(count,)`.

    Users are drawn by the root of their length, so that a few tireless ones do not decide. Some windows are cut short,
    because a new listener has only a few plays.
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.float64)
    chance = np.sqrt(np.maximum(lengths - 1, 0))
    users = generator.choice(len(sequences), count, p=chance / chance.sum())
    items, mask = np.zeros((count, HISTORY), np.int64), np.zeros((count, HISTORY), np.float32)
    target = np.zeros(count, np.int64)
    for row, user in enumerate(users):
        sequence = sequences[user]
        position = int(generator.integers(1, len(sequence)))
        oldest = max(0, position - int(generator.integers(1, HISTORY + 1))) if generator.random() < 0.2 else 0
        items[row], mask[row] = padded(sequence[oldest:position])
        target[row] = sequence[position]
    return items, mask, target
