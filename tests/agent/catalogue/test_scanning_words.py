"""Words of tracks through whole scans: found, kept, noticed when they change, and never in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import mutagen.id3
import numpy as np
import pytest
import soundfile
from analyser import FakeAnalyser

from agent.catalogue.scan import ScanReport, scan
from agent.storage import Database, WordsRow
from models.errors import Reason
from models.lyrics.sentiment import Lexicon

LEXICON = Lexicon({"en": {"love": (0.5, 0.25, 0.125), "sad": (-0.5, -0.25, -0.125)}}, version="v1")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.mp3").write_text(f"content of {name}")
    (folder / "a.lrc").write_text("[00:01.00]love\n" * 8)
    return folder


@pytest.fixture
def analyser() -> FakeAnalyser:
    return FakeAnalyser()


def write_sound(path: Path) -> bytes:
    """Writes what mutagen takes for an MP3 without tags, and returns it."""
    soundfile.write(path, np.zeros(22_050, dtype=np.float32), 22_050, format="MP3")
    return path.read_bytes()


async def run(database: Database, music: Path, analyser: FakeAnalyser, lexicon: Lexicon | None = LEXICON) -> ScanReport:
    return await scan([music], database, analyser, clock=lambda: 0.0, lexicon=lexicon)


async def words(database: Database, name: str) -> WordsRow | None:
    known = {Path(file.path.decode()).name: file.words for file in await database.known_files()}
    return known[f"{name}.mp3"]


async def valence(database: Database, name: str) -> float | None:
    said = await words(database, name)
    return None if said is None else said.valence


async def test_words_are_stored_with_the_track(database: Database, music: Path, analyser: FakeAnalyser):
    report = await run(database, music, analyser)
    assert (report.new, report.reworded, report.lyrics) == (2, 0, [])
    said = await words(database, "a")
    assert said is not None
    assert (said.source, said.valence, said.dominance, said.known) == ("lyrics", 0.5, 0.125, 8)
    assert await database.words(said.track_id) == said
    silent = await words(database, "b")
    assert silent is not None
    assert (silent.source, silent.lyrics) == ("", "")


async def test_nothing_is_read_again_without_a_change(database: Database, music: Path, analyser: FakeAnalyser):
    await run(database, music, analyser)
    report = await run(database, music, analyser)
    assert (report.unchanged, report.reworded, len(analyser.heard)) == (2, 0, 2)


async def test_lyrics_that_change_come_or_go_are_noticed_and_no_track_is_heard_again(
    database: Database, music: Path, analyser: FakeAnalyser
):
    await run(database, music, analyser)
    (music / "a.lrc").write_text("sad\n" * 9)
    (music / "b.lrc").write_text("love\n" * 9)
    report = await run(database, music, analyser)
    assert (report.unchanged, report.changed, report.reworded) == (2, 0, 2)
    assert [await valence(database, name) for name in "ab"] == [-0.5, 0.5]
    (music / "b.lrc").unlink()
    assert (await run(database, music, analyser)).reworded == 1
    assert [await valence(database, name) for name in "ab"] == [-0.5, None]
    assert len(analyser.heard) == 2


async def test_another_lexicon_reads_all_words_anew(database: Database, music: Path, analyser: FakeAnalyser):
    await run(database, music, analyser, None)
    assert await valence(database, "a") is None
    assert (await run(database, music, analyser)).reworded == 2
    assert await valence(database, "a") == 0.5
    other = Lexicon({"en": {"love": (-1.0, 0.0, 0.0)}}, version="v2")
    assert (await run(database, music, analyser, other)).reworded == 2
    assert await valence(database, "a") == -1.0
    assert len(analyser.heard) == 2


async def test_a_track_that_is_replaced_has_its_words_read_with_it(
    database: Database, music: Path, analyser: FakeAnalyser
):
    await run(database, music, analyser)
    (music / "a.mp3").write_text("another song")
    (music / "a.lrc").unlink()
    assert (await run(database, music, analyser)).changed == 1
    assert await valence(database, "a") is None
    (music / "a.mp3").write_text("damaged, and longer")
    await run(database, music, analyser)
    assert await words(database, "a") is None


async def test_a_track_that_moves_takes_its_words_along_and_its_lyrics_are_those_of_its_new_place(
    database: Database, music: Path, analyser: FakeAnalyser
):
    await run(database, music, analyser)
    (music / "a.mp3").rename(music / "c.mp3")
    (music / "a.lrc").rename(music / "c.lrc")
    report = await run(database, music, analyser)
    assert (report.moved, report.reworded, await valence(database, "c")) == (1, 0, 0.5)
    (music / "c.mp3").rename(music / "d.mp3")
    report = await run(database, music, analyser)
    assert (report.moved, report.reworded, await valence(database, "d")) == (1, 1, None)
    assert len(analyser.heard) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 99, Reason.MALFORMED),
        (b"love " * 200_000, Reason.OVERSIZED),
        (b"\xef\xbb\xbfnot UTF-8 \xff\xfe\n" + b"love\n" * 8, Reason.MALFORMED),
        (b"[00:99:99:12]love\n" * 8, Reason.MALFORMED),
        (None, Reason.UNREADABLE),
    ],
    ids=["binary", "huge", "wrong encoding", "damaged times", "no file"],
)
async def test_bad_lyrics_are_told_each_time_until_they_are_mended_and_stop_nothing(
    database: Database, music: Path, analyser: FakeAnalyser, content: bytes | None, reason: Reason
):
    (music / "a.lrc").unlink()
    if content is None:
        (music / "a.lrc").mkdir()
    else:
        (music / "a.lrc").write_bytes(content)
    for _ in range(2):
        report = await run(database, music, analyser)
        assert [(each.path, each.reason) for each in report.lyrics] == [(music / "a.lrc", reason)]
        assert report.unusable == []
    assert len(await database.load_tracks()) == 2
    (music / "a.lrc").rename(music / "aside")
    assert (await run(database, music, analyser)).lyrics == []
    assert len(analyser.heard) == 2


async def test_lyrics_that_two_tracks_share_are_told_once(database: Database, music: Path, analyser: FakeAnalyser):
    (music / "a.flac").write_text("the same song")
    (music / "a.lrc").write_bytes(b"\0\1\2")
    assert len((await run(database, music, analyser)).lyrics) == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"USLT\x00\x00\x00\x06\x00\x00\x01eng\xff\xfe",
        b"USLT\x00\x00\x00\x09\x00\x00\x03eng\x00\xff\xfe\xfd\xfc",
        b"USLT\x00\x00\x00\x02\x00\x00\x00e",
        b"USLT\x7f\x7f\x7f\x7f\x00\x00\x00eng\x00",
        b"USLT\x00\x00\x00\x05\x00\x00\x09eng\x00",
    ],
    ids=["cut off", "no UTF-8", "too short", "longer than the tag", "unknown encoding"],
)
async def test_a_broken_frame_of_lyrics_stops_nothing_and_the_file_beside_stands_in(
    database: Database, music: Path, analyser: FakeAnalyser, frame: bytes
):
    title = b"TIT2\x00\x00\x00\x05\x00\x00\x03Song"
    body = title + frame + bytes(64)
    size = bytes([0, 0, len(body) >> 7, len(body) & 0x7F])
    (music / "a.mp3").write_bytes(b"ID3\x04\x00\x00" + size + body + write_sound(music / "a.mp3"))
    report = await run(database, music, analyser)
    assert (report.new, report.unusable) == (2, [])
    assert (await database.load_tracks()).title == ("Song", "b")
    said = await words(database, "a")
    assert said is not None
    assert (said.lyrics, said.valence) == ("file", 0.5)


async def test_damaged_lyrics_in_a_tag_are_told_of_the_track(database: Database, music: Path, analyser: FakeAnalyser):
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.USLT(encoding=3, lang="eng", desc="", text="[00:99:99:99]love\n" * 8))
    write_sound(music / "b.mp3")
    tags.save(music / "b.mp3")
    report = await run(database, music, analyser)
    assert [(each.path, each.reason) for each in report.lyrics] == [(music / "b.mp3", Reason.MALFORMED)]
    assert await valence(database, "b") == 0.5
