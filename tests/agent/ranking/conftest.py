from __future__ import annotations

import pytest
from small_catalogue import SLICES, make_tracks

from agent.ranking.taste import Taste
from agent.ranking.tracks import TrackArrays


@pytest.fixture
def tracks() -> TrackArrays:
    return make_tracks(400)


@pytest.fixture
def nobody(tracks: TrackArrays) -> Taste:
    return Taste.none(tracks, SLICES)
