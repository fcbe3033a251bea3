from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware_sim.music import Intended, load_intended
from firmware_sim.music.sidecar import SIDECAR_NAME, encode_intended, load_settings
from models.errors import DataError, Reason

TRACK = {"title": "Amber Atlas", "artist": "Somebody", "valence": 0.5, "arousal": -0.25}


def write(folder: Path, content: object) -> Path:
    (folder / SIDECAR_NAME).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_what_was_written_is_read_back(tmp_path: Path):
    tracks = {"01 Amber Atlas.flac": Intended("Amber Atlas", "Somebody", 0.5, -0.25)}
    (tmp_path / SIDECAR_NAME).write_bytes(encode_intended(tracks, {"seed": 4}))
    assert load_intended(tmp_path) == tracks
    assert load_settings(tmp_path) == {"seed": 4}


def test_the_content_follows_the_schema():
    content = json.loads(encode_intended({"01 A.flac": Intended("A", "B", 0.5, -0.25)}, {}))
    assert content["version"] == 1
    assert content["tracks"] == {"01 A.flac": {"title": "A", "artist": "B", "valence": 0.5, "arousal": -0.25}}


def test_a_folder_without_sidecar_is_no_catalogue_and_the_error_says_what_to_do(tmp_path: Path):
    with pytest.raises(DataError, match=r"is no demo catalogue.*attune-sim music") as caught:
        load_intended(tmp_path)
    assert caught.value.reason is Reason.MISSING


@pytest.mark.parametrize(
    ("content", "said", "reason"),
    [
        ("{", "is no JSON", Reason.MALFORMED),
        ("[]", "holds no object", Reason.MALFORMED),
        ({"version": 2, "tracks": {}}, "version 2", Reason.INCOMPATIBLE),
        ({"tracks": {}}, "version None", Reason.INCOMPATIBLE),
        ({"version": 1}, "`tracks`", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": 3}}, "'x.flac' is no object", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": TRACK | {"title": 3}}}, "'x.flac': `title`", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": TRACK | {"valence": 1.5}}}, "`valence` is 1.5", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": TRACK | {"arousal": True}}}, "`arousal` is True", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": TRACK | {"arousal": "0"}}}, "`arousal` is '0'", Reason.MALFORMED),
        ({"version": 1, "tracks": {"x.flac": TRACK | {"valence": float("nan")}}}, "nan", Reason.MALFORMED),
    ],
)  # fmt: skip
def test_a_broken_sidecar_is_refused_with_the_place(tmp_path: Path, content: object, said: str, reason: Reason):
    with pytest.raises(DataError, match=r"intended\.json") as caught:
        load_intended(write(tmp_path, content))
    assert said in str(caught.value)
    assert caught.value.reason is reason
    assert caught.value.remedy


def test_a_sidecar_in_another_encoding_is_refused(tmp_path: Path):
    (tmp_path / SIDECAR_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no JSON"):
        load_intended(tmp_path)


def test_a_sidecar_that_cannot_be_opened_is_refused(tmp_path: Path):
    (tmp_path / SIDECAR_NAME).mkdir()
    with pytest.raises(DataError) as caught:
        load_intended(tmp_path)
    assert caught.value.reason is Reason.UNREADABLE
