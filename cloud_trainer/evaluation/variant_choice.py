"""Which variant of a model the bundle ships: decided by what was measured, by one rule for all models.

1. An int8 variant (dynamic range or full integer) is in question where it loses at most `LARGEST_LOSS` in every
   held-out figure in which more is better, and is at most `LARGEST_RATIO` of float32's size.
2. Of several, the one that is fastest beside float32 ships: by the geometric mean of the ratios over the runtimes.
3. Where none is in question, the one that loses least ships beside float32, and float32 is preferred on the device.

float16 is measured beside them. It never ships: it is half of float32's size, and the contract's budget is a third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from cloud_trainer.artefact import Figure, Variant
from cloud_trainer.quantisation import MODES, Mode

__all__ = ["LARGEST_LOSS", "LARGEST_RATIO", "Choice", "Measured", "as_figures", "choose", "measured_of"]

LARGEST_LOSS: Final = 0.005
LARGEST_RATIO: Final = 0.35
_INT8: Final[tuple[Mode, ...]] = ("dynamic", "full")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of a variant.

    Attributes:
        ratio: its size beside float32's.
        loss: the largest loss of a held-out figure beside float32.
        difference: the largest absolute difference of an output from float32's, on the judged rows.
        ms: median time of a call on one thread, by runtime.
    """

    ratio: float
    loss: float
    difference: float
    ms: Mapping[str, float]


@dataclass(frozen=True)
class Choice:
    """What ships.

    Attributes:
        int8: the kind of the int8 variant.
        preferred: what the device runs.
        why: in a sentence.
    """

    int8: Mode
    preferred: Variant
    why: str


def choose(measured: Mapping[Mode, Measured]) -> Choice:
    """Choose by the rule of this module."""
    good = [mode for mode in _INT8 if not _refusal(measured[mode])]
    if not good:
        least = min(_INT8, key=lambda mode: measured[mode].loss)
        reasons = "; ".join(f"{mode}: {_refusal(measured[mode])}" for mode in _INT8)
        return Choice(least, "float32", f"no int8 variant keeps the budgets ({reasons})")
    if len(good) == 1:
        [other] = [mode for mode in _INT8 if mode not in good]
        return Choice(good[0], "int8", f"{other}: {_refusal(measured[other])}")
    slowness = {mode: _slowness(measured[mode], measured["float32"]) for mode in good}
    fastest = min(good, key=lambda mode: slowness[mode])
    told = ", ".join(f"{mode} {slowness[mode]:.2f}" for mode in good)
    return Choice(fastest, "int8", f"both keep the budgets; time beside float32: {told}")


def as_figures(measured: Mapping[Mode, Measured], *, rows: int) -> dict[str, Figure]:
    """Return what was measured as figures of the manifest; `measured_of` reads them again.

    Args:
        measured: by mode.
        rows: that were judged.
    """
    reference = measured["float32"]
    figures: dict[str, Figure] = {}
    beside = partial(Figure, baseline_name="float32", count=rows)
    for mode, one in measured.items():
        losing = "largest loss of a held-out figure in which more is better"
        figures[f"{mode}.largest_loss"] = beside(value=one.loss, baseline=0.0, protocol=losing)
        figures[f"{mode}.largest_difference"] = beside(value=one.difference, baseline=0.0)
        figures[f"{mode}.size_ratio"] = beside(value=one.ratio, baseline=1.0)
        for runtime, ms in one.ms.items():
            figures[f"{mode}.{runtime}_ms"] = Figure(
                value=ms,
                baseline=reference.ms[runtime],
                baseline_name="float32",
                protocol="median of calls on one thread of the machine that built it, variants taking turns",
            )
    return figures


def measured_of(values: Mapping[str, float]) -> dict[Mode, Measured]:
    """Return what figures by name say of each mode, float32 first; modes that were not measured are left out."""
    found: dict[Mode, Measured] = {"float32": Measured(ratio=1.0, loss=0.0, difference=0.0, ms={})}
    for mode in MODES:
        if f"{mode}.size_ratio" in values:
            ms = {
                name.removeprefix(f"{mode}.").removesuffix("_ms"): value
                for name, value in values.items()
                if name.startswith(f"{mode}.") and name.endswith("_ms")
            }
            found[mode] = Measured(
                ratio=values[f"{mode}.size_ratio"],
                loss=values[f"{mode}.largest_loss"],
                difference=values[f"{mode}.largest_difference"],
                ms=ms,
            )
    return found


def _refusal(one: Measured) -> str:
    """Return why a variant is out of the question; nothing where it is not."""
    if one.loss > LARGEST_LOSS:
        return f"loses {one.loss:.4f}, {LARGEST_LOSS} allowed"
    return f"{one.ratio:.3f} of the size, {LARGEST_RATIO} allowed" if one.ratio > LARGEST_RATIO else ""


def _slowness(one: Measured, reference: Measured) -> float:
    ratios = [ms / reference.ms[runtime] for runtime, ms in one.ms.items() if reference.ms.get(runtime, 0.0) > 0]
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else 1.0
