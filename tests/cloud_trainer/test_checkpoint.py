"""Trained weights: stored once, taken again, trained anew where the file is damaged."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.checkpoint import full_disk_told, trained_once, write_arrays
from models.errors import DataError, Reason, StorageError


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


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Unable to synchronously write (file write failed: errno = 28, error message = ...)"),
        RuntimeError("RESOURCE_EXHAUSTED: /work/last.data: No space left on device"),
    ],
)
def test_a_full_disk_is_told_alike_whichever_library_found_it(tmp_path: Path, error: Exception):
    with pytest.raises(StorageError) as refused, full_disk_told(tmp_path):
        raise error
    assert refused.value.reason is Reason.DISK_FULL


def test_other_errors_are_passed_on_as_they_are(tmp_path: Path):
    with pytest.raises(KeyError, match="a bug"), full_disk_told(tmp_path):
        raise KeyError("a bug")
    with pytest.raises(DataError, match="No space left on device"), full_disk_told(tmp_path):
        raise DataError("a song called No space left on device", reason=Reason.CORRUPT)
