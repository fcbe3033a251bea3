"""Lexicons and texts with the emotion of words: EmoBank, Warriner's norms, MEmoLon's translations, and two to check by.

| file | licence | used for |
| --- | --- | --- |
| EmoBank | CC BY-SA 4.0 | the lexicon that ships is learned from its sentences |
| MEmoLon's translations | MIT | bring that lexicon to six more languages |
| Warriner's norms | CC BY-NC-ND 3.0 | a rival in a table; never shipped, nor anything made of them |
| EmoMap (Chinese), KNU SentiLex (Korean) | MIT; not stated | checks of the translations; never shipped |
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.pieces import number, read_rows
from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import floats, read_table
from models.errors import DataError, Reason

__all__ = ["TRANSLATED", "Sentences", "chinese_joy", "korean_polarity", "sentences", "translations", "warriner"]

TRANSLATED: Final = ("de", "es", "fr", "ja", "ko", "zh")
_FOLDER: Final = "lexicons"
_SPLITS: Final = ("train", "dev", "test")
_NEGATIVE: Final = ("Anger", "Sadness", "Fear", "Disgust")

Values = tuple[float, float, float]


@dataclass(frozen=True)
class Sentences:
    """EmoBank's sentences.

    Attributes:
        name: of each; what stands before the first "_" names its document.
        text: English.
        split: `train`, `dev` or `test`, the authors'.
        felt: valence, arousal, dominance, -1..1 of 1..5, `(n, 3)`.
    """

    name: tuple[str, ...]
    text: tuple[str, ...]
    split: npt.NDArray[np.str_]
    felt: npt.NDArray[np.float64]


def sentences(data: Path) -> Sentences:
    """Read EmoBank (Buechel & Hahn, EACL 2017).

    Raises:
        DataError: the file is missing or damaged, or a sentence is on no known side.
    """
    path = require(data / _FOLDER / "emobank_en.csv.gz")
    table = read_table(path, {"id": "text", "split": "text", "text": "text", **dict.fromkeys(("V", "A", "D"), "float")})
    split = np.array(table["split"])
    if unknown := sorted(set(split.tolist()) - set(_SPLITS)):
        raise DataError(
            f"{path} has the side {unknown[0]!r}; known are {', '.join(_SPLITS)}",
            reason=Reason.MALFORMED,
            remedy="Run 'attune-trainer data check lexicons'",
        )
    felt = np.stack([(floats(table[axis]) - 3.0) / 2.0 for axis in ("V", "A", "D")], axis=1)
    return Sentences(tuple(table["id"]), tuple(table["text"]), split, felt.astype(np.float64))


def warriner(data: Path) -> dict[str, Values]:
    """Read the norms of Warriner, Kuperman & Brysbaert (2013): English lemma to V, A, D, -1..1 of 1..9.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = require(data / _FOLDER / "warriner2013_vad_en.csv.gz")
    columns = ("V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum")
    found = {}
    for row in read_rows(path, ("Word", *columns)):
        valence, arousal, dominance = ((number(row, column, path) - 5.0) / 4.0 for column in columns)
        found[row["Word"].casefold()] = (valence, arousal, dominance)
    return found


def translations(data: Path, language: str) -> dict[str, str]:
    """Read MEmoLon's machine translations of English words into a language of `TRANSLATED`.

    Raises:
        DataError: the file is missing or damaged.
    """
    found = _json(data / _FOLDER / f"memolon_en_to_{language}.json.gz")
    if not isinstance(found, dict):
        raise _malformed(data / _FOLDER / f"memolon_en_to_{language}.json.gz", "an object of words")
    return {str(english).casefold(): str(word).casefold() for english, word in found.items()}


def chinese_joy(data: Path) -> dict[str, float]:
    """Read EmoMap's Chinese words: joy minus the mean of four negative emotions, a proxy of valence.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = require(data / _FOLDER / "emomap_zh_be5.tsv.gz")
    try:
        head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
        columns = head.split("\t")
        found = {}
        for row in filter(None, rows):
            values = dict(zip(columns, row.split("\t"), strict=True))
            found[values["Word"]] = float(values["Joy"]) - float(np.mean([float(values[name]) for name in _NEGATIVE]))
    except (OSError, EOFError, zlib.error, KeyError, ValueError) as error:
        raise _malformed(path, f"a table of words and five emotions ({error})") from error
    return found


def korean_polarity(data: Path) -> dict[str, float]:
    """Read KNU SentiLex: Korean words to polarity -2..2.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = data / _FOLDER / "knu_sentilex_ko.json.gz"
    try:
        return {str(entry["word"]): float(entry["polarity"]) for entry in _json(path)}
    except (KeyError, TypeError, ValueError) as error:
        raise _malformed(path, f"a list of words with polarity ({error})") from error


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds; the caller looks
    require(path)
    try:
        return json.loads(gzip.decompress(path.read_bytes()).decode("utf-8-sig"))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _malformed(path, f"gzipped JSON ({error})") from error


def _malformed(path: Path, wanted: str) -> DataError:
    return DataError(
        f"{path} is not {wanted}", reason=Reason.MALFORMED, remedy="Run 'attune-trainer data check lexicons'"
    )
