"""Whether a bundle ranks the listener's own catalogue with sense.

Nobody knows the right ranking of somebody's music. What can be known: it is made of finite numbers, it depends on what
is wanted, and tracks that the bundle hears as happy come above those that it hears as sad when happiness is wanted.
Whether it hears happiness where the bundle in use does is the business of `agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.catalogue.library import Catalogue
from agent.delivery.installing.examination.agreement import failed
from agent.ranking.target import ListenerGoal, Target, target_of
from agent.ranking.taste import Play, taste_of
from agent.ranking.weights import fusion_weights
from agent.repertoire import Repertoire
from agent.storage.records import TrackTable
from models.bundle.reader import Bundle
from models.errors import BundleError, Reason
from models.situation import situation_vector

__all__ = ["LEAST_TRACKS", "Sense", "require_sense", "sense_of"]

LEAST_TRACKS: Final = 12
"""Fewer tracks are no catalogue to judge a ranking by."""
_HAPPY: Final = (0.7, 0.4)
_SAD: Final = (-0.6, -0.4)
_WORSE: Final = 0.2
"""By so much may tracks be told apart less well than by the bundle in use: how strongly two honest `hybrid` models let
the wish sway them differs by about half of it."""
_LIKED: Final = 8
_NOW: Final = 1_767_225_600.0


@dataclass(frozen=True, slots=True)
class Sense:
    """How a bundle ranks a catalogue.

    Attributes:
        separation: how often a track of the happiest third comes above one of the saddest when happiness is wanted,
            below when sadness is, and gains more from that wish with a history, too; in [0, 1], the worst of the three;
            0.5 is chance.
    """

    separation: float


def sense_of(bundle: Bundle, table: TrackTable) -> Sense:
    """Ranks a catalogue for a happy and a sad wish, with and without a history.

    Args:
        bundle: whose models rank.
        table: in its embedding space; at least `LEAST_TRACKS`.

    Raises:
        BundleError: FAILED: what comes out is no number, or does not depend on what is wanted.
    """
    tables = {name: bundle.table(name) for name in ("items", "metadata")}
    repertoire = Repertoire.build(Catalogue.build(table, tables), bundle, queue_length=len(table))
    order = np.argsort(table.emotion[:, 0], kind="stable")
    third = max(1, len(table) // 3)
    sad, happy = order[:third], order[-third:]
    liked = order[np.unique(np.linspace(0, len(order) - 1, min(_LIKED, third)).astype(np.intp))]
    new_listener = [_scores(repertoire, wish, []) for wish in (_HAPPY, _SAD)]
    known_listener = [_scores(repertoire, wish, _history(liked)) for wish in (_HAPPY, _SAD)]
    for wished_happy, wished_sad in (new_listener, known_listener):
        if np.allclose(wished_happy, wished_sad, atol=1e-6) or np.ptp(wished_happy) < 1e-6:
            raise failed(bundle, "ranks the same whatever is wanted")
    # What a listener likes pulls tracks up whatever they wish for; what the wish does is the difference that it makes.
    swayed = known_listener[0] - known_listener[1]
    return Sense(
        min(
            _above(new_listener[0][happy], new_listener[0][sad]),
            _above(new_listener[1][sad], new_listener[1][happy]),
            _above(swayed[happy], swayed[sad]),
        )
    )


def require_sense(bundle: Bundle, candidate: Sense, running: Sense | None) -> None:
    """Refuses a bundle that tells happy from sad music clearly less well than the bundle in use, or not at all.

    Raises:
        BundleError: FAILED.
    """
    least = 0.5 if running is None else running.separation - _WORSE
    if candidate.separation < least:
        raise failed(
            bundle,
            f"ranks happy tracks above sad ones in {candidate.separation:.0%} of cases when happiness is wanted,"
            f" {least:.0%} are the least",
        )


def _scores(repertoire: Repertoire, wish: tuple[float, float], plays: list[Play]) -> NDArray[np.float64]:
    """The score of every track of a catalogue, by row."""
    tracks = repertoire.tracks
    taste = taste_of(plays, tracks, repertoire.slices, repertoire.sequence, now=_NOW)
    ranking = repertoire.ranker.rank(
        target=_target(wish, repertoire),
        weights=fusion_weights(sure=1.0, change=1.0, evidence=taste.evidence, context_known=bool(taste.context.any())),
        taste=taste,
        situation=situation_vector(hour=12.0, weekday=2),
        now=_NOW,
    )
    scores = np.zeros(len(tracks))
    # Without what diversity and fatigue take away: they speak of the listener's day, not of the models.
    scores[ranking.rows] = ranking.parts @ ranking.weights
    if not np.isfinite(scores).all():
        raise BundleError("the ranking is no number", reason=Reason.FAILED, remedy="Build the bundle again")
    return scores


def _target(wish: tuple[float, float], repertoire: Repertoire) -> Target:
    goal = ListenerGoal("hold", wish, wish, _NOW, 0.0)
    usual = (np.zeros(2), np.eye(2) * 0.25)
    return target_of(goal, np.zeros(2), np.eye(2) * 0.25, prior=usual, scale=repertoire.tracks.scale, now=_NOW)


def _history(rows: NDArray[np.intp]) -> list[Play]:
    return [Play(int(row), _NOW - 86_400.0 * (len(rows) - day), "liked") for day, row in enumerate(rows)]


def _above(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """How often one of `high` is above one of `low`; ties count half (the area under the ROC curve)."""
    difference = high[:, None] - low[None, :]
    return float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))
