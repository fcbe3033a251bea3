from __future__ import annotations

from pathlib import Path

import pytest

from cloud_trainer.settings import TrainerSettings
from models.errors import SettingsError
from models.settings import default_text, parse


def test_the_shipped_file_shows_the_defaults(repository: Path):
    text = (repository / "config" / "trainer.toml").read_text("utf-8")
    assert parse(TrainerSettings, text, source="trainer.toml", program="trainer") == TrainerSettings()
    assert default_text("trainer") == text


def test_an_unknown_key_is_refused():
    with pytest.raises(SettingsError, match="epoch"):
        parse(TrainerSettings, "[music_emotion]\nepoch = 3\n", source="x.toml", program="trainer")


def test_fewer_channels_than_the_convolutions_bear_are_refused():
    with pytest.raises(SettingsError, match="stem"):
        parse(TrainerSettings, "[music_emotion]\nstem = 8\n", source="x.toml", program="trainer")
