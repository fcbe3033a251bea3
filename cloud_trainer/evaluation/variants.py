"""A trained function as the artefact of a model: conversion, every variant measured, one chosen.

Every variant answers the judged rows through the device's runtime; time is taken on every runtime that is installed,
the variants taking turns, so that a busy machine slows them all alike. `variant_choice` holds the rule of the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure, Golden, ModelArtefact, TensorSpec, TrainingData, Variant
from cloud_trainer.evaluation.variant_choice import Measured, as_figures, choose
from cloud_trainer.quantisation import (
    MODES,
    Mode,
    TfliteRun,
    convert,
    installed_runtimes,
    largest_difference,
    run_tflite,
    time_tflite,
)

__all__ = ["Export", "export"]

Arrays = Mapping[str, npt.NDArray[Any]]

_GOLDEN_ROWS: Final = 2
_TIMED_ROWS: Final = 48
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
    measured = _measured(model, converted, runs, figures)
    choice = choose(measured)
    modes: Mapping[Variant, Mode] = {"float32": "float32", "int8": choice.int8}
    return ModelArtefact(
        name=model.name,
        variants={variant: converted[mode] for variant, mode in modes.items()},
        preferred=choice.preferred,
        inputs=model.inputs,
        outputs=model.outputs,
        metrics={
            **model.metrics,
            **figures["float32"],
            **{f"int8.{name}": figure for name, figure in figures[choice.int8].items()},
            **as_figures(measured, rows=len(model.judged)),
        },
        training_data=model.training_data,
        golden=[
            _golden(model.judged[row], row, {variant: runs[mode] for variant, mode in modes.items()})
            for row in np.linspace(0, len(model.judged) - 1, min(_GOLDEN_ROWS, len(model.judged))).astype(int)
        ],
        cost_s=cost_s,
        extras=model.extras or {},
        description=f"{model.description} int8: {choice.int8} range; {choice.why}.",
    )


def _measured(
    model: Export,
    converted: Mapping[Mode, bytes],
    runs: Mapping[Mode, TfliteRun],
    figures: Mapping[Mode, Mapping[str, Figure]],
) -> dict[Mode, Measured]:
    timed = {
        runtime: time_tflite(converted, model.judged[:_TIMED_ROWS], runtime=runtime) for runtime in installed_runtimes()
    }
    return {
        mode: Measured(
            ratio=len(converted[mode]) / len(converted["float32"]),
            loss=_loss(figures[mode], figures["float32"]),
            difference=largest_difference(runs[mode].outputs, runs["float32"].outputs),
            ms={runtime: medians[mode] for runtime, medians in timed.items()},
        )
        for mode in MODES
    }


def _loss(figures: Mapping[str, Figure], reference: Mapping[str, Figure]) -> float:
    return max((reference[name].value - figure.value for name, figure in figures.items()), default=0.0)


def _golden(inputs: Arrays, row: int, runs: Mapping[Variant, TfliteRun]) -> Golden:
    return Golden(
        inputs=inputs,
        outputs={
            variant: {name: values[row : row + 1] for name, values in run.outputs.items()}
            for variant, run in runs.items()
        },
        tolerance=_TOLERANCE,
    )
