"""From the stations' arrays to the messages of the wire: ranges kept, digits cut to what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.wire.messages import Affect, Source

__all__ = ["affect_message"]

_DIGITS: Final = 4
"""A ten-thousandth of the plane is far below what anybody can feel, and keeps the messages short."""


def affect_message(
    *,
    t: float,
    mean: NDArray[np.floating[Any]],
    covariance: NDArray[np.floating[Any]],
    quality: float,
    calibrated: bool,
    model: str,
    sources: Mapping[str, Source],
) -> Affect:
    """Write an affect state as its message.

    Args:
        t: seconds since the epoch.
        mean: [2], valence and arousal; what lies outside [-1, 1] is put on the edge.
        covariance: [2, 2], symmetric, not negative definite; rounding errors on its diagonal count as 0.
        quality: of the streams behind it, in [0, 1].
        calibrated: whether the listener's own baseline is known.
        model: version of the bundle.
        sources: the wearable behind each quantity.
    """
    valence, arousal = (round(float(value), _DIGITS) for value in np.clip(mean, -1.0, 1.0))
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    product = float(deviations[0] * deviations[1])
    rho = float(np.clip(covariance[0, 1] / product, -1.0, 1.0)) if product > 0.0 else 0.0
    return Affect(
        t=t,
        valence=valence,
        arousal=arousal,
        sd=(round(float(deviations[0]), _DIGITS), round(float(deviations[1]), _DIGITS)),
        rho=round(rho, _DIGITS),
        quality=round(float(np.clip(quality, 0.0, 1.0)), _DIGITS),
        calibrated=calibrated,
        model=model,
        sources=dict(sources),
    )
