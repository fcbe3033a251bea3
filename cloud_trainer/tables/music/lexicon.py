"""The lexicon that ships: values of words learned from sentences that people rated, and their translations.

    y(sentence) = b + Σ_w n(w)/n · c(w)        ridge regression over the words of EmoBank's sentences
    v(w) = b + c(w)                            so the mean of a sentence's values is the regression's answer

What is learned is a model of sentences under CC BY-SA 4.0 and is passed on under the same licence. A word of another
language has the mean of the English words that MEmoLon (MIT) translates to it. Written anew by

    python -m cloud_trainer.tables.music.lexicon DATA models/lyrics/words.tsv.gz
"""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from cloud_trainer.data.lexicons import TRANSLATED, sentences, translations
from models.errors import DataError
from models.lyrics.sentiment import Lexicon
from models.lyrics.words import split_words

__all__ = ["LICENCE", "PENALTY", "derive", "learned_words", "write"]

Floats = npt.NDArray[np.float64]
Values = tuple[float, float, float]

LICENCE: Final = "CC BY-SA 4.0"
PENALTY: Final = 0.3
"""Of the ridge regression: best on EmoBank's development part of .03, .1, .3, 1, 3."""
_FEWEST: Final = 3
"""Sentences with a word from which it is learned."""
_SHORTEST_VERB: Final = 3


def learned_words(texts: Sequence[str], felt: Floats, *, penalty: float = PENALTY) -> dict[str, Values]:
    """Return valence, arousal and dominance by word.

    Args:
        texts: sentences.
        felt: `(n, 3)`.
        penalty: of the ridge regression.
    """
    from sklearn.linear_model import Ridge

    split = [split_words(text) for text in texts]
    counts = Counter(word for words in split for word in set(words))
    known = sorted(word for word, count in counts.items() if count >= _FEWEST)
    place = {word: number for number, word in enumerate(known)}
    model = Ridge(alpha=penalty).fit(_shares(split, place), felt)
    values = np.asarray(model.coef_).T + np.asarray(model.intercept_)
    return {word: _three(row) for word, row in zip(known, values, strict=True)}


def derive(data: Path, splits: Sequence[str] = ("train", "dev", "test")) -> Lexicon:
    """Return the lexicon learned from the named sides of EmoBank, with its translations.

    Raises:
        DataError: a file is missing or damaged.
    """
    rated = sentences(data)
    taken = np.flatnonzero(np.isin(rated.split, list(splits)))
    english = learned_words([rated.text[row] for row in taken], rated.felt[taken])
    words: dict[str, Mapping[str, Values]] = {"en": english}
    for language in TRANSLATED:
        words[language] = _translated(english, translations(data, language), language)
    return Lexicon(words, LICENCE)


def write(lexicon: Lexicon, path: Path) -> None:
    """Write a lexicon as `Lexicon.read` takes it; the same lexicon gives the same bytes."""
    rows = [f"# licence: {lexicon.licence}", "# from EmoBank (Buechel & Hahn 2017) and MEmoLon (Buechel et al. 2020)"]
    for language in sorted(lexicon.words):
        for word, values in sorted(lexicon.words[language].items()):
            rows.append("\t".join([language, word, *(f"{value:.2f}" for value in values)]))
    path.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))


def _shares(split: Sequence[Sequence[str]], place: Mapping[str, int]) -> Any:  # noqa: ANN401 - scipy's matrix
    rows, columns, values = [], [], []
    for row, words in enumerate(split):
        known = [place[word] for word in words if word in place]
        rows += [row] * len(known)
        columns += known
        values += [1.0 / max(len(known), 1)] * len(known)
    return csr_matrix((values, (rows, columns)), (len(split), len(place)))


def _translated(english: Mapping[str, Values], into: Mapping[str, str], language: str) -> dict[str, Values]:
    found: dict[str, list[Values]] = {}
    for word, translation in into.items():
        # Phrases are not found among single words.
        if word in english and not any(character.isspace() for character in translation):
            found.setdefault(_stem(translation, language), []).append(english[word])
    return {word: _three(np.mean(values, axis=0)) for word, values in found.items()}


def _stem(word: str, language: str) -> str:
    """Return a Korean verb or adjective without the ending of its dictionary form: it is sung with another one."""
    return word[:-1] if language == "ko" and word.endswith("다") and len(word) >= _SHORTEST_VERB else word


def _three(values: npt.ArrayLike) -> Values:
    valence, arousal, dominance = (float(value) for value in np.asarray(values, np.float64))
    return valence, arousal, dominance


def _main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m cloud_trainer.tables.music.lexicon DATA FILE\n")
        return 2
    try:
        write(derive(Path(arguments[0])), Path(arguments[1]))
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
