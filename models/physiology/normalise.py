"""Raw features to what the model sees: centred, scaled, clipped, masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.physiology.schema import CLIP, FEATURES
from models.physiology.windows import Floats

__all__ = ["PERSONAL", "POPULATION_CENTRES", "SCALES", "centres", "normalise"]

POPULATION_CENTRES: Final = np.array([feature.centre for feature in FEATURES])
"""float64 [F]."""
SCALES: Final = np.array([feature.scale for feature in FEATURES])
"""float64 [F]."""
PERSONAL: Final = np.array([feature.personal for feature in FEATURES])
"""bool [F]: where the listener's own baseline replaces the centre."""


def centres(baseline: Mapping[str, float]) -> NDArray[np.float64]:
    """The centres for a listener, float64 [F].

    Args:
        baseline: personal centres by feature name, as far as they are known. Names of features that are not personal,
            unknown names and values that are not finite are left out.
    """
    known = POPULATION_CENTRES.copy()
    for i, feature in enumerate(FEATURES):
        value = baseline.get(feature.name, float("nan"))
        if feature.personal and np.isfinite(value):
            known[i] = value
    return known


def normalise(
    raw: Floats, centre: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normalise raw features.

    Args:
        raw: [..., F] in the order and units of `FEATURES`; NaN (or infinite) where unknown.
        centre: [F] or [..., F], from `centres`; None for the population's.

    Returns:
        `values` float32 [..., F], 0 where unknown, within ±`CLIP`; `mask` float32 [..., F], 1 where known.
    """
    known = np.isfinite(raw)
    middle = POPULATION_CENTRES if centre is None else centre
    scaled = np.clip((np.where(known, raw, middle) - middle) / SCALES, -CLIP, CLIP)
    return np.where(known, scaled, 0.0).astype(np.float32), known.astype(np.float32)
