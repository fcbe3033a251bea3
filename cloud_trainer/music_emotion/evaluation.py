"""Held-out figures per data set, per piece: the mean over a piece's patches is what the device uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.evaluation.regression import concordance, r_squared
from cloud_trainer.music_emotion.examples import Examples
from cloud_trainer.music_emotion.metrics import quadrant_accuracy, sign_accuracy
from cloud_trainer.music_emotion.network import MusicEmotionNetwork, inference

__all__ = ["PieceTable", "Score", "held_out_figures", "piece_table", "validation_score"]

Floats = npt.NDArray[np.float32]

_AXES: Final = ("valence", "arousal")


@dataclass(frozen=True)
class Score:
    """A validation score: the mean of its parts, each about 0 for a trivial model and 1 for a perfect one."""

    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        """The mean of the parts."""
        return float(np.mean(list(self.parts.values())))

    def __str__(self) -> str:
        return f"{self.total:.3f} (" + " ".join(f"{name} {value:.2f}" for name, value in self.parts.items()) + ")"


@dataclass(frozen=True)
class PieceTable:
    """Truth and prediction per piece of one data set.

    Attributes:
        truth: `[n, 2]`.
        predicted: `[n, 2]`.
        signs: whether the truth is signs only.
    """

    truth: Floats
    predicted: Floats
    signs: bool


def piece_table(rows: Examples, emotion: Floats) -> dict[str, PieceTable]:
    """Return truth and prediction per piece and data set.

    Args:
        rows: of one side.
        emotion: `[n, 2]`, the prediction for each row.
    """
    result = {}
    for index, corpus in enumerate(rows.corpora):
        here = np.flatnonzero(rows.corpus == index)
        if not here.size:
            continue
        pieces, number = np.unique(rows.piece[here], return_inverse=True)
        counts = np.bincount(number)[:, None]
        predicted = np.stack([np.bincount(number, weights=emotion[here, axis]) for axis in range(2)], axis=1) / counts
        first = here[np.searchsorted(number, np.arange(pieces.size))]
        signs = bool(np.isfinite(rows.sign[first]).all())
        truth = rows.sign[first] if signs else rows.value[first]
        result[corpus.pieces[0].dataset] = PieceTable(truth, predicted.astype(np.float32), signs)
    return result


def validation_score(network: MusicEmotionNetwork, rows: Examples) -> Score:
    """Return R² of rated sets and 2 · accuracy - 1 of sign sets, for each axis and set."""
    everything = np.arange(len(rows))
    tables = piece_table(rows, inference(network, rows.patches(everything))["emotion"])
    parts = {}
    for name, table in tables.items():
        for axis, label in enumerate(_AXES):
            truth, predicted = table.truth[:, axis], table.predicted[:, axis]
            value = 2.0 * sign_accuracy(truth, predicted) - 1.0 if table.signs else float(r_squared(truth, predicted))
            parts[f"{name}.{label}"] = value
    return Score(parts)


def held_out_figures(
    tables: Mapping[str, PieceTable], training_mean: Mapping[str, Floats], protocol: str
) -> dict[str, Figure]:
    """Return the figures of a held-out side, each beside predicting the training mean.

    Args:
        tables: truth and prediction per data set.
        training_mean: mean label `[2]` per data set on the training side.
        protocol: how the side was chosen.
    """
    figures: dict[str, Figure] = {}
    for name, table in tables.items():
        constant = np.broadcast_to(training_mean[name], table.truth.shape).astype(np.float32)

        def figure(value: float, baseline: float, count: int = len(table.truth)) -> Figure:
            return Figure(value=value, baseline=baseline, baseline_name="training mean", protocol=protocol, count=count)

        for axis, label in enumerate(_AXES):
            truth, predicted, mean = table.truth[:, axis], table.predicted[:, axis], constant[:, axis]
            if table.signs:
                figures[f"{name}.{label}_accuracy"] = figure(
                    sign_accuracy(truth, predicted), sign_accuracy(truth, mean)
                )
            else:
                figures[f"{name}.{label}_r2"] = figure(
                    float(r_squared(truth, predicted)), float(r_squared(truth, mean))
                )
                figures[f"{name}.{label}_ccc"] = figure(
                    float(concordance(truth, predicted)), float(concordance(truth, mean))
                )
        if table.signs:
            figures[f"{name}.quadrant_accuracy"] = figure(
                quadrant_accuracy(table.truth, table.predicted), quadrant_accuracy(table.truth, constant)
            )
    return figures
