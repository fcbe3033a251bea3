"""The loop of a training: progress, early stopping, and a checkpoint after each epoch to go on from.

    epochs = Epochs("train sequence", most=12, patience=3, initial=weights, variables=…, generator=…, progress=progress,
                    checkpoint=folder / "epoch.npz")
    for epoch in epochs:
        ...                                    # one pass over the data
        epochs.judge(score, now, note)         # more is better
    return epochs.best

The checkpoint holds the variables (the optimiser's too), the state of the random generator and the best epoch so far: a
training that was killed goes on with the next epoch. TensorFlow's own random numbers (dropout) go on differently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cloud_trainer.checkpoint import read_arrays, write_arrays
from cloud_trainer.progress import Progress

__all__ = ["Epochs"]

Arrays = Mapping[str, npt.NDArray[Any]]


class Epochs:
    """Epochs of a training, from the one after the last checkpoint to the last, or until `patience` brought no gain.

    Attributes:
        best: the weights of the best epoch that was judged; the initial ones before.
        score: its score.

    Args:
        label: for the progress.
        most: epochs.
        patience: judged epochs without a gain after which the training ends.
        initial: weights that count as the best until an epoch is judged.
        variables: TensorFlow's, of the model and of the optimiser, in a fixed order; restored in place.
        generator: of everything that is drawn; restored in place.
        progress: where it is shown.
        checkpoint: a file in a folder that is another one when anything changes that decides the weights; `None` for
            none.
    """

    def __init__(
        self,
        label: str,
        *,
        most: int,
        patience: int,
        initial: Arrays,
        variables: Sequence[Any],
        generator: np.random.Generator,
        progress: Progress,
        checkpoint: Path | None = None,
    ) -> None:
        self._label, self._most, self._patience, self._progress = label, most, patience, progress
        self._variables, self._generator, self._checkpoint = list(variables), generator, checkpoint
        self.best: dict[str, npt.NDArray[Any]] = dict(initial)
        self.score = -np.inf
        self._done, self._waited, self._note = 0, 0, ""
        self._resume()

    def __iter__(self) -> Iterator[int]:
        """Yield the number of each epoch that is left, from 0.

        Raises:
            StorageError: a checkpoint cannot be written.
        """
        with self._progress.task(self._label, self._most) as advance:
            for _ in range(self._done):
                advance("done before")
            while self._done < self._most and self._waited < self._patience:
                yield self._done
                self._done += 1
                self._save()
                advance(self._note)

    def judge(self, score: float, weights: Arrays, note: str, **figures: float) -> None:
        """Tell how good the weights are after an epoch; call it at most once in each.

        Args:
            score: on validation rows; more is better.
            weights: by name; kept where they are the best so far.
            note: for the progress.
            figures: whatever else was measured in the epoch, for the log.
        """
        if score > self.score:
            self.best, self.score, self._waited = dict(weights), score, 0
        else:
            self._waited += 1
        self._note = note
        self._progress.measured(self._done, {"validation": score, **figures})

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        state = {"done": self._done, "waited": self._waited, "score": self.score, "note": self._note}
        told = json.dumps({**state, "generator": self._generator.bit_generator.state})
        variables = {f"variable/{place}": variable.numpy() for place, variable in enumerate(self._variables)}
        best = {f"best/{name}": values for name, values in self.best.items()}
        write_arrays(self._checkpoint, {"state": np.array(told), **variables, **best})

    def _resume(self) -> None:
        stored = None if self._checkpoint is None else read_arrays(self._checkpoint)
        if stored is None:
            return
        state = json.loads(str(stored["state"]))
        for place, variable in enumerate(self._variables):
            variable.assign(stored[f"variable/{place}"])
        self._generator.bit_generator.state = state["generator"]
        self.best = {name.removeprefix("best/"): one for name, one in stored.items() if name.startswith("best/")}
        self._done, self._waited = state["done"], state["waited"]
        self.score, self._note = state["score"], state["note"]
