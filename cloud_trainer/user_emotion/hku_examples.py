"""HKU956 as examples: steps of five seconds while a song plays, the rating after the song as what was felt.

Earlier songs of the session and their ratings are the history. What a song expresses is not known, so the mean rating
of *other* listeners stands for it where there are any (of the training persons alone; never the person's own). The
person's own levels are the means over all steps until the moment, as on a device that was just put on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.hku956 import RATES_HZ, Listening
from cloud_trainer.user_emotion.examples import SIZE, Examples, history
from models.physiology.features import features_of_windows
from models.physiology.schema import INDEX, PHYSIOLOGY, STEP_S, STEPS
from models.physiology.steps import step

__all__ = ["heard_by_others", "hku_examples", "session_features"]

Array = npt.NDArray[np.float64]

_QUANTITY: Final[Mapping[str, str]] = {"BVP": "ppg", "EDA": "eda", "HR": "hr", "TEMP": "temp"}
_MOMENTS: Final = (0.6, 1.0)
"""Shares of a song at whose end an example stands: the feeling does not begin with the last note."""
_REPORTED: Final = [INDEX["reported_valence"], INDEX["reported_arousal"]]
_LABEL_SD: Final = 0.05
"""A rating on a visual scale is read no finer than this."""


def session_features(listening: Listening) -> Array:
    """Return the physiological features at each step of a song, shape `(steps, physiology)`, at least one step."""
    streams = {}
    for signal, quantity in _QUANTITY.items():
        values = np.asarray(listening.signals[signal], np.float64)
        streams[quantity] = ((np.arange(len(values)) + 1) / RATES_HZ[signal], values)
    moments = np.arange(1, max(1, int(listening.seconds // STEP_S)) + 1) * STEP_S
    return np.stack([features_of_windows(streams, moment) for moment in moments])


def heard_by_others(
    sessions: Mapping[str, Sequence[Listening]], training: Sequence[str]
) -> dict[str, dict[int, tuple[float, float]]]:
    """Return, per person and song, the mean rating of the training persons but the person."""
    ratings: dict[int, dict[str, npt.NDArray[np.float32]]] = {}
    for person in training:
        for listening in sessions[person]:
            ratings.setdefault(listening.song, {})[person] = listening.felt
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for person, listenings in sessions.items():
        found[person] = {}
        for listening in listenings:
            others = [felt for other, felt in ratings.get(listening.song, {}).items() if other != person]
            if others:
                valence, arousal = np.mean(others, axis=0)
                found[person][listening.song] = (float(valence), float(arousal))
    return found


def hku_examples(
    listenings: Sequence[Listening],
    features: Sequence[Array],
    heard: Mapping[int, tuple[float, float]],
) -> Examples:
    """Return the examples of one person.

    Args:
        listenings: in order.
        features: of each, from `session_features`.
        heard: by song, from `heard_by_others`.
    """
    past: list[Array] = []
    raw, levels, labels, usuals = [], [], [], []
    for order, listening in enumerate(listenings):
        felt = np.stack([earlier.felt for earlier in listenings[:order]]) if order else np.empty((0, 2))
        usual = felt.mean(axis=0) if order else np.full(2, np.nan)
        steps = [
            step(
                physiology,
                heard=heard.get(listening.song),
                heard_share=1.0,
                usual=(float(usual[0]), float(usual[1])) if order else None,
                reports=order,
            )
            for physiology in features[order]
        ]
        for moment in _MOMENTS:
            count = max(1, round(len(steps) * moment))
            raw.append(history([*past, *steps[:count]]))
            levels.append(_levels([*features[:order], features[order][:count]]))
            labels.append(listening.felt)
            usuals.append(usual)
        last = steps[-1].copy()
        last[_REPORTED] = listening.felt
        past = [*past, *steps[:-1], last][-STEPS:]
    count = len(raw)
    return Examples(
        raw=np.stack(raw),
        level=np.stack([level for level, _ in levels]),
        seconds=np.stack([seconds for _, seconds in levels]),
        label=np.asarray(labels, np.float64),
        label_sd=np.full((count, 2), _LABEL_SD),
        usual=np.stack(usuals),
        person=np.full(count, listenings[0].person),
        kind=np.full(count, "hku956"),
    )


def _levels(worn: Sequence[Array]) -> tuple[Array, Array]:
    """Return the mean of every feature and the seconds that it is of, `(F,)` each."""
    level, seconds = np.full(SIZE, np.nan), np.zeros(SIZE)
    values = np.concatenate(worn)
    known = np.isfinite(values)
    count = known.sum(axis=0)
    seen = np.flatnonzero(count)
    level[seen] = np.where(known, values, 0.0).sum(axis=0)[seen] / count[seen]
    seconds[: len(PHYSIOLOGY)] = count * STEP_S
    return level, seconds
