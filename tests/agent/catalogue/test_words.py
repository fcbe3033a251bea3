from __future__ import annotations

from pathlib import Path

import pytest

from agent.catalogue.files import FoundFile
from agent.catalogue.lyrics import LyricsFile
from agent.catalogue.tags import Tags
from agent.catalogue.telling import told_words
from agent.catalogue.words import lyrics_problem, words_of
from agent.storage.records import WordsRow
from models.errors import Reason
from models.lyrics.parsing import LYRICS_LIMIT
from models.lyrics.sentiment import Lexicon

LEXICON = Lexicon(
    {"en": {"love": (0.5, 0.25, 0.125), "sad": (-0.5, -0.25, -0.125)}, "de": {"love": (-1.0, -1.0, -1.0)}},
    version="v1",
)
FILE = FoundFile(Path("/m/a.flac"), b"a.flac", 1, 1, (7, 8))


def words(*, beside: LyricsFile | None = None, lexicon: Lexicon | None = LEXICON, **others: list[str]) -> WordsRow:
    return words_of("a", FILE, b"content", Tags(title="A", others=others, beside=beside), lexicon)


def test_lyrics_of_the_tags_give_all_three():
    said = words(lyrics=["love " * 8], genre=["sad"])
    assert (said.source, said.valence, said.arousal, said.dominance, said.known) == ("lyrics", 0.5, 0.25, 0.125, 8)
    assert (said.lyrics, said.lexicon, said.lyrics_size, said.lyrics_mtime_ns) == ("tags", "v1", 7, 8)


def test_lyrics_beside_the_track_say_as_much():
    said = words(beside=LyricsFile(text="[00:01.00]love\n" * 8))
    assert (said.source, said.lyrics, said.dominance) == ("lyrics", "file", 0.125)


@pytest.mark.parametrize(("count", "dominance"), [(1, None), (7, None), (8, -0.125)])
def test_dominance_is_said_of_eight_words_or_more(count: int, dominance: float | None):
    said = words(genre=["sad " * count])
    assert (said.source, said.valence, said.dominance) == ("tags", -0.5, dominance)


def test_genres_stand_in_for_too_few_lyrics():
    said = words(lyrics=["love"], genre=["Sad"])
    assert (said.source, said.lyrics, said.known) == ("tags", "tags", 1)


def test_without_known_words_nothing_is_said():
    said = words(lyrics=["la la la"], genre=["Qawwali"])
    assert (said.source, said.valence, said.dominance, said.known) == ("", None, None, 0)
    assert told_words(said) is None


def test_without_a_lexicon_nothing_is_said_and_damage_is_told_all_the_same():
    said = words(lexicon=None, beside=LyricsFile(reason=Reason.MALFORMED, problem="the lyrics are no text"))
    assert (said.source, said.lexicon, said.problem_reason) == ("", "", "malformed")


def test_the_one_language_that_the_tags_state_is_believed():
    assert words(lyrics=["love " * 8], language=["deu"]).valence == -1.0
    assert words(lyrics=["love " * 8], language=["eng"]).valence == 0.5
    assert words(lyrics=["love " * 8], language=["deu", "eng"]).language in {"de", "en"}


def test_what_is_wrong_is_said_of_where_the_lyrics_are():
    damaged = words(lyrics=["[99:99:99]love\n" * 8])
    problem = lyrics_problem(FILE, damaged)
    assert problem is not None
    assert (problem.path, problem.reason) == (FILE.path, Reason.MALFORMED)
    too_long = words(beside=LyricsFile(text="x" * (LYRICS_LIMIT + 1)))
    problem = lyrics_problem(FILE, too_long)
    assert problem is not None
    assert (problem.path, problem.reason) == (Path("/m/a.lrc"), Reason.OVERSIZED)
    assert problem.message.startswith("/m/a.lrc: ")
    assert lyrics_problem(FILE, words(lyrics=["love"])) is None


def test_others_are_told_four_digits():
    said = told_words(words(lyrics=["love love sad " * 8]))
    assert said is not None
    assert (said.valence, said.arousal, said.dominance, said.known) == (0.1667, 0.0833, 0.0417, 24)
    assert told_words(None) is None
