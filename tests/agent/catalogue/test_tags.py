from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.catalogue.tags import read_tags
from models.identity import key

MBID = "f27ec8db-af05-4f36-916e-3d57f91ecf5e"
TONE = (0.1 * np.sin(np.arange(22_050) / 10)).astype(np.float32)


def write(path: Path) -> Path:
    soundfile.write(path, TONE, 22_050)
    return path


def tag_flac(folder: Path) -> Path:
    path = write(folder / "a.flac")
    file = mutagen.flac.FLAC(path)
    file.update(
        {
            "TITLE": "봄날",
            "ARTIST": "방탄소년단",
            "ALBUM": "You Never Walk Alone",
            "ALBUMARTIST": "BTS",
            "GENRE": ["K-Pop", "Ballad"],
            "DATE": "2017-02-13",
            "ISRC": "KRA381700105",
            "MUSICBRAINZ_TRACKID": MBID,
            "LANGUAGE": "kor",
            "RELEASECOUNTRY": "KR",
        }
    )
    file.save()
    return path


def tag_mp3(folder: Path) -> Path:
    path = write(folder / "a.mp3")
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text="봄날"))
    tags.add(mutagen.id3.TPE1(encoding=3, text="방탄소년단"))
    tags.add(mutagen.id3.TALB(encoding=3, text="You Never Walk Alone"))
    tags.add(mutagen.id3.TPE2(encoding=3, text="BTS"))
    tags.add(mutagen.id3.TCON(encoding=3, text=["K-Pop", "Ballad"]))
    tags.add(mutagen.id3.TDRC(encoding=3, text="2017-02-13"))
    tags.add(mutagen.id3.TSRC(encoding=3, text="KRA381700105"))
    tags.add(mutagen.id3.TLAN(encoding=3, text="kor"))
    tags.add(mutagen.id3.UFID(owner="http://musicbrainz.org", data=MBID.encode()))
    tags.add(mutagen.id3.TXXX(encoding=3, desc="MusicBrainz Album Release Country", text="KR"))
    tags.save(path)
    return path


def tag_m4a(folder: Path) -> Path:
    av = pytest.importorskip("av")
    path = folder / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=22_050, layout="mono")
        frame = av.AudioFrame.from_ndarray(TONE[None, :1024], format="fltp", layout="mono")
        frame.rate = 22_050
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file = mutagen.mp4.MP4(path)
    file.update(
        {
            "\xa9nam": "봄날",
            "\xa9ART": "방탄소년단",
            "\xa9alb": "You Never Walk Alone",
            "aART": "BTS",
            "\xa9gen": ["K-Pop", "Ballad"],
            "\xa9day": "2017-02-13",
            "----:com.apple.iTunes:ISRC": b"KRA381700105",
            "----:com.apple.iTunes:MusicBrainz Track Id": MBID.encode(),
            "----:com.apple.iTunes:LANGUAGE": b"kor",
            "----:com.apple.iTunes:MusicBrainz Album Release Country": b"KR",
        }
    )
    file.save()
    return path


@pytest.mark.parametrize("tagged", [tag_flac, tag_mp3, tag_m4a])
def test_every_family_of_tags_says_the_same(tmp_path: Path, tagged: Callable[[Path], Path]):
    tags = read_tags(tagged(tmp_path))
    assert (tags.title, tags.artist, tags.album, tags.album_artist) == (
        "봄날",
        "방탄소년단",
        "You Never Walk Alone",
        "BTS",
    )
    assert tags.identity_keys() == (
        key("mbid", MBID),
        key("isrc", "KRA381700105"),
        key("artist_title", "방탄소년단", "봄날"),
        key("artist", "방탄소년단"),
    )
    assert tags.values() == [
        ("language", "ko"),
        ("genre", "k pop"),
        ("genre", "ballad"),
        ("decade", "2010s"),
        ("region", "kr"),
    ]


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("Artist - Title.wav", "Artist", "Title"),
        ("03 - Artist - Title.wav", "Artist", "Title"),
        ("1-03 Some_Title.wav", "", "Some Title"),
        ("99 Luftballons.wav", "", "99 Luftballons"),
        ("12. Title.wav", "", "Title"),
        ("1999.wav", "", "1999"),
    ],
)
def test_the_name_of_a_file_stands_in_for_its_tags(tmp_path: Path, name: str, artist: str, title: str):
    tags = read_tags(write(tmp_path / name))
    assert (tags.artist, tags.title) == (artist, title)


def test_a_name_that_is_no_text_gives_a_title_that_is(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"caf\xe9.flac")
    shutil.copy(write(tmp_path / "x.flac"), path)
    assert read_tags(path).title.encode()


def test_tags_are_cleaned_and_bounded(tmp_path: Path):
    path = write(tmp_path / "a.flac")
    file = mutagen.flac.FLAC(path)
    file.update({"TITLE": "A\x07\x1b[31mB\nC" + "x" * 10_000, "GENRE": ["  ", "Rock", "Rock"] + ["y"] * 1000})
    file.save()
    tags = read_tags(path)
    assert tags.title.startswith("A [31mB C")
    assert len(tags.title) == 500
    assert tags.others["genre"] == ["Rock", "y"]


def test_a_missing_file_has_the_tags_of_its_name(tmp_path: Path):
    assert read_tags(tmp_path / "Artist - Title.mp3").title == "Title"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from(
        [b"ID3\x04\x00\x00\x00\x00\x10\x00", b"fLaC\x04\x00\x01\x00", b"OggS\x00\x02", b"\0\0\0\x20ftypM4A "]
    ),
    rest=st.binary(max_size=600),
)
def test_no_bytes_are_an_error(tmp_path: Path, head: bytes, rest: bytes):
    for suffix in ("mp3", "flac", "ogg", "m4a"):
        path = tmp_path / f"fuzzed.{suffix}"
        path.write_bytes(head + rest)
        tags = read_tags(path)
        assert tags.title
        tags.title.encode()
        tags.identity_keys()
        tags.values()


def test_lyrics_of_a_tag_keep_their_lines(tmp_path: Path):
    path = write(tmp_path / "a.flac")
    file = mutagen.flac.FLAC(path)
    file["LYRICS"] = "[Chorus]\nLove me\nLove me not"
    file.save()
    assert read_tags(path).lyrics().text == "Love me\nLove me not"


def test_unsynchronised_lyrics_of_id3_are_read(tmp_path: Path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, TONE, 22_050, format="MP3")
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.USLT(encoding=3, lang="kor", desc="", text="사랑해\n사랑해"))
    tags.save(path)
    assert read_tags(path).lyrics().text == "사랑해\n사랑해"


def test_lyrics_beside_a_track_are_read_where_it_has_none_of_its_own(tmp_path: Path):
    path = write(tmp_path / "a.flac")
    (tmp_path / "a.lrc").write_bytes("[00:02.00]그리고\n[00:01.00]사랑".encode("utf-16"))
    assert read_tags(path).lyrics().text == "사랑\n그리고"


def test_lyrics_that_cannot_be_read_leave_the_track_without(tmp_path: Path):
    path = write(tmp_path / "a.flac")
    (tmp_path / "a.lrc").mkdir()
    assert read_tags(path).lyrics().lines == ()


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_beside_a_track_are_survived(content: bytes, tmp_path: Path):
    path = tmp_path / "a.flac"
    if not path.exists():
        write(path)
    (tmp_path / "a.lrc").write_bytes(content)
    assert read_tags(path).title == "a"
