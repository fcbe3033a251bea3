"""Trained weights: stored once, taken again, trained anew where the file is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cloud_trainer.checkpoint import trained_once


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
