"""Training examples of `user_emotion`: histories of raw steps with what was felt at their end.

Raw means in the units of `models.physiology.schema`, NaN where unknown; normalising is left to the moment when a batch
is drawn, because the same example is seen against all that is known of the person and against the history alone, as on
the first day of a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.physiology.baseline import Own
from models.physiology.normalise import normalise
from models.physiology.schema import FEATURES, INDEX, STEPS

__all__ = ["SIZE", "Examples", "concatenate", "history", "history_levels", "split_people"]

SIZE: Final = len(FEATURES)
_TEST, _VALIDATION = 0.2, 0.15

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Histories and labels, one row each.

    Attributes:
        raw: steps, the newest last, shape `(n, 32, F)`; a step that is all NaN is padding.
        level: the person's own levels as known at the time, NaN where not known, shape `(n, F)`.
        seconds: how long a stretch each of them is of, shape `(n, F)`.
        label: valence and arousal felt at the end, in [-1, 1], shape `(n, 2)`.
        label_sd: how unsure the label itself is, shape `(n, 2)`; drawn anew whenever the example is seen.
        usual: running mean of the person's own earlier reports, NaN before the first, shape `(n, 2)`.
        person: identifiers that no two data sets share.
        kind: such as `hku956` or `situnes_before`.
    """

    raw: Array
    level: Array
    seconds: Array
    label: Array
    label_sd: Array
    usual: Array
    person: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Examples:
        """Return some of the rows."""
        return Examples(
            self.raw[rows],
            self.level[rows],
            self.seconds[rows],
            self.label[rows],
            self.label_sd[rows],
            self.usual[rows],
            self.person[rows],
            self.kind[rows],
        )

    def normalised(
        self, fresh: npt.NDArray[np.bool_] | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the model's inputs `steps` and `mask`, each `(n, 32, F)`.

        Args:
            fresh: per row, whether nothing is known of the person but the history itself; `None` means it never is.
        """
        level, seconds = self.level, self.seconds
        if fresh is not None and fresh.any():
            of_history, length = history_levels(self.raw)
            level = np.where(fresh[:, None], of_history, level)
            seconds = np.where(fresh[:, None], length, seconds)
        return normalise(self.raw, Own(level[:, None, :], seconds[:, None, :]))


def history_levels(raw: Array) -> tuple[Array, Array]:
    """Return the mean of every feature over histories `(n, 32, F)` and the seconds that it is of, each `(n, F)`."""
    known = np.isfinite(raw)
    count = known.sum(axis=1)
    total = np.where(known, raw, 0.0).sum(axis=1)
    lengths = np.exp(np.nan_to_num(raw[:, :, INDEX["step_length"]], nan=-np.inf))
    seconds = (known * lengths[:, :, None]).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), seconds


def concatenate(parts: Sequence[Examples]) -> Examples:
    """Return the rows of all parts."""
    return Examples(
        np.concatenate([part.raw for part in parts]),
        np.concatenate([part.level for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.label_sd for part in parts]),
        np.concatenate([part.usual for part in parts]),
        np.concatenate([part.person for part in parts]),
        np.concatenate([part.kind for part in parts]),
    )


def history(steps: Sequence[Array]) -> Array:
    """Return the newest 32 raw steps, shape `(32, F)`, padded on the left with NaN."""
    padded = np.full((STEPS, SIZE), np.nan)
    newest = np.asarray(list(steps)[-STEPS:])
    if len(newest):
        padded[-len(newest) :] = newest
    return padded


def split_people(people: Sequence[str], *, seed: int) -> dict[str, str]:
    """Return `train`, `validation` or `test` for each person: a fifth is tested, about a seventh validates."""
    order = [sorted(people)[i] for i in np.random.default_rng(seed).permutation(len(people))]
    test = max(1, round(len(order) * _TEST))
    validation = max(1, round(len(order) * _VALIDATION))
    names = ["test"] * test + ["validation"] * validation
    return {person: names[i] if i < len(names) else "train" for i, person in enumerate(order)}
