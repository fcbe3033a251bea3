"""Weights that a stage has trained survive an interrupted build: they are written whole, or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["trained_once"]

Weights = dict[str, npt.NDArray[np.float32]]


def trained_once(path: Path, train: Callable[[], Mapping[str, npt.NDArray[np.float32]]]) -> Weights:
    """Return the weights stored in a file; train and store them where there are none, or where they are damaged.

    Args:
        path: an `.npz` file in the stage's own work folder, which is another one when anything changes that decides
            the weights.
        train: makes the weights by name.
    """
    if (stored := _read(path)) is not None:
        return stored
    weights = {name: np.asarray(values, np.float32) for name, values in train().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as stream:
        np.savez(stream, **weights)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    return weights


def _read(path: Path) -> Weights | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
