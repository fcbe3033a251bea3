"""The ranker: all tracks scored exactly, the best refined by the hybrid model, the queue chosen from those.

Two stages. First every track gets its four signals and the weighted sum, on arrays that are allocated once; signals
that depend on taste alone are kept until taste changes. Then the `hybrid` model scores the best 256 anew, and the queue
is selected among them. Nothing is quadratic in the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.ranking.penalties import fatigue
from agent.ranking.selection import select
from agent.ranking.signals import collaborative, cosine_part, emotion_part
from agent.ranking.target import Target
from agent.ranking.taste import Taste
from agent.ranking.tracks import Slices, TrackArrays

__all__ = ["CANDIDATES", "HybridModel", "Ranker", "Ranking"]

CANDIDATES: Final = 256
_AUDIO, _EMOTION, _CONTEXT, _COLLABORATIVE = range(4)
_LIKED: Final = 0.5
"""A liked track's collaborative signal goes this part of the way to 1: the listener is their own nearest neighbour."""


class HybridModel(Protocol):
    """What runs the `hybrid` model; `models.interpreter.Interpreter` does."""

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return `fused` [1, 256] in [0, 1] for the inputs of the model contract."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """The queue, as arrays.

    Attributes:
        rows: [Q] rows of the catalogue, best first.
        scores: [Q], Σ weight * part - penalties.
        parts: [Q, 4], in the order of `reasons.SIGNALS`.
        weights: [4].
        penalties: per place, the penalties that are not 0.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    parts: NDArray[np.float64]
    weights: NDArray[np.float64]
    penalties: list[dict[str, float]]


class Ranker:
    """Ranks one catalogue for one listener.

    Not thread-safe: one evaluation at a time.

    Args:
        tracks: the catalogue's arrays.
        slices: of the item vectors.
        hybrid: the second stage.
        length: how many tracks the queue has.
    """

    def __init__(self, tracks: TrackArrays, slices: Slices, hybrid: HybridModel, *, length: int = 10) -> None:
        self.tracks, self.slices, self.hybrid, self.length = tracks, slices, hybrid, length
        self._parts = np.zeros((4, len(tracks)), np.float32)
        self._scratch = np.zeros((2, len(tracks)), np.float32)
        self._score = np.zeros(len(tracks), np.float32)
        self._taste: Taste | None = None
        self._before = np.empty(0, np.intp)

    def rank(
        self,
        *,
        target: Target,
        weights: NDArray[np.float64],
        taste: Taste,
        situation: NDArray[np.float32],
        now: float,
        exclude: Collection[int] = (),
    ) -> Ranking:
        """Rank the catalogue.

        Args:
            target: the emotion that is wanted.
            weights: [4] of the signals.
            taste: the listener.
            situation: [8], see `models.situation`.
            now: seconds since the epoch.
            exclude: rows that are not offered: the track that plays, and the next one once it is being prepared.

        Returns:
            The queue; shorter than asked where the catalogue is.
        """
        self._first_stage(target, weights, taste)
        penalties = fatigue(taste.judgements, now=now)
        rows = self._candidates(taste, penalties, exclude)
        parts = self._parts[:, rows].T.astype(np.float64)
        parts[:, _COLLABORATIVE] = self._second_stage(rows, target, taste, situation)
        self._favour_liked(rows, parts, taste)
        own = self._penalties_of(rows, taste, penalties)
        scores = parts @ weights - sum(own.values(), np.zeros(len(rows)))
        chosen, likeness = select(
            scores=scores,
            embedding=self.tracks.embedding[rows],
            artist=self.tracks.artist[rows],
            before=self._places_before(rows),
            length=self.length,
        )
        self._before = rows[chosen]
        own["diversity"] = np.zeros(len(rows))
        own["diversity"][chosen] = likeness
        return Ranking(
            rows=rows[chosen],
            scores=scores[chosen] - likeness,
            parts=parts[chosen],
            weights=weights,
            penalties=[{k: float(v[i]) for k, v in own.items() if v[i] > 5e-4} for i in chosen],
        )

    def _first_stage(self, target: Target, weights: NDArray[np.float64], taste: Taste) -> None:
        tracks, parts = self.tracks, self._parts
        if taste is not self._taste:
            cosine_part(tracks.embedding, taste.audio, parts[_AUDIO])
            cosine_part(tracks.context, taste.context, parts[_CONTEXT])
            collaborative(tracks.linear, taste.pooled[self.slices["svdpp_y"]], tracks.popularity, parts[_COLLABORATIVE])
            self._taste = taste
        emotion_part(tracks.relative, target, parts[_EMOTION], self._scratch)
        np.dot(weights.astype(np.float32), parts, out=self._score)

    def _candidates(
        self, taste: Taste, penalties: dict[str, NDArray[np.float64]], exclude: Collection[int]
    ) -> NDArray[np.intp]:
        score, judged = self._score, taste.judgements.rows
        for penalty in penalties.values():
            score[judged] -= penalty.astype(np.float32)
        # A library of one track plays it again and again rather than falling silent.
        barred = list(exclude) if len(exclude) < len(score) else []
        score[barred] = -np.inf
        count = min(CANDIDATES, len(score) - len(barred))
        if count < len(score):
            return np.argpartition(score, len(score) - count)[len(score) - count :]
        return np.arange(len(score), dtype=np.intp)

    def _second_stage(
        self, rows: NDArray[np.intp], target: Target, taste: Taste, situation: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The hybrid model's fused score of the candidates; the first stage's where there is no history to fold in."""
        if not taste.evidence:
            return np.asarray(self._parts[_COLLABORATIVE, rows], dtype=np.float64)
        padded = np.resize(rows, CANDIDATES)
        deviations = np.sqrt(np.diag(target.covariance))
        outputs = self.hybrid.run(
            user_pooled=taste.pooled[None],
            user_sequence=taste.sequence[None],
            candidates=self.tracks.items[padded][None],
            candidates_audio=self.tracks.embedding[padded][None],
            user_audio=taste.audio[None],
            affect=np.array([[*target.mean, *deviations, 1.0]], np.float32),
            situation=situation[None],
        )
        fused: NDArray[np.float64] = outputs["fused"][0, : len(rows)].astype(np.float64)
        return fused

    @staticmethod
    def _favour_liked(rows: NDArray[np.intp], parts: NDArray[np.float64], taste: Taste) -> None:
        liked = np.isin(rows, taste.judgements.rows[taste.judgements.liked])
        parts[liked, _COLLABORATIVE] += _LIKED * (1.0 - parts[liked, _COLLABORATIVE])

    @staticmethod
    def _penalties_of(
        rows: NDArray[np.intp], taste: Taste, penalties: dict[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        places = {int(row): place for place, row in enumerate(rows)}
        shared = [(places[int(row)], i) for i, row in enumerate(taste.judgements.rows) if int(row) in places]
        own = {name: np.zeros(len(rows)) for name in penalties}
        for name, values in penalties.items():
            for place, i in shared:
                own[name][place] = values[i]
        return own

    def _places_before(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Places among the candidates of the queue so far, in its order."""
        places = {int(row): place for place, row in enumerate(rows)}
        return np.array([places[row] for row in self._before.tolist() if row in places], dtype=np.intp)
