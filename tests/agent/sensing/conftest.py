"""A station and what it hears."""

from __future__ import annotations

import pytest
from worn import Worn


@pytest.fixture
def worn() -> Worn:
    return Worn()
