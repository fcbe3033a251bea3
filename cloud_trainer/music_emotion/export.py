"""From the trained network to the artefact: conversion, choice of the int8 variant, held-out figures, golden vectors.

The int8 variant is the one of dynamic range and full integer that loses at most `LARGEST_LOSS` in every held-out figure
and is the faster on the device's runtime; the more exact one where both lose more. int8 is preferred over float32 where
it keeps to that loss: it is a quarter of the size, and quick enough either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure, Golden, ModelArtefact, TensorSpec, TrainingData, Variant
from cloud_trainer.data.pieces import Split
from cloud_trainer.music_emotion.corpus import FRONT_END
from cloud_trainer.music_emotion.evaluation import held_out_figures, piece_table
from cloud_trainer.music_emotion.examples import Examples
from cloud_trainer.music_emotion.network import EMBEDDING, METADATA, MusicEmotionNetwork, emotion_map
from cloud_trainer.quantisation import MODES, Mode, TfliteRun, convert, run_tflite
from models.audio.log_mel import MELS
from models.audio.patches import PATCH_FRAMES

__all__ = ["INPUTS", "LARGEST_LOSS", "OUTPUTS", "build_artefact"]

Arrays = Mapping[str, npt.NDArray[Any]]

LARGEST_LOSS: Final = 0.005
_CALIBRATION_PATCHES: Final = 200
# int8 rounds differently from one processor's kernels to another's; float32 adds in another order.
_TOLERANCE: Final[Mapping[Variant, float]] = {"float32": 1e-3, "int8": 0.08}
_PROTOCOL: Final = (
    "emopia: official validation part, rendered; vgmidi, emotify: 20 % held out by song; per piece, mean over patches"
)

INPUTS: Final = (
    TensorSpec(
        name="log_mel",
        shape=(1, MELS, PATCH_FRAMES, 1),
        unit="dB, normalised by front_end",
        description="Log-mel patch of 14.8 s.",
    ),
    TensorSpec(
        name="metadata", shape=(1, METADATA), unit="1", description="Metadata vector of the track; zeros where unknown."
    ),
)
OUTPUTS: Final = (
    TensorSpec(name="emotion", shape=(1, 2), unit="-1..1", description="Valence, arousal."),
    TensorSpec(name="embedding", shape=(1, EMBEDDING), unit="1", description="v_a, of length 1."),
)


def build_artefact(
    network: MusicEmotionNetwork,
    sides: Mapping[Split, Examples],
    *,
    seed: int,
    sources: Sequence[TrainingData],
    cost_s: float,
) -> ModelArtefact:
    """Convert, evaluate every variant on the held-out side through the device's runtime, and choose.

    Args:
        network: trained.
        sides: the rows by side; calibration takes patches of the training side.
        seed: of the choice of calibration patches.
        sources: what was trained on.
        cost_s: seconds spent on rendering and training.

    Raises:
        BundleError: the network does not convert, or its variants do not run.
    """
    converted = convert(
        lambda log_mel, metadata: network.inference([log_mel, metadata], training=False),
        inputs={spec.name: spec.shape for spec in INPUTS},
        calibration=_calibration(sides["train"], seed),
        owner=network.inference,
    )
    rows = [_row(sides["test"], index) for index in range(len(sides["test"]))]
    runs = {mode: run_tflite(converted[mode], rows) for mode in MODES}
    figures = {mode: _figures(run, sides) for mode, run in runs.items()}
    chosen, keeps = _int8_mode(figures, runs)
    modes: Mapping[Variant, Mode] = {"float32": "float32", "int8": chosen}
    metrics = _metrics(figures, runs, converted, chosen) | _with_metadata(converted["float32"], sides)
    return ModelArtefact(
        name="music_emotion",
        variants={variant: converted[mode] for variant, mode in modes.items()},
        preferred="int8" if keeps else "float32",
        inputs=INPUTS,
        outputs=OUTPUTS,
        metrics=metrics,
        training_data=sources,
        golden=[_golden(rows[0], {variant: runs[mode] for variant, mode in modes.items()})],
        cost_s=cost_s,
        front_end=FRONT_END.as_manifest(),
        extras={"emotion_map": emotion_map(network)},
        description=(
            "Residual CNN on a log-mel patch, averaged over time; the embedding v_a is a unit vector of 128 numbers, "
            "and the emotion tanh of a linear function of it plus a shift by metadata. Trained on rendered piano and "
            f"on recordings in four genres. int8: {chosen} range."
        ),
    )


def loss_of(figures: Mapping[str, Figure], reference: Mapping[str, Figure]) -> float:
    """Return the largest loss of any figure against its reference; negative where all gain."""
    return max(reference[name].value - figure.value for name, figure in figures.items())


def _int8_mode(figures: Mapping[Mode, Mapping[str, Figure]], runs: Mapping[Mode, TfliteRun]) -> tuple[Mode, bool]:
    """Return the int8 mode to ship, and whether it keeps to the allowed loss."""
    losses: dict[Mode, float] = {
        mode: loss_of(_continuous(figures[mode]), _continuous(figures["float32"])) for mode in ("dynamic", "full")
    }
    keeping = [mode for mode, loss in losses.items() if loss <= LARGEST_LOSS]
    if keeping:
        return min(keeping, key=lambda mode: runs[mode].median_ms), True
    return min(losses, key=lambda mode: losses[mode]), False


def _continuous(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Leave out accuracies: on a small held-out side one piece near zero moves them by a per cent."""
    return {name: figure for name, figure in figures.items() if not name.endswith("_accuracy")}


def _figures(run: TfliteRun, sides: Mapping[Split, Examples]) -> dict[str, Figure]:
    tables = piece_table(sides["test"], np.asarray(run.outputs["emotion"], np.float32))
    means = {name: table.truth.mean(axis=0) for name, table in _truth(sides["train"]).items()}
    return held_out_figures(tables, means, _PROTOCOL)


def _truth(rows: Examples) -> dict[str, Any]:
    return dict(piece_table(rows, np.zeros((len(rows), 2), np.float32)))


def _metrics(
    figures: Mapping[Mode, Mapping[str, Figure]],
    runs: Mapping[Mode, TfliteRun],
    converted: Mapping[Mode, bytes],
    chosen: Mode,
) -> dict[str, Figure]:
    metrics = dict(figures["float32"])
    for mode in ("dynamic", "full"):
        loss = loss_of(_continuous(figures[mode]), _continuous(figures["float32"]))
        metrics[f"{mode}.largest_loss"] = Figure(
            value=loss, baseline=0.0, baseline_name="float32", protocol="largest loss of R2 or CCC"
        )
        metrics[f"{mode}.size_ratio"] = Figure(
            value=len(converted[mode]) / len(converted["float32"]), baseline=1.0, baseline_name="float32"
        )
        metrics[f"{mode}.ms_a_patch"] = Figure(
            value=runs[mode].median_ms,
            baseline=runs["float32"].median_ms,
            baseline_name="float32",
            protocol="one thread of the machine that built it",
        )
    metrics |= {f"int8.{name}": figure for name, figure in figures[chosen].items()}
    return metrics


def _with_metadata(content: bytes, sides: Mapping[Split, Examples]) -> dict[str, Figure]:
    """Return the figures of the held-out pieces whose metadata is known, with it, beside those without it."""
    test = sides["test"]
    known = test.take(np.flatnonzero(test.metadata.any(axis=1)))
    if not len(known):
        return {}
    told = [{**_row(known, index), "metadata": known.metadata[[index]]} for index in range(len(known))]
    untold = [_row(known, index) for index in range(len(known))]
    with_it, without = (_figures(run_tflite(content, rows), {**sides, "test": known}) for rows in (told, untold))
    return {
        f"{name}_with_metadata": replace(figure, baseline=without[name].value, baseline_name="without metadata")
        for name, figure in with_it.items()
    }


def _golden(row: Arrays, runs: Mapping[Variant, TfliteRun]) -> Golden:
    return Golden(
        inputs=row,
        outputs={variant: {name: values[:1] for name, values in run.outputs.items()} for variant, run in runs.items()},
        tolerance=_TOLERANCE,
    )


def _calibration(training: Examples, seed: int) -> list[Arrays]:
    random = np.random.default_rng([seed, 7])
    count = min(_CALIBRATION_PATCHES, len(training))
    return [_row(training, int(index)) for index in random.choice(len(training), size=count, replace=False)]


def _row(rows: Examples, index: int) -> Arrays:
    patch = rows.patches(np.array([index])).astype(np.float32)
    return {"log_mel": patch[..., None], "metadata": np.zeros((1, METADATA), np.float32)}
