from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DataError, Reason
from models.lyrics.sentiment import Lexicon, default_lexicon, sentiment, sentiment_of_track
from models.lyrics.words import languages_of, split_words

LEXICON = Lexicon(
    {
        "en": {"love": (0.8, 0.2, 0.4), "death": (-0.8, 0.2, -0.6), "smile": (0.6, 0.0, 0.2), "run": (0.0, 0.6, 0.0)},
        "ko": {"사랑": (0.9, 0.3, 0.4), "사랑하": (0.7, 0.3, 0.4)},
        "zh": {"爱": (0.5, 0.1, 0.1), "爱情": (0.7, 0.2, 0.2)},
        "de": {"liebe": (0.7, 0.2, 0.3)},
    }
)


def test_words_weigh_as_often_as_they_occur():
    found = sentiment("Love, love, LOVE and death", LEXICON, fewest=1)
    assert found is not None
    assert found.valence == pytest.approx((3 * 0.8 - 0.8) / 4)
    assert found.dominance == pytest.approx((3 * 0.4 - 0.6) / 4)
    assert (found.known, found.language) == (4, "en")


def test_lyrics_of_which_few_words_are_known_have_no_sentiment():
    assert sentiment("love love", LEXICON) is None
    assert sentiment("", LEXICON, fewest=0) is None
    assert sentiment("любовь", LEXICON, fewest=1) is None


def test_endings_are_taken_off_where_only_the_plain_form_is_known():
    found = sentiment("smiling smiles smiled running lovin'", LEXICON, fewest=1)
    assert found is not None
    assert found.known == 5


def test_korean_is_found_by_its_longest_known_beginning():
    found = sentiment("사랑해요 사랑하는", LEXICON, fewest=1)
    assert found is not None
    assert found.valence == pytest.approx(0.8)
    assert found.language == "ko"


def test_chinese_is_cut_by_the_longest_known_word():
    found = sentiment("我爱你的爱情", LEXICON, fewest=1)
    assert found is not None
    assert found.valence == pytest.approx((0.5 + 0.7) / 2)


def test_the_language_of_latin_letters_is_the_one_that_knows_most_words_unless_it_is_stated():
    told = sentiment("Liebe Liebe love", LEXICON, fewest=1)
    assert told is not None
    assert told.language == "de"
    stated = sentiment("Liebe Liebe love", LEXICON, fewest=1, language="en")
    assert stated is not None
    assert (stated.language, stated.known) == ("en", 1)


def test_a_line_of_korean_among_english_counts_as_korean():
    assert languages_of("baby baby oh my love 사랑해")[0] == "ko"
    assert languages_of("漢字とかな") == ("ja",)


def test_tags_speak_where_there_are_too_few_lyrics():
    from_tags = sentiment_of_track("love", ["Rock", "Death metal"], LEXICON)
    assert from_tags is not None
    assert from_tags.valence == pytest.approx(-0.8)
    from_lyrics = sentiment_of_track("love " * 8, ["Death metal"], LEXICON)
    assert from_lyrics is not None
    assert from_lyrics.valence == pytest.approx(0.8)
    assert (from_tags.source, from_lyrics.source) == ("tags", "lyrics")
    assert sentiment_of_track("", [], LEXICON) is None


@given(st.text(max_size=300), st.sampled_from([None, "en", "ko", "xx"]))
def test_any_text_has_a_sentiment_inside_the_range_or_none(text: str, language: str | None):
    found = sentiment(text, LEXICON, language=language, fewest=1)
    assert found is None or max(abs(found.valence), abs(found.arousal), abs(found.dominance)) <= 1.0


def test_apostrophes_stay_inside_words():
    assert split_words("Don’t stop, o'clock!") == ["don't", "stop", "o'clock"]


def test_the_lexicon_that_ships_is_freely_licensed_and_knows_seven_languages():
    lexicon = default_lexicon()
    assert lexicon is not None
    assert lexicon.licence == "CC BY-SA 4.0"
    assert set(lexicon.words) == {"en", "de", "es", "fr", "ja", "ko", "zh"}
    happy = sentiment("love happy joy laugh smile dance sunshine friend", lexicon, fewest=4)
    sad = sentiment("death pain war cry hate lonely fear grave", lexicon, fewest=4)
    assert happy is not None
    assert sad is not None
    assert happy.valence > sad.valence + 0.3


def test_the_version_of_a_lexicon_is_that_of_its_text(tmp_path: Path):
    versions = []
    for text, level in (("en\tlove\t0.5\t0.1\t0", 1), ("en\tlove\t0.5\t0.1\t0", 9), ("en\tlove\t0.4\t0.1\t0", 1)):
        path = tmp_path / "words.tsv.gz"
        path.write_bytes(gzip.compress(text.encode(), level))
        versions.append(Lexicon.read(path).version)
    assert versions[0] == versions[1] != versions[2]
    assert len(versions[0]) == 16


@pytest.mark.parametrize("row", ["en\tlove\t0.5\t0.1", "en\tlove\t0.5\tnan\t0.1", "en"])
def test_a_damaged_lexicon_names_its_line(row: str, tmp_path: Path):
    path = tmp_path / "words.tsv.gz"
    path.write_bytes(gzip.compress(f"# licence: none\n{row}\n".encode()))
    with pytest.raises(DataError, match="line 2") as error:
        Lexicon.read(path)
    assert error.value.reason == Reason.MALFORMED


def test_a_lexicon_that_is_no_gzip_file_is_refused(tmp_path: Path):
    path = tmp_path / "words.tsv.gz"
    path.write_bytes(b"no")
    with pytest.raises(DataError, match="cannot read"):
        Lexicon.read(path)
