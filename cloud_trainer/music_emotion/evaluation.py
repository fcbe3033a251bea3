"""Held-out figures per data set, per piece: the mean over a piece's patches is what the device uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.evaluation.bootstrap import bootstrap
from cloud_trainer.evaluation.regression import concordance, r_squared
from cloud_trainer.music_emotion.examples import Examples
from cloud_trainer.music_emotion.metrics import quadrant_accuracy, sign_accuracy
from cloud_trainer.music_emotion.network import MusicEmotionNetwork, inference

__all__ = ["PieceTable", "Score", "held_out_figures", "piece_table", "validation_score"]

Floats = npt.NDArray[np.float32]

_AXES: Final = ("valence", "arousal")

Metric = Callable[[Floats, Floats], float]
_SIGN_METRICS: Final[tuple[tuple[str, Metric], ...]] = (("accuracy", sign_accuracy),)
_VALUE_METRICS: Final[tuple[tuple[str, Metric], ...]] = (
    ("r2", lambda truth, predicted: float(r_squared(truth, predicted))),
    ("ccc", lambda truth, predicted: float(concordance(truth, predicted))),
)
_DRAWS: Final = 300
_FEWEST_PIECES: Final = 20
"""Fewer pieces tell no interval: a draw of them may hold one piece alone."""


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
    """Return the figures of a held-out side, each beside predicting the training mean, its interval in the protocol.

    Args:
        tables: truth and prediction per data set.
        training_mean: mean label `[2]` per data set on the training side.
        protocol: how the side was chosen.
    """
    figures: dict[str, Figure] = {}
    for name, table in tables.items():
        constant = np.broadcast_to(training_mean[name], table.truth.shape).astype(np.float32)
        for axis, label in enumerate(_AXES):
            truth, predicted, mean = table.truth[:, axis], table.predicted[:, axis], constant[:, axis]
            for suffix, metric in _SIGN_METRICS if table.signs else _VALUE_METRICS:
                figures[f"{name}.{label}_{suffix}"] = _figure(metric, truth, predicted, mean, protocol)
        if table.signs:
            figures[f"{name}.quadrant_accuracy"] = _figure(
                quadrant_accuracy, table.truth, table.predicted, constant, protocol
            )
    return figures


def _figure(metric: Metric, truth: Floats, predicted: Floats, mean: Floats, protocol: str) -> Figure:
    count, told = len(truth), protocol
    if count >= _FEWEST_PIECES:
        interval = bootstrap(np.arange(count), lambda rows: metric(truth[rows], predicted[rows]), seed=0, draws=_DRAWS)
        told = f"{protocol}; 95 % interval over {count} pieces {interval.low:.3f} to {interval.high:.3f}"
    return Figure(
        value=metric(truth, predicted),
        baseline=metric(truth, mean),
        baseline_name="training mean",
        protocol=told,
        count=count,
    )
