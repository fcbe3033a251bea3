"""What the daemon takes from the scan that runs beside it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from agent.rescan import Rescan


def scanned(lyrics: list[str], **counts: int) -> bytes:
    told = [{"path": path, "reason": "malformed", "message": f"{path}: the lyrics are no text"} for path in lyrics]
    return json.dumps({"found": 9, "unchanged": 9, "seconds": 1.5, "unusable": [], "lyrics": told, **counts}).encode()


@pytest.mark.parametrize("name", ["new", "changed", "moved", "returned", "gone"])
def test_what_changes_what_can_be_played_is_taken_in(name: str):
    assert Rescan(None)._take(scanned([], **{name: 1}))


def test_words_and_damaged_lyrics_leave_the_catalogue_in_place():
    assert not Rescan(None)._take(scanned(["/m/a.lrc"], reworded=3))


def test_damaged_lyrics_are_counted_and_named_once(caplog: pytest.LogCaptureFixture):
    rescan = Rescan(Path("agent.toml"))
    with caplog.at_level(logging.WARNING):
        rescan._take(scanned(["/m/a.lrc", "/m/b.lrc"]))
        rescan._take(scanned(["/m/b.lrc", "/m/c.lrc"]))
        rescan._take(scanned([]))
    assert rescan.lyrics == {"/m/a.lrc", "/m/b.lrc", "/m/c.lrc"}
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == ["/m/a.lrc", "/m/b.lrc", "/m/c.lrc"]


def test_an_answer_that_cannot_be_read_may_hold_something_new():
    assert Rescan(None)._take(b"no JSON")
