"""What listeners answered once about themselves, and what they felt at songs: three sets in one form.

- HKU956: the Big Five (TIPI); valence and arousal felt at a song.
- Emotify: mother tongue, age, gender, the mood before; valence and arousal of the GEMS emotions that were ticked at a
  song, over 3, the number that may be ticked.
- VGMIDI: age band, gender, musicianship; mean over a piece of the valence and arousal that were heard in it. All but
  sixteen answers are from one country.

Emotify and VGMIDI do not number their people. Whoever answered all questions alike counts as one listener: a person is
never on two sides.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.labels import EMOTIFY_EMOTIONS, emotify_scores, hku956
from cloud_trainer.data.sources import require
from cloud_trainer.data.tables import read_table
from cloud_trainer.tables.frame import Floats
from models.errors import DataError, Reason

__all__ = ["ITEMS", "SETS", "Answers", "read_answers"]

SETS: Final = ("hku956", "emotify", "vgmidi")
ITEMS: Final = ("age", "gender", "culture", "training", "personality", "mood")
"""What may be known of a listener; `mood` is of the moment, all others stay."""
_TRAITS: Final = (
    "Extroversion_score",
    "Agreeableness_score",
    "Conscientiousness_score",
    "Emotional_Stability_score",
    "Openness_score",
)
_TICKS: Final = 3.0
_AGES: Final = (10.0, 80.0)
_FEMALE, _MALE = "Female", "Male"
_REMEDY: Final = "Run 'attune-trainer data check' to see whether the file was changed"

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Answers:
    """Rows of one set.

    Attributes:
        listener, song, genre: names, `(n,)`; the genre is "" where there is none.
        felt: valence and arousal, `(n, 2)`.
        numbers: items that are numbers, by item, `(n, k)`, NaN where not answered.
        words: items that are words, `(n,)`, "" where not answered.
    """

    listener: Names
    song: Names
    genre: Names
    felt: Floats
    numbers: Mapping[str, Floats]
    words: Mapping[str, Names]


def read_answers(folder: Path, name: str) -> Answers:
    """Read one of `SETS`.

    Raises:
        DataError: a file is missing or damaged, or a cell is not what it should be.
    """
    return {"hku956": _hku956, "emotify": _emotify, "vgmidi": _vgmidi}[name](folder / name)


def _hku956(folder: Path) -> Answers:
    felt = ("valence_rating", "arousal_rating")
    rows = read_table(
        folder / "ratings.csv", {"participant_id": "text", "song_id": "int", **dict.fromkeys(felt, "float")}
    )
    asked = read_table(folder / "personality.csv", {"participant_id": "text", **dict.fromkeys(_TRAITS, "number")})
    traits = dict(zip(asked["participant_id"], np.stack([asked[name] for name in _TRAITS], axis=1), strict=True))
    unknown = np.full(len(_TRAITS), np.nan)
    return Answers(
        listener=rows["participant_id"].astype(str),
        song=rows["song_id"].astype(str),
        genre=np.full(len(rows["song_id"]), ""),
        felt=hku956(np.stack([rows[name] for name in felt], axis=1).astype(np.float32)).astype(np.float64),
        numbers={"personality": np.stack([traits.get(person, unknown) for person in rows["participant_id"]])},
        words={},
    )


def _emotify(folder: Path) -> Answers:
    numbers = (*EMOTIFY_EMOTIONS, "age", "gender", "mood")
    rows = read_table(
        folder / "annotations.csv.gz",
        {"track_id": "int", "genre": "text", "mother_tongue": "text", **dict.fromkeys(numbers, "number")},
    )
    ticked = np.nan_to_num(np.stack([rows[name] for name in EMOTIFY_EMOTIONS], axis=1)).astype(np.float32)
    asked = [rows[name].astype(str) for name in ("age", "gender", "mother_tongue")]
    return Answers(
        listener=_joined("emotify", *asked),
        song=np.char.add("emotify-", rows["track_id"].astype(str)),
        genre=rows["genre"].astype(str),
        felt=np.clip(emotify_scores(ticked).astype(np.float64) / _TICKS, -1, 1),
        numbers={"age": np.clip(rows["age"], *_AGES)[:, None], "mood": rows["mood"][:, None]},
        words={"gender": rows["gender"].astype(str), "culture": rows["mother_tongue"].astype(str)},
    )


def _vgmidi(folder: Path) -> Answers:
    path = folder / "annotations.jsonl.gz"
    rows = [_annotation(line, number, path) for number, line in enumerate(_lines(path), 1)]
    age, gender, training, song, felt = (list(column) for column in zip(*rows, strict=True))
    known = np.isin(gender, (_FEMALE, _MALE))
    return Answers(
        listener=_joined("vgmidi", np.array(age, str), np.array(gender, str), np.array(training, str)),
        song=np.char.add("vgmidi-", np.array(song, str)),
        genre=np.full(len(rows), ""),
        felt=np.array(felt, np.float64),
        numbers={"age": np.array(age, np.float64)[:, None], "training": np.array(training, np.float64)[:, None]},
        words={"gender": np.where(known, gender, "")},
    )


def _lines(path: Path) -> list[str]:
    try:
        with gzip.open(require(path), "rt", encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no gzip text: {error}", reason=Reason.CORRUPT, remedy=_REMEDY) from error
    if not lines:
        raise DataError(f"{path} holds no row", reason=Reason.EMPTY, remedy=_REMEDY)
    return lines


def _annotation(line: str, number: int, path: Path) -> tuple[float, str, float, str, tuple[float, float]]:
    """Return age, gender, musicianship, piece, and the mean of what was heard in it."""
    try:
        row: dict[str, Any] = json.loads(line)
        felt = float(np.mean(row["valence"])), float(np.mean(row["arousal"]))
        # "26-30", or words of somebody who would not say.
        ends = [float(end) for end in row["age"].split("-") if end.isdigit()]
        age = sum(ends) / len(ends) if ends else np.nan
        found = age, str(row["gender"]), float(row["musicianship"]), str(row["midi"]), felt
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"row {number} of {path} is no annotation: {error!r}", reason=Reason.MALFORMED, remedy=_REMEDY
        ) from error
    if not np.isfinite(felt).all() or np.abs(felt).max() > 1:
        raise DataError(f"row {number} of {path}: {felt} is outside -1 to 1", reason=Reason.WRONG_VALUE, remedy=_REMEDY)
    return found


def _joined(prefix: str, *parts: Names) -> Names:
    return np.array([f"{prefix}-{'/'.join(row)}" for row in zip(*parts, strict=True)])
