"""`words`: what the words of a text say, without its sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data import deezer, lexicons
from cloud_trainer.tables.frame import Answer, Claim, Column, Floats, Fold, Problem, Row, Table
from cloud_trainer.tables.music.lexicon import derive
from models.lyrics.sentiment import Lexicon, sentiment

__all__ = ["WORDS", "agreement"]

_AXES: Final = ("valence", "arousal", "dominance")


@dataclass(frozen=True)
class _Texts:
    """Texts in the order of the rows, with the lexicons that may be asked."""

    text: tuple[str, ...]
    ours: Lexicon
    norms: Lexicon


def _load(data: Path, exam: Path | None, seed: int) -> Problem[_Texts]:
    rated = lexicons.sentences(data)
    titles = deezer.load(data if exam is None else exam)
    count, songs = len(rated.text), len(titles.title)
    truth = np.full((count + songs, 5), np.nan)
    truth[:count, :3] = rated.felt
    truth[count:, 3:] = titles.emotion
    group = np.array([*(name.split("_")[0] for name in rated.name), *(f"artist {name}" for name in titles.artist)])
    held = np.flatnonzero(np.concatenate([rated.split == "test", np.ones(songs, bool)]))
    known = np.flatnonzero(rated.split != "test")
    texts = _Texts(
        text=(*rated.text, *titles.title),
        ours=derive(data, ("train", "dev")),
        norms=Lexicon({"en": lexicons.warriner(data)}),
    )
    fold = Fold(name="held-out", train=known, test=held, seed=seed)
    return Problem(truth=truth, group=group, data=texts, folds=[fold])


def _mean(problem: Problem[_Texts], fold: Fold) -> Answer:
    return _filled(np.full((len(fold.test), 3), np.nan), problem, fold)


def _spoken(which: str) -> Any:  # noqa: ANN401 - an answer of the frame
    def answer(problem: Problem[_Texts], fold: Fold) -> Answer:
        lexicon: Lexicon = getattr(problem.data, which)
        values = np.full((len(fold.test), 3), np.nan)
        for place, row in enumerate(fold.test):
            if found := sentiment(problem.data.text[row], lexicon, fewest=1):
                values[place] = found.valence, found.arousal, found.dominance
        return _filled(values, problem, fold)

    return answer


def _filled(values: Floats, problem: Problem[_Texts], fold: Fold) -> Answer:
    """Return the answers; a text of which no word is known gets the mean of the others', or of the training rows."""
    known = np.isfinite(values[:, 0])
    share = float(known.mean())
    centre = values[known].mean(axis=0) if known.any() else problem.truth[fold.train, :3].mean(axis=0)
    whole = np.where(known[:, None], values, centre)
    return Answer(np.concatenate([whole, whole[:, :2]], axis=1), {"share of texts with a known word": round(share, 3)})


def agreement(lexicon: Mapping[str, tuple[float, float, float]], other: Mapping[str, float]) -> tuple[float, int]:
    """Return the correlation of valence with another list of words, and how many words both have."""
    both = sorted(lexicon.keys() & other.keys())
    ours: npt.NDArray[Any] = np.array([lexicon[word][0] for word in both])
    return float(np.corrcoef(ours, [other[word] for word in both])[0, 1]), len(both)


WORDS: Final = Table(
    name="words",
    title="What the words of a song say, without its sound (EmoBank, Deezer's titles)",
    question="Do means of words' values, weighted by how often they occur, tell the emotion of a text?",
    protocol=(
        "EmoBank: the lexicon is learned from the training and development parts, scored on the authors' test part. "
        "Deezer: every title is scored, nothing was learned from any. Interval: documents and artists resampled."
    ),
    exam_protocol=("EmoBank as without an exam; the titles are the exam's. Interval: documents and artists resampled."),
    group="document or artist",
    sources=("deezer-mood",),
    aids=("lexicons",),
    columns=(
        *(
            Column(name=f"sentences, {axis} r", metric="correlation", output=output)
            for output, axis in enumerate(_AXES)
        ),
        *(
            Column(name=f"song titles, {axis} r", metric="correlation", output=3 + output)
            for output, axis in enumerate(_AXES[:2])
        ),
    ),
    rows=(
        Row(name="mean", what="one answer for every text", answer=_mean, baseline=True),
        Row(
            name="Warriner's norms",
            what="ratings of 13915 English words out of context; not free, so a rival and no part of Attune",
            answer=_spoken("norms"),
            baseline=True,
        ),
        Row(name="our lexicon", what="values learned from rated sentences, CC BY-SA 4.0", answer=_spoken("ours")),
    ),
    reference="Warriner's norms",
    ours="our lexicon",
    load=_load,
    claims=(
        Claim("what sentences teach of words is more than ratings of the words", "our lexicon", "Warriner's norms"),
    ),
    notes=(
        "No text of a song stands in the data: sentences of other kinds and titles are what there is to score.",
        "Deezer's labels were made from Last.fm tags with Warriner's norms, so that row shares their source there.",
    ),
    modules=(
        "cloud_trainer.tables.music.words",
        "cloud_trainer.tables.music.lexicon",
        "cloud_trainer.data.lexicons",
        "models.lyrics.sentiment",
        "models.lyrics.words",
    ),
)
