"""Occasions to choose music: who, with which history, in which state and situation, and what was liked.

HetRec gives listeners with long histories and no state: part of what they play is given, the rest is liked, and drawn
artists are not. SiTunes gives single tracks with a rating (4 and 5 is liked), the mood before and the situation, and
short histories; a track's vector is its singer's, or predicted from its valence and energy where the singer is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.situnes import Interactions, SiTunes
from cloud_trainer.recommenders.emotion_bridge import EmotionBridge, sound_of
from cloud_trainer.recommenders.factors import pool
from cloud_trainer.recommenders.hybrid_network import AFFECT, EMBEDDING
from cloud_trainer.recommenders.interactions import ArtistSpace, History
from cloud_trainer.recommenders.layout import SIZE, SLICES
from models.situation import SITUATION, situation_vector

__all__ = [
    "LIKED",
    "Contexts",
    "Items",
    "Rated",
    "UserVectors",
    "contexts_of_histories",
    "rated_contexts",
    "situnes_items",
]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
UserVectors = Callable[[Floats, Sequence[Ints]], Floats]
"""Item vectors and histories to v_u."""

LIKED: Final = 4
"""Rating from which a track counts as liked."""
_TIME_ZONE: Final = timedelta(hours=8)
"""SiTunes was recorded in China."""
_SOUNDS_OF_A_TASTE: Final = 20


@dataclass(frozen=True)
class Items:
    """What can be recommended.

    Attributes:
        vectors: `(items, D)`.
        sounds: embeddings `(items, 128)`, zeros where unknown.
    """

    vectors: Floats
    sounds: Floats


@dataclass(frozen=True)
class Contexts:
    """Occasions, one row each.

    Attributes:
        pooled: `(n, D)`.
        user: v_u, `(n, 64)`.
        sound: mean embedding of the history, of length 1 or 0, `(n, 128)`.
        affect: `(n, 5)`.
        situation: `(n, 8)`.
    """

    pooled: Floats
    user: Floats
    sound: Floats
    affect: Floats
    situation: Floats

    def __len__(self) -> int:
        return len(self.pooled)

    def take(self, rows: Ints) -> Contexts:
        """Return some of the rows."""
        return Contexts(self.pooled[rows], self.user[rows], self.sound[rows], self.affect[rows], self.situation[rows])

    def inputs(self, items: Items, candidates: Ints) -> dict[str, Floats]:
        """Return the model's inputs for candidates `(n, c)`; -1 is an empty place, zeros everywhere."""
        place = (candidates >= 0)[:, :, None]
        return {
            "user_pooled": self.pooled,
            "user_sequence": self.user,
            "candidates": items.vectors[candidates] * place,
            "candidates_audio": items.sounds[candidates] * place,
            "user_audio": self.sound,
            "affect": self.affect,
            "situation": self.situation,
        }


def contexts_of_histories(histories: Sequence[History], items: Items, user_vectors: UserVectors) -> Contexts:
    """Return occasions of which nothing but the history is known."""
    count = len(histories)
    return Contexts(
        pooled=np.stack([pool(history, items.vectors) for history in histories])
        if count
        else np.empty((0, SIZE), np.float32),
        user=user_vectors(items.vectors[:, SLICES["sequence"]], [history.items for history in histories]),
        sound=np.stack([_taste(items.sounds[history.items]) for history in histories]),
        affect=np.zeros((count, AFFECT), np.float32),
        situation=np.zeros((count, len(SITUATION)), np.float32),
    )


def situnes_items(
    data: SiTunes,
    space: ArtistSpace,
    artists: Items,
    *,
    bridge: EmotionBridge,
    emotion_map: Floats,
    generator: np.random.Generator,
) -> tuple[Items, npt.NDArray[np.bool_]]:
    """Return SiTunes' tracks as items, and which of them have a singer that the space knows."""
    rows = space.rows_of(data.singer)
    known = rows >= 0
    emotion = np.where(np.isfinite(data.emotion), data.emotion, 0).astype(np.float32)
    vectors = np.where(known[:, None], artists.vectors[rows], bridge.vectors(emotion)).astype(np.float32)
    return Items(vectors, sound_of(data.emotion, emotion_map, generator)), known


@dataclass(frozen=True)
class Rated:
    """Rated tracks, one row each.

    Attributes:
        contexts: the occasions.
        track: what was heard.
        liked: whether it was.
        time: seconds since the epoch.
        daily: whether it is of daily life (stage 2).
        user: the person.
    """

    contexts: Contexts
    track: Ints
    liked: npt.NDArray[np.bool_]
    time: npt.NDArray[np.float64]
    daily: npt.NDArray[np.bool_]
    user: Ints

    def take(self, rows: Ints | npt.NDArray[np.bool_]) -> Rated:
        """Return some of the rows."""
        return Rated(
            self.contexts.take(np.arange(len(self.track))[rows]),
            self.track[rows],
            self.liked[rows],
            self.time[rows],
            self.daily[rows],
            self.user[rows],
        )


def rated_contexts(data: SiTunes, items: Items, user_vectors: UserVectors) -> Rated:
    """Return one occasion per rated listening of both stages, its history what the person liked before."""
    stages = (data.lab, data.daily)
    rows = [(stage, row) for stage in stages for row in range(len(stage.user))]
    histories = [_liked_before(stages, int(stage.user[row]), float(stage.time[row])) for stage, row in rows]
    plain = contexts_of_histories(histories, items, user_vectors)
    return Rated(
        contexts=replace(
            plain,
            affect=np.stack([_affect(stage, row) for stage, row in rows]),
            situation=np.stack([_situation(stage, row) for stage, row in rows]),
        ),
        track=np.array([stage.track[row] for stage, row in rows], np.int64),
        liked=np.array([stage.rating[row] >= LIKED for stage, row in rows], bool),
        time=np.array([stage.time[row] for stage, row in rows], np.float64),
        daily=np.array([stage is data.daily for stage, _ in rows], bool),
        user=np.array([stage.user[row] for stage, row in rows], np.int64),
    )


def _liked_before(stages: Sequence[Interactions], user: int, now: float) -> History:
    tracks = [
        int(track)
        for stage in stages
        for track in stage.track[(stage.user == user) & (stage.time < now) & (stage.rating >= LIKED)]
    ]
    unique = np.array(list(dict.fromkeys(tracks)), np.int64)
    return History(unique, np.ones(len(unique), np.float32))


def _affect(stage: Interactions, row: int) -> Floats:
    felt = stage.before[row]
    if not np.isfinite(felt).all():
        return np.zeros(AFFECT, np.float32)
    # A report is sure to about a tenth; training adds noise and says so.
    return np.array([felt[0], felt[1], 0.1, 0.1, 1.0], np.float32)


def _situation(stage: Interactions, row: int) -> Floats:
    if not np.isfinite(stage.hour[row]):
        return np.zeros(len(SITUATION), np.float32)
    local = datetime.fromtimestamp(float(stage.time[row]), UTC) + _TIME_ZONE
    moved = stage.activity[row][-5:]
    moved = moved[np.isfinite(moved)]
    return situation_vector(
        hour=float(stage.hour[row]),
        weekday=local.weekday(),
        activity=float(moved.mean()) if len(moved) else None,
        rain=bool(stage.rain[row]) if np.isfinite(stage.rain[row]) else None,
        temperature_c=float(stage.temperature[row]) if np.isfinite(stage.temperature[row]) else None,
    )


def _taste(sounds: Floats) -> Floats:
    known = sounds[np.any(sounds != 0, axis=1)][-_SOUNDS_OF_A_TASTE:]
    if len(known) == 0:
        return np.zeros(EMBEDDING, np.float32)
    mean = known.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
