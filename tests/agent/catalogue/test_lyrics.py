from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.catalogue.lyrics import LyricsFile, lyrics_path, read_lyrics_file
from models.errors import Reason
from models.lyrics.parsing import LYRICS_LIMIT, parse_lyrics


def written(folder: Path, content: bytes) -> LyricsFile:
    path = folder / "a.lrc"
    path.write_bytes(content)
    read = read_lyrics_file(path)
    assert read is not None
    return read


def test_lyrics_lie_beside_their_track_under_its_name():
    assert lyrics_path(Path("/m/1. a.b.mp3")) == Path("/m/1. a.b.lrc")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_text_is_read_whatever_it_is_encoded_in(tmp_path: Path, encoding: str):
    text = "[00:01.00]我爱你 永远在一起\n[00:04.00]夜里下雨的时候想起你\n"
    assert written(tmp_path, text.encode(encoding)) == LyricsFile(text=text)


def test_an_empty_file_is_no_problem(tmp_path: Path):
    assert written(tmp_path, b"") == LyricsFile()


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"love\0love",
        bytes(range(1, 256)) * 40,
        b"\xff\xfe" + b"\x00\xd8" * 500,
    ],
    ids=["picture", "zeros", "every byte", "halves of characters"],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes):
    assert written(tmp_path, content) == LyricsFile(reason=Reason.MALFORMED, problem="the lyrics are no text")


def test_a_huge_file_is_read_to_its_limit(tmp_path: Path):
    read = written(tmp_path, b"love " * 1_000_000)
    assert LYRICS_LIMIT < len(read.text) <= 4 * LYRICS_LIMIT + 4
    assert parse_lyrics(read.text).is_cut


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path):
    (tmp_path / "folder.lrc").mkdir()
    os.mkfifo(tmp_path / "pipe.lrc")
    for name in ("folder.lrc", "pipe.lrc"):
        read = read_lyrics_file(tmp_path / name)
        assert read is not None
        assert (read.text, read.reason) == ("", Reason.UNREADABLE)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.lrc").write_text("love")
    monkeypatch.setattr(Path, "open", deny)
    read = read_lyrics_file(tmp_path / "a.lrc")
    assert read == LyricsFile(reason=Reason.UNREADABLE, problem="the lyrics cannot be read (Permission denied)")


def test_a_name_under_which_nothing_can_lie_has_no_lyrics(tmp_path: Path):
    assert read_lyrics_file(tmp_path / ("x" * 300 + ".lrc")) is None
    assert read_lyrics_file(tmp_path / "absent.lrc") is None
    (tmp_path / "file").touch()
    assert read_lyrics_file(tmp_path / "file" / "a.lrc") is None
