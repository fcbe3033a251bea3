from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running_agent import free_port, scan, write_settings, write_tone


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four short tracks in `music` and their catalogue in `data`."""
    folder = tmp_path_factory.mktemp("library")
    for number, hertz in enumerate((110.0, 220.0, 440.0, 880.0)):
        write_tone(folder / "music" / f"{number} tone.flac", hertz=hertz, seconds=4.0 + number)
    assert scan(write_settings(folder, port=1883))["new"] == 4
    return folder


@pytest.fixture
def config(scanned: Path, tmp_path: Path, port: int) -> Path:
    """Settings of an agent of the test's own, with that library."""
    shutil.copytree(scanned / "data", tmp_path / "data")
    return write_settings(tmp_path, port=port, library={"folders": [str(scanned / "music")]})
