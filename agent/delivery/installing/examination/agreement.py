"""Whether two models that should say much the same clearly do not: by rank correlation, with its confidence interval.

An honest new model differs from the one before it; what is refused is one that says nothing, or the opposite.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.errors import BundleError, Reason

__all__ = ["contradiction", "failed", "require_feeling", "require_hearing"]

_SURE: Final = 2.33
"""One-sided 99 %: a sample decides only when it is sure."""
_LARGEST: Final = 0.999
_HEARD_ALIKE: Final = 0.2
"""Rank correlation below which two audio models hear different things. Two that were trained apart on the same data
agree on far more."""
_FELT_ALIKE: Final = 0.0
"""Likewise of two models of the listener, on made-up histories: there only the opposite is a sure sign."""
_HISTORIES: Final = 96
_NOTHING: Final = 1e-3
"""Standard deviation below which a model says the same of everything."""


def require_hearing(bundle: Bundle, candidate: NDArray[np.float32], running: NDArray[np.float32]) -> None:
    """Refuses an audio model that clearly hears something else in this music than the one in use.

    Args:
        bundle: of the candidate.
        candidate: [N, 2], valence and arousal as it hears the tracks.
        running: [N, 2], of the same tracks.

    Raises:
        BundleError: FAILED: all tracks sound alike to it, or its order has nothing to do with the other.
    """
    for axis, name in enumerate(("valence", "arousal")):
        problem = contradiction(candidate[:, axis], running[:, axis], least=_HEARD_ALIKE)
        if problem:
            raise failed(bundle, f"hears {problem} {name} of your music")


def require_feeling(bundle: Bundle, running: Bundle | None) -> None:
    """Refuses a model of the listener that answers with no numbers, or the opposite of the one in use.

    Both are asked about the same made-up histories: every feature wanders around a level of its own, some are absent.

    Args:
        bundle: of the candidate.
        running: the bundle in use, if there is one to compare with.

    Raises:
        BundleError: FAILED.
    """
    mine = _answers(bundle)
    if not np.isfinite(mine).all():
        raise failed(bundle, "answers with what is no number: user_emotion")
    other = _answers(running) if running is not None else mine
    for axis, name in enumerate(("valence", "arousal")):
        problem = contradiction(mine[:, axis], other[:, axis], least=_FELT_ALIKE)
        if problem:
            raise failed(bundle, f"finds {problem} {name} of a listener")


def contradiction(mine: NDArray[Any], other: NDArray[Any], *, least: float) -> str:
    """What clearly sets two rows of estimates of the same things apart; empty where nothing does.

    Args:
        mine: [N].
        other: [N], of the one that is relied on.
        least: rank correlation that they must be able to have.
    """
    if np.std(other) < _NOTHING:
        return ""
    if np.std(mine) < _NOTHING:
        return "no differences in the"
    correlation = _rank_correlation(mine, other)
    bounded = max(-_LARGEST, min(correlation, _LARGEST))
    # Fisher's transform: the upper end of the correlation's confidence interval.
    most = math.tanh(math.atanh(bounded) + _SURE / math.sqrt(max(len(mine) - 3, 1)))
    if most >= least:
        return ""
    return f"another order (rank correlation {correlation:.2f} with the bundle in use, {len(mine)} cases) in the"


def failed(bundle: Bundle, what: str) -> BundleError:
    """The error that says what a bundle does."""
    return BundleError(
        f"bundle {bundle.manifest.version} {what}",
        reason=Reason.FAILED,
        remedy="Look at its models and build it again; the bundle in use stays",
    )


def _answers(bundle: Bundle) -> NDArray[np.float32]:
    """Valence and arousal of made-up histories, [N, 2], with log-variances that are no numbers passed on."""
    model, random = bundle.model("user_emotion"), np.random.default_rng(0)
    shape = model.inputs["steps"]
    answers = []
    for number in range(_HISTORIES):
        known = (random.random(shape[2]) < number / (_HISTORIES - 1)).astype(np.float32)
        level, walk = random.normal(size=shape[2]), np.cumsum(random.normal(scale=0.15, size=shape), axis=1)
        mask = np.broadcast_to(known, shape).copy()
        answer = model.run(steps=((level + walk) * mask).astype(np.float32), mask=mask)
        answers.append(answer["mean"][0] + 0.0 * answer["log_variance"][0])
    return np.array(answers, np.float32)


def _rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's; [N] each."""
    first, second = (
        np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float) for values in (one, other)
    )
    return float(np.corrcoef(first, second)[0, 1])
