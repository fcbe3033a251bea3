"""The listener's taste: every vector is a pass over the history, never a trained row.

Rules:

- A track heard with pleasure (liked, or played through) counts for; a skipped or disliked one not against other tracks:
  a skip has many reasons, and only the penalty on the track itself is sure.
- Older plays count less, so taste moves with the listener.
- No identity and no history leaves the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.ranking.penalties import Judgements
from agent.ranking.tracks import Slices, TrackArrays

__all__ = ["Outcome", "Play", "SequenceModel", "Taste", "judgements_of", "taste_of"]

Outcome = Literal["completed", "skipped", "liked", "disliked"]

_SEQUENCE: Final = 50
_HALF_LIFE_S: Final = 30 * 86400.0
"""A month: taste drifts over weeks, moods over minutes; moods are the state's business."""
_PLEASURE: Final = {"completed": 0.5, "liked": 1.0, "skipped": 0.0, "disliked": 0.0}
"""In (0, 1], as the recommenders were trained with play counts scaled to that range."""


class SequenceModel(Protocol):
    """What runs the `sequence` model; `models.interpreter.Interpreter` does."""

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return `user` [1, 64] for `items` [1, 50, 64] and `mask` [1, 50]."""
        ...


@dataclass(frozen=True, slots=True)
class Play:
    """Something that the listener did with a track of the catalogue."""

    row: int
    t: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Taste:
    """The listener as vectors.

    Attributes:
        audio: [128], unit length; zero for none.
        context: [32], unit length; zero for none.
        pooled: [D], Σ_j w_j x_j / sqrt(|N|) over the item vectors of what was heard with pleasure, w_j in (0, 1].
        sequence: [64], what the sequence model makes of the last fifty.
        evidence: Σ_j w_j.
        judgements: penalties on single tracks.
    """

    audio: NDArray[np.float32]
    context: NDArray[np.float32]
    pooled: NDArray[np.float32]
    sequence: NDArray[np.float32]
    evidence: float
    judgements: Judgements

    @classmethod
    def none(cls, tracks: TrackArrays, slices: Slices) -> Taste:
        """Of a listener of whom nothing is known."""
        start, stop = slices.bounds["sequence"]
        return cls(
            audio=np.zeros(tracks.embedding.shape[1], np.float32),
            context=np.zeros(tracks.context.shape[1], np.float32),
            pooled=np.zeros(tracks.items.shape[1], np.float32),
            sequence=np.zeros(stop - start, np.float32),
            evidence=0.0,
            judgements=Judgements.none(),
        )


def taste_of(plays: Sequence[Play], tracks: TrackArrays, slices: Slices, model: SequenceModel, *, now: float) -> Taste:
    """Fold the history in.

    Args:
        plays: in the order of time.
        tracks: the catalogue's arrays.
        slices: of the item vectors.
        model: the `sequence` model.
        now: seconds since the epoch.
    """
    none = Taste.none(tracks, slices)
    judgements = judgements_of(plays)
    pleasant = [play for play in plays if _PLEASURE[play.outcome] > 0]
    if not pleasant:
        return Taste(none.audio, none.context, none.pooled, none.sequence, 0.0, judgements)
    rows = np.array([play.row for play in pleasant])
    ages = np.maximum(now - np.array([play.t for play in pleasant]), 0.0)
    weights = np.array([_PLEASURE[play.outcome] for play in pleasant]) * np.exp2(-ages / _HALF_LIFE_S)
    weights = weights.astype(np.float32)
    recent = rows[-_SEQUENCE:]
    items = np.zeros((1, _SEQUENCE, len(none.sequence)), np.float32)
    items[0, _SEQUENCE - len(recent) :] = tracks.items[recent, slices["sequence"]]
    mask = np.zeros((1, _SEQUENCE), np.float32)
    mask[0, _SEQUENCE - len(recent) :] = 1.0
    return Taste(
        audio=_unit(weights @ tracks.embedding[rows]),
        context=_unit(weights @ tracks.context[rows]),
        pooled=(weights @ tracks.items[rows]) / np.float32(np.sqrt(len(rows))),
        sequence=model.run(items=items, mask=mask)["user"][0],
        evidence=float(weights.sum()),
        judgements=judgements,
    )


def judgements_of(plays: Sequence[Play]) -> Judgements:
    """What the history says about single tracks; the last like or dislike of a track counts."""
    heard: dict[int, list[float]] = {}
    opinion: dict[int, Outcome] = {}
    for play in plays:
        entry = heard.setdefault(play.row, [-np.inf, -np.inf])
        if play.outcome in {"completed", "skipped"}:
            entry[0] = play.t
        if play.outcome == "skipped":
            entry[1] = play.t
        elif play.outcome != "completed":
            opinion[play.row] = play.outcome
    return Judgements(
        rows=np.fromiter(heard, np.intp, len(heard)),
        heard_at=np.array([entry[0] for entry in heard.values()]),
        skipped_at=np.array([entry[1] for entry in heard.values()]),
        disliked=np.array([opinion.get(row) == "disliked" for row in heard], dtype=np.bool_),
        liked=np.array([opinion.get(row) == "liked" for row in heard], dtype=np.bool_),
    )


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 1e-9 else np.zeros_like(vector)).astype(np.float32)
