"""Steps: all features of one moment, and the history of steps that `user_emotion` reads."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.baseline import Own
from models.physiology.normalise import normalise
from models.physiology.schema import FEATURES, INDEX, PHYSIOLOGY, STEP_S, STEPS
from models.physiology.windows import Floats

__all__ = ["history", "step"]

_NAN: Final = float("nan")


def step(  # noqa: PLR0913 - the frozen list has this many parts
    physiology: Floats | None = None,
    *,
    heard: tuple[float, float] | None = None,
    heard_share: float = _NAN,
    liked: float = _NAN,
    skipped: float = _NAN,
    completed: float = _NAN,
    reported: tuple[float, float] | None = None,
    usual: tuple[float, float] | None = None,
    reports: int | None = None,
    step_s: float = STEP_S,
) -> NDArray[np.float64]:
    """One raw step.

    Args:
        physiology: [len(PHYSIOLOGY)] from `features_of_windows`, or None.
        heard: valence and arousal of the music that played in the step; None for none.
        heard_share: share of the step in which music played, [0, 1].
        liked: 1, -1 or 0; NaN where no music played.
        skipped: 1 or 0.
        completed: 1 or 0.
        reported: valence and arousal that the listener reported in the step.
        usual: running mean of the listener's earlier reports; None before the first.
        reports: how many earlier reports there were.
        step_s: length of the step, seconds.

    Returns:
        float64 [F] in the order of `FEATURES`, not normalised; NaN where unknown. What tells about the baseline is left
        to `normalise`.
    """
    raw = np.full(len(FEATURES), _NAN)
    if physiology is not None:
        raw[: len(PHYSIOLOGY)] = physiology
    for names, pair in (("heard", heard), ("reported", reported), ("usual", usual)):
        if pair is not None:
            raw[INDEX[f"{names}_valence"]], raw[INDEX[f"{names}_arousal"]] = pair
    raw[INDEX["heard_share"]] = heard_share
    raw[INDEX["liked"]] = liked
    raw[INDEX["skipped"]] = skipped
    raw[INDEX["completed"]] = completed
    if reports is not None:
        raw[INDEX["reports"]] = math.log1p(reports)
    raw[INDEX["step_length"]] = math.log(step_s)
    return raw


def history(raw: Floats, own: Own | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Assemble the model's input from steps, oldest first.

    Args:
        raw: [n, F] from `step`, n ≥ 0; of more than `STEPS` the newest count.
        own: the listener's own levels, [F]; None for nobody's.

    Returns:
        `steps` and `mask`, float32 [STEPS, F]; padding (zeros in both) stands on the left, the newest step is last.
    """
    steps = np.zeros((STEPS, len(FEATURES)), dtype=np.float32)
    mask = np.zeros_like(steps)
    newest = raw[-STEPS:]
    if len(newest):
        steps[-len(newest) :], mask[-len(newest) :] = normalise(newest, own)
    return steps, mask
