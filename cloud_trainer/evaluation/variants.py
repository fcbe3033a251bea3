"""A trained function as the artefact of a small model: conversion, both int8 kinds measured, the better one chosen.

The int8 variant is the faster of dynamic range and full integer among those that lose at most `LARGEST_LOSS`
in every held-out figure where more is better; where both lose more it is the more exact one, and then float32 is
preferred on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure, Golden, ModelArtefact, TensorSpec, TrainingData, Variant
from cloud_trainer.quantisation import MODES, Mode, TfliteRun, convert, largest_difference, run_tflite

__all__ = ["LARGEST_LOSS", "Export", "export"]

Arrays = Mapping[str, npt.NDArray[Any]]

LARGEST_LOSS: Final = 0.005
_GOLDEN_ROWS: Final = 2
_TOLERANCE: Final[Mapping[Variant, float]] = {"float32": 1e-3, "int8": 0.1}


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is known of a model when it is trained.

    Attributes:
        name: as the model contract names it.
        inputs: specifications, in the order of the function's arguments' names.
        outputs: specifications.
        function: takes the inputs by name, returns tensors by output name.
        owner: what holds its variables; `None` where they are constants.
        calibration: rows of inputs by name, as the device will see them.
        judged: rows of inputs by name, on which the variants are compared.
        judge: takes outputs by name, one row per judged row, and returns figures where more is better.
        metrics: further held-out figures.
        training_data: what it was trained on.
        description: a paragraph for the manifest.
        extras: arrays for later stages.
    """

    name: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    function: Callable[..., Mapping[str, Any]]
    calibration: Sequence[Arrays]
    judged: Sequence[Arrays]
    judge: Callable[[Arrays], Mapping[str, Figure]]
    metrics: Mapping[str, Figure]
    training_data: Sequence[TrainingData]
    description: str
    owner: object | None = None
    extras: Arrays | None = None


def export(model: Export, *, cost_s: float) -> ModelArtefact:
    """Convert, compare the variants through the device's runtime, choose.

    Args:
        model: what is known of it.
        cost_s: seconds that training took.

    Raises:
        BundleError: the model does not convert, or a variant does not run.
    """
    converted = convert(
        model.function,
        inputs={spec.name: spec.shape for spec in model.inputs},
        calibration=model.calibration,
        owner=model.owner,
    )
    runs = {mode: run_tflite(converted[mode], model.judged) for mode in MODES}
    figures = {mode: model.judge(runs[mode].outputs) for mode in MODES}
    chosen, keeps = _int8_mode(figures, runs)
    modes: Mapping[Variant, Mode] = {"float32": "float32", "int8": chosen}
    return ModelArtefact(
        name=model.name,
        variants={variant: converted[mode] for variant, mode in modes.items()},
        preferred="int8" if keeps else "float32",
        inputs=model.inputs,
        outputs=model.outputs,
        metrics={
            **model.metrics,
            **figures["float32"],
            **{f"int8.{name}": figure for name, figure in figures[chosen].items()},
            **_costs(figures, runs, converted),
        },
        training_data=model.training_data,
        golden=[
            _golden(model.judged[row], row, {variant: runs[mode] for variant, mode in modes.items()})
            for row in np.linspace(0, len(model.judged) - 1, min(_GOLDEN_ROWS, len(model.judged))).astype(int)
        ],
        cost_s=cost_s,
        extras=model.extras or {},
        description=f"{model.description} int8: {chosen} range.",
    )


def _loss(figures: Mapping[str, Figure], reference: Mapping[str, Figure]) -> float:
    return max((reference[name].value - figure.value for name, figure in figures.items()), default=0.0)


def _int8_mode(figures: Mapping[Mode, Mapping[str, Figure]], runs: Mapping[Mode, TfliteRun]) -> tuple[Mode, bool]:
    losses: dict[Mode, float] = {mode: _loss(figures[mode], figures["float32"]) for mode in ("dynamic", "full")}
    keeping = [mode for mode, loss in losses.items() if loss <= LARGEST_LOSS]
    if keeping:
        return min(keeping, key=lambda mode: runs[mode].median_ms), True
    return min(losses, key=lambda mode: losses[mode]), False


def _costs(
    figures: Mapping[Mode, Mapping[str, Figure]], runs: Mapping[Mode, TfliteRun], converted: Mapping[Mode, bytes]
) -> dict[str, Figure]:
    reference = runs["float32"]
    costs: dict[str, Figure] = {}
    for mode in ("dynamic", "full"):
        costs[f"{mode}.largest_loss"] = Figure(
            value=_loss(figures[mode], figures["float32"]),
            baseline=0.0,
            baseline_name="float32",
            protocol="largest loss of a figure on the judged rows",
            count=len(runs[mode].outputs),
        )
        costs[f"{mode}.largest_difference"] = Figure(
            value=largest_difference(runs[mode].outputs, reference.outputs), baseline=0.0, baseline_name="float32"
        )
        costs[f"{mode}.size_ratio"] = Figure(
            value=len(converted[mode]) / len(converted["float32"]), baseline=1.0, baseline_name="float32"
        )
        costs[f"{mode}.ms"] = Figure(
            value=runs[mode].median_ms,
            baseline=reference.median_ms,
            baseline_name="float32",
            protocol="one call, one thread of the machine that built it",
        )
    return costs


def _golden(inputs: Arrays, row: int, runs: Mapping[Variant, TfliteRun]) -> Golden:
    return Golden(
        inputs=inputs,
        outputs={
            variant: {name: values[row : row + 1] for name, values in run.outputs.items()}
            for variant, run in runs.items()
        },
        tolerance=_TOLERANCE,
    )
