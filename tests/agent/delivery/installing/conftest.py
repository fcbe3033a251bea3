from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bundles import tiny_bundle

from agent.delivery.installing.slots.slots import Slots


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of syncs of a real disk are not what is tested here."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    folder = Path(tempfile.mkdtemp(prefix="attune-", dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    tiny_bundle(tmp_path / "shipped", "2026.11.1")
    return tmp_path / "shipped"


@pytest.fixture
def slots(tmp_path: Path, shipped: Path) -> Slots:
    return Slots.open(tmp_path / "slots", shipped)


@pytest.fixture
def reopened(tmp_path: Path, shipped: Path) -> Callable[[], Slots]:
    """What a new process finds."""
    return lambda: Slots.open(tmp_path / "slots", shipped)
