"""Raw features to what the model sees: centred, scaled, clipped, masked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.baseline import Own, centres
from models.physiology.schema import CLIP, FEATURES, INDEX
from models.physiology.windows import Floats

__all__ = ["SCALES", "normalise"]

SCALES: Final = np.array([feature.scale for feature in FEATURES])
"""float64 [F]."""
_HEART_RATE: Final = INDEX["heart_rate"]
_USUAL: Final = INDEX["usual_heart_rate"]
_WORN: Final = INDEX["worn"]


def normalise(raw: Floats, own: Own | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normalise raw steps against what is normal for the listener.

    The two features that tell about the baseline itself, `usual_heart_rate` and `worn`, are filled in here: they are
    alike in all steps, and belong to the centre and not to the moment.

    Args:
        raw: [..., F] in the order and units of `FEATURES`; NaN (or infinite) where unknown. A step that is unknown
            altogether is padding.
        own: the listener's own levels, [F] or broadcasting to `raw`; None for nobody's.

    Returns:
        `values` float32 [..., F], 0 where unknown, within ±`CLIP`; `mask` float32 [..., F], 1 where known.
    """
    known = np.isfinite(raw)
    if own is not None:
        real = known.any(axis=-1) & np.isfinite(own.level[..., _HEART_RATE])
        raw = raw.copy()
        raw[..., _USUAL] = np.where(real, own.level[..., _HEART_RATE], np.nan)
        raw[..., _WORN] = np.where(real, np.log1p(own.seconds[..., _HEART_RATE] / 60.0), np.nan)
        known[..., [_USUAL, _WORN]] = np.isfinite(raw[..., [_USUAL, _WORN]])
    middle = centres(own)
    scaled = np.clip((np.where(known, raw, middle) - middle) / SCALES, -CLIP, CLIP)
    return np.where(known, scaled, 0.0).astype(np.float32), known.astype(np.float32)
