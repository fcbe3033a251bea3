"""The loop of a training: killed in the middle and started again, it comes to the same end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.epochs import Epochs
from cloud_trainer.progress import LogProgress, ObservedProgress

EPOCHS = 6


class Variable:
    """What a training changes; stands in for TensorFlow's."""

    def __init__(self) -> None:
        self.value = np.zeros(2)

    def numpy(self) -> np.ndarray:
        return self.value.copy()

    def assign(self, value: np.ndarray) -> None:
        self.value = value.copy()


class Killed(Exception):  # noqa: N818
    pass


def _train(checkpoint: Path | None, *, killed_in: int = -1, seen: list[int] | None = None) -> Epochs:
    variable, generator = Variable(), np.random.default_rng(3)
    progress = ObservedProgress(LogProgress(), lambda epoch, _: None if seen is None else seen.append(epoch))
    epochs = Epochs(
        "walk",
        most=EPOCHS,
        patience=4,
        initial={"place": variable.numpy()},
        variables=[variable],
        generator=generator,
        progress=progress,
        checkpoint=checkpoint,
    )
    for epoch in epochs:
        variable.assign(variable.value + generator.normal(size=2))
        if epoch == killed_in:
            raise Killed
        epochs.judge(-float(np.abs(variable.value).sum()), {"place": variable.numpy()}, "walking", loss=1.0)
    return epochs


def test_a_training_that_was_killed_goes_on_and_comes_to_the_same_end(tmp_path: Path):
    whole, seen = _train(None), []
    with pytest.raises(Killed):
        _train(tmp_path / "epoch.npz", killed_in=3)
    resumed = _train(tmp_path / "epoch.npz", seen=seen)
    assert seen == [3, 4, 5]
    assert resumed.score == whole.score
    assert resumed.best["place"].tolist() == whole.best["place"].tolist()


def test_a_finished_training_is_not_trained_again(tmp_path: Path):
    first, seen = _train(tmp_path / "epoch.npz"), []
    assert _train(tmp_path / "epoch.npz", seen=seen).best["place"].tolist() == first.best["place"].tolist()
    assert seen == []


def test_a_damaged_checkpoint_is_trained_anew(tmp_path: Path):
    (tmp_path / "epoch.npz").write_bytes(b"PK\x03\x04 cut short")
    seen: list[int] = []
    _train(tmp_path / "epoch.npz", seen=seen)
    assert seen[0] == 0


def test_it_ends_after_epochs_without_a_gain():
    epochs = Epochs(
        "stale",
        most=100,
        patience=3,
        initial={},
        variables=[],
        generator=np.random.default_rng(0),
        progress=LogProgress(),
    )
    done = [epochs.judge(-float(epoch), {"epoch": np.array(epoch)}, "") for epoch in epochs]
    assert len(done) == 4
    assert epochs.best["epoch"] == 0
