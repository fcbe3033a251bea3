"""How an item's vector is laid out: which slice belongs to which model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.recommenders.factors import FACTORS
from cloud_trainer.recommenders.sequence_model import SEQUENCE

__all__ = ["SIZE", "SLICES", "item_table"]

Floats = npt.NDArray[np.float32]

_WIDTHS: Final[Mapping[str, int]] = {
    "svdpp_q": FACTORS,
    "svdpp_bias": 1,
    "svdpp_y": FACTORS,
    "ncf": FACTORS,
    "sequence": SEQUENCE,
}


def _slices() -> dict[str, slice]:
    found, start = {}, 0
    for name, width in _WIDTHS.items():
        found[name] = slice(start, start + width)
        start += width
    return found


SLICES: Final[Mapping[str, slice]] = _slices()
"""Columns of an item's vector by slice name, in order."""
SIZE: Final = sum(_WIDTHS.values())
"""Length D of an item's vector: 161."""


def item_table(svdpp: Mapping[str, Floats], ncf: Mapping[str, Floats], sequence: Floats) -> Floats:
    """Return the items' vectors `(items, D)` from the parts that the models trained."""
    parts = {"svdpp_q": svdpp["q"], "svdpp_bias": svdpp["bias"], "svdpp_y": svdpp["y"], "ncf": ncf["items"]}
    return np.concatenate([(parts | {"sequence": sequence})[name] for name in _WIDTHS], axis=1).astype(np.float32)
