"""The tiny data sets of listeners, written once."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def listener_sets() -> ModuleType:
    spec = spec_from_file_location("listener_sets", Path(__file__).parent.parent / "listener_sets.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def listener_data(listener_sets: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("listeners")
    listener_sets.write(data)
    return data
