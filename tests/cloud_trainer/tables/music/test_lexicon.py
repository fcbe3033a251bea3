from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data import lexicons
from cloud_trainer.tables.music.lexicon import derive, learned_words, write
from models.errors import DataError, Reason
from models.lyrics.sentiment import Lexicon, default_lexicon, sentiment


def test_words_of_pleasant_sentences_become_pleasant():
    texts = ["good day", "good night", "good food", "bad day", "bad night", "bad food"] * 2
    felt = np.array([[0.8, 0.1, 0.2]] * 3 + [[-0.8, 0.1, -0.2]] * 3, float).repeat(1, axis=0)
    words = learned_words(texts, np.concatenate([felt, felt]), penalty=0.01)
    assert words["good"][0] > 0.5 > -0.5 > words["bad"][0]
    assert abs(words["day"][0]) < 0.1


def test_a_word_that_is_rare_is_not_learned():
    assert "once" not in learned_words(["once a day", "a day", "a day", "a night"], np.zeros((4, 3)))


def test_a_lexicon_comes_back_from_the_disk_as_it_was_written(tmp_path: Path):
    lexicon = Lexicon({"en": {"love": (0.5, 0.25, 0.0)}, "ko": {"사랑": (0.5, 0.0, -0.25)}}, "CC BY-SA 4.0")
    for name in ("a.tsv.gz", "b.tsv.gz"):
        write(lexicon, tmp_path / name)
    assert Lexicon.read(tmp_path / "a.tsv.gz") == lexicon
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()


def test_the_lexicon_that_ships_is_the_one_that_the_data_give(shared_data: Path, tmp_path: Path):
    write(derive(shared_data), tmp_path / "words.tsv.gz")
    assert Lexicon.read(tmp_path / "words.tsv.gz") == default_lexicon()


def test_every_list_of_words_is_read(shared_data: Path):
    assert len(lexicons.sentences(shared_data).text) == 10_062
    assert lexicons.warriner(shared_data)["null"] is not None
    assert len(lexicons.chinese_joy(shared_data)) > 3000
    assert set(lexicons.korean_polarity(shared_data).values()) <= {-2.0, -1.0, 0.0, 1.0, 2.0}


def test_the_mean_of_a_sentence_is_what_the_regression_says():
    texts = ["good day", "good night", "bad day", "bad night"] * 3
    felt = np.array([[0.4, 0, 0], [0.2, 0, 0], [-0.2, 0, 0], [-0.4, 0, 0]] * 3, float)
    lexicon = Lexicon({"en": learned_words(texts, felt)})
    found = sentiment("good night", lexicon, fewest=1)
    assert found is not None
    assert found.valence == pytest.approx(0.2, abs=0.1)


def test_a_damaged_list_is_named(tmp_path: Path):
    (tmp_path / "lexicons").mkdir()
    for name in ("emomap_zh_be5.tsv.gz", "knu_sentilex_ko.json.gz", "memolon_en_to_de.json.gz"):
        (tmp_path / "lexicons" / name).write_bytes(b"damaged")
    for read in (lexicons.chinese_joy, lexicons.korean_polarity, lambda data: lexicons.translations(data, "de")):
        with pytest.raises(DataError, match="lexicons") as error:
            read(tmp_path)
        assert error.value.reason == Reason.MALFORMED
