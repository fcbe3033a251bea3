from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lyrics.parsing import LINES_LIMIT, LYRICS_LIMIT, Line, decode_lyrics, is_text, parse_lyrics

SUNG = st.text(st.characters(categories=("L", "Nd", "Zs")), min_size=1, max_size=30).filter(str.strip)
TIMES = st.integers(0, 99 * 60_000 + 59_999)


def stamp(time_ms: int) -> str:
    return f"[{time_ms // 60_000:02d}:{time_ms % 60_000 // 1000:02d}.{time_ms % 1000:03d}]"


@given(st.text())
def test_any_text_has_a_result(text: str):
    found = parse_lyrics(text)
    assert found.refused >= 0
    assert all(line.text.strip() and "\n" not in line.text for line in found.lines)


@given(st.binary())
def test_any_bytes_have_a_text(content: bytes):
    assert isinstance(decode_lyrics(content), str)
    parse_lyrics(decode_lyrics(content))


@given(st.lists(st.tuples(TIMES, SUNG), max_size=20))
def test_timed_lines_come_back_in_the_order_of_time(lines: list[tuple[int, str]]):
    found = parse_lyrics("\n".join(f"{stamp(time_ms)}{words}" for time_ms, words in lines))
    assert [(line.time_s, line.text) for line in found.lines] == [
        (pytest.approx(time_ms / 1000), " ".join(words.split()))
        for time_ms, words in sorted(lines, key=lambda line: line[0])
    ]
    assert found.refused == 0


def test_a_chorus_with_two_times_is_sung_twice():
    found = parse_lyrics("[00:10.00][01:10.50]Oh baby\n[00:05]Hello")
    assert found.lines == (Line("Hello", 5.0), Line("Oh baby", 10.0), Line("Oh baby", 70.5))
    assert found.text == "Hello\nOh baby\nOh baby"


def test_what_the_file_says_of_itself_and_headings_are_not_sung():
    found = parse_lyrics("\ufeff[ti:Song]\n[ar:Somebody]\n[Chorus]\n[Verse 2]:\nSing\n\n[by:me]")
    assert found.lines == (Line("Sing"),)


def test_a_positive_offset_brings_lines_sooner_and_none_before_the_start():
    found = parse_lyrics("[offset:+500]\n[00:00.20]Now\n[00:02.00]Then")
    assert [line.time_s for line in found.lines] == [0.0, 1.5]


def test_times_of_words_are_left_out():
    assert parse_lyrics("[00:12.00]<00:12.20>Two <00:12.90>words").lines == (Line("Two words", 12.0),)


def test_a_time_that_is_none_is_counted_and_its_words_are_kept():
    found = parse_lyrics("[00:99.00]Lost\n[00:01.00]Found")
    assert [line.text for line in found.lines] == ["Found", "Lost"]
    assert found.refused == 1


def test_a_book_is_cut_off_and_counted():
    found = parse_lyrics("word " * LYRICS_LIMIT)
    assert len(found.text) <= LYRICS_LIMIT
    assert found.refused == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_word_is_read_in_every_encoding_of_unicode(encoding: str):
    assert "사랑" in decode_lyrics("[00:01.00]사랑".encode(encoding))


OLDER = {
    "cp949": "[00:01.00]사랑해요 그대만을 언제까지나\n[00:04.00]비가 내리는 밤에 너를 생각해\n",
    "gb18030": "[00:01.00]我爱你 永远在一起\n[00:04.00]夜里下雨的时候想起你\n",
    "big5": "[00:01.00]我愛你 永遠在一起\n[00:04.00]夜裡下雨的時候想起你\n",
    "cp932": "[00:01.00]愛してる ずっと一緒に\n[00:04.00]雨の夜にあなたを想う\n",
    "cp1252": "[00:01.00]Je t’aime, à jamais\n[00:04.00]Quand il pleut la nuit, je pense à toi\n",
    "cp1251": "[00:01.00]Я люблю тебя навсегда\n[00:04.00]Дождь идёт, и я думаю о тебе\n",
}


@pytest.mark.parametrize("encoding", OLDER)
def test_two_lines_tell_which_older_encoding_they_are_in(encoding: str):
    assert decode_lyrics(OLDER[encoding].encode(encoding)) == OLDER[encoding]


@pytest.mark.parametrize("encoding", ["cp949", "gb18030", "big5", "cp932"])
def test_a_file_that_ends_inside_a_character_is_read_up_to_it(encoding: str):
    whole = OLDER[encoding].rstrip("\n")
    assert decode_lyrics(whole.encode(encoding)[:-1]) == whole[:-1]


def test_what_cannot_be_decoded_is_counted():
    found = parse_lyrics(decode_lyrics(b"\xef\xbb\xbfgood \xff\xfe words"))
    assert found.lines == (Line("good words"),)
    assert found.refused == 2


@pytest.mark.parametrize("text", ["x" * LYRICS_LIMIT + "x", "x\n" * (LINES_LIMIT + 1), "[0:1][0:2]x\n" * LINES_LIMIT])
def test_lyrics_of_which_there_is_more_than_is_read_say_so(text: str):
    assert parse_lyrics(text).is_cut
    assert not parse_lyrics(text[: len(text) // 4]).is_cut


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "latin-1"])
def test_encoded_text_may_be_text(encoding: str):
    assert is_text("été".encode(encoding))


def test_what_has_zeros_without_a_mark_is_no_text():
    assert not is_text(b"RIFF\x24\x00\x00\x00WAVE")
