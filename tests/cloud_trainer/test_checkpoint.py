"""Trained weights: stored once, taken again, trained anew where the file is damaged."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.checkpoint import trained_once, write_arrays
from models.errors import Reason, StorageError


def test_weights_are_trained_once(tmp_path: Path):
    calls = []

    def train() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"0.kernel": np.arange(3.0)}

    first = trained_once(tmp_path / "new" / "weights.npz", train)
    second = trained_once(tmp_path / "new" / "weights.npz", train)
    assert len(calls) == 1
    assert first["0.kernel"].tolist() == second["0.kernel"].tolist() == [0, 1, 2]
    assert first["0.kernel"].dtype == second["0.kernel"].dtype == np.float32
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["weights.npz"]


def test_a_damaged_file_is_trained_anew(tmp_path: Path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"PK\x03\x04 cut short")
    assert trained_once(path, lambda: {"a": np.ones(2)})["a"].tolist() == [1, 1]
    assert trained_once(path, dict)["a"].tolist() == [1, 1]


def test_a_full_disk_is_told_with_a_remedy_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "weights.npz"
    trained_once(path, lambda: {"a": np.ones(2)})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError) as refused:
        write_arrays(path, {"a": np.zeros(2)})
    assert refused.value.reason is Reason.DISK_FULL
    assert "goes on from the last checkpoint" in refused.value.remedy
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.npz"]
    assert trained_once(path, dict)["a"].tolist() == [1, 1]
