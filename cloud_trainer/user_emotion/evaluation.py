"""Held-out figures of `user_emotion`, and how its answer moves with each of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure
from cloud_trainer.evaluation.bootstrap import bootstrap
from cloud_trainer.evaluation.ranking import auc
from cloud_trainer.evaluation.regression import r_squared, rmse
from cloud_trainer.evaluation.uncertainty import coverage, ellipse_coverage, gaussian_crps, gaussian_nll
from cloud_trainer.user_emotion.examples import SIZE, Examples
from models.physiology.schema import INDEX, PHYSIOLOGY, STEPS

__all__ = ["SWEEPS", "explained", "held_out_figures", "sweep", "without_body"]

Floats = npt.NDArray[np.float32]
Outputs = Mapping[str, npt.NDArray[Any]]

_AXES: Final = ("valence", "arousal")
_PROTOCOL: Final = "persons that nothing was trained or chosen on"
_AROUSED: Final = 0.3
"""WESAD's stress is the only condition with a mean arousal above this."""


def explained(outputs: Outputs, examples: Examples, training: Examples) -> dict[str, Figure]:
    """Return R² per kind and axis beside the running mean of own reports, and the AUC of stress against the rest.

    Args:
        outputs: of the model on `examples`, `mean` and `log_variance`.
        examples: of held-out persons.
        training: of the training persons, for their mean.
    """
    figures = {}
    for kind in np.unique(examples.kind):
        rows = examples.kind == kind
        truth, mean = examples.label[rows], outputs["mean"][rows]
        if kind == "wesad":
            figures["wesad.stress_auc"] = _stress(truth, mean, examples.person[rows])
            continue
        usual = _usual(examples, training, rows)
        for axis, name in enumerate(_AXES):
            figures[f"{kind}.{name}_r2"] = Figure(
                value=float(r_squared(truth[:, axis], mean[:, axis])),
                baseline=float(r_squared(truth[:, axis], usual[:, axis])),
                baseline_name="running mean of one's own reports",
                protocol=f"{_PROTOCOL}; {_interval(examples.person[rows], truth[:, axis], mean[:, axis])}",
                count=int(rows.sum()),
            )
    return figures


def held_out_figures(
    outputs: Outputs, without_body: Outputs, examples: Examples, training: Examples
) -> dict[str, Figure]:
    """Return errors and honesty of the variance per kind and axis, beside predicting the training persons' mean.

    Args:
        outputs: of the model on `examples`.
        without_body: likewise with all physiology masked.
        examples: of held-out persons, without WESAD, whose labels are ours.
        training: of the training persons.
    """
    figures = {}
    for kind in np.unique(examples.kind[examples.kind != "wesad"]):
        rows = examples.kind == kind
        truth, mean = examples.label[rows], outputs["mean"][rows]
        variance = np.exp(outputs["log_variance"][rows].astype(np.float64))
        known = training.label[training.kind == kind]
        flat, spread = np.tile(known.mean(axis=0), (len(truth), 1)), np.tile(known.var(axis=0), (len(truth), 1))
        table: list[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64], str]] = [
            ("rmse", rmse(truth, mean), rmse(truth, flat), "predict the training mean"),
            (
                "nll",
                gaussian_nll(truth, mean, variance),
                gaussian_nll(truth, flat, spread),
                "training mean and variance",
            ),
            (
                "crps",
                gaussian_crps(truth, mean, variance),
                gaussian_crps(truth, flat, spread),
                "training mean and variance",
            ),
            ("coverage_90", coverage(truth, mean, variance), np.full(2, 0.9), "nominal"),
            ("r2_with_body", r_squared(truth, mean), r_squared(truth, without_body["mean"][rows]), "physiology masked"),
        ]
        for figure, ours, peer, peer_name in table:
            for axis, name in enumerate(_AXES):
                figures[f"{kind}.{name}_{figure}"] = Figure(
                    value=float(ours[axis]),
                    baseline=float(peer[axis]),
                    baseline_name=peer_name,
                    protocol=_PROTOCOL,
                    count=int(rows.sum()),
                )
        figures[f"{kind}.region_90"] = Figure(
            value=ellipse_coverage(truth, mean, variance),
            baseline=0.9,
            baseline_name="nominal",
            protocol=_PROTOCOL,
            count=int(rows.sum()),
        )
    return figures


_KNOWN_HEART: Final = ("=usual_heart_rate", "=worn")
SWEEPS: Final[Mapping[str, tuple[str, ...]]] = {
    # name: features that move together; a leading "-" moves against the others
    "heart rate alone": ("heart_rate", *_KNOWN_HEART),
    "RMSSD alone, falling": ("-rmssd",),
    "electrodermal responses alone": ("eda_responses",),
    "heart and skin together": ("heart_rate", "-rmssd", "-sdnn", "eda_level", "eda_responses", *_KNOWN_HEART),
    "heart rate with the movement that explains it": ("heart_rate", "motion", *_KNOWN_HEART),
    "heard valence": ("heard_valence", "=heard_arousal", "=heard_share"),
    "heard arousal": ("heard_arousal", "=heard_valence", "=heard_share"),
    "own report of valence": ("reported_valence", "=reported_arousal"),
    "own report of arousal": ("reported_arousal", "=reported_valence"),
}
"""Inputs that `sweep` moves from -2 to 2 scales; those with `=` are known and stay."""
_STAYS: Final = {"=heard_share": 1.0, "=worn": 2.0}
"""Where those stay that are not 0: music plays throughout, and the baseline is of an hour (4 = ln 55)."""


def sweep(
    answer: Callable[[Floats, Floats], Outputs], features: Sequence[str], *, steps: int = 12
) -> npt.NDArray[np.float32]:
    """Return how the answer moves: rows -2, -1, 0, 1, 2; columns mean valence, mean arousal and their two deviations.

    Args:
        answer: the model.
        features: as in `SWEEPS`; all others are unknown.
        steps: length of the history, all alike.
    """
    levels = np.arange(-2.0, 3.0, dtype=np.float32)
    values, mask = np.zeros((len(levels), STEPS, SIZE), np.float32), np.zeros((len(levels), STEPS, SIZE), np.float32)
    mask[:, -steps:, INDEX["step_length"]] = 1
    for feature in features:
        sign = {"-": -1.0, "=": 0.0}.get(feature[0], 1.0)
        column = INDEX[feature.lstrip("-=")]
        mask[:, -steps:, column] = 1
        values[:, -steps:, column] = _STAYS.get(feature, sign * levels[:, None])
    out = answer(values, mask)
    return np.asarray(np.concatenate([out["mean"], np.exp(out["log_variance"] / 2)], axis=1), np.float32)


def without_body(mask: Floats) -> Floats:
    """Return the mask with all physiology hidden, and what is known of its baseline."""
    hidden = mask.copy()
    hidden[:, :, : len(PHYSIOLOGY)] = 0
    hidden[:, :, [INDEX["usual_heart_rate"], INDEX["worn"]]] = 0
    return hidden


def _usual(examples: Examples, training: Examples, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    mean = training.label[training.kind == examples.kind[rows][0]].mean(axis=0)
    return np.where(np.isfinite(examples.usual[rows]), examples.usual[rows], mean)


def _interval(person: npt.NDArray[np.str_], truth: npt.NDArray[np.float64], mean: npt.NDArray[np.floating[Any]]) -> str:
    interval = bootstrap(person, lambda rows: float(r_squared(truth[rows], mean[rows])), seed=0, draws=300)
    return f"95 % interval over {len(np.unique(person))} persons {interval.low:.3f} to {interval.high:.3f}"


def _stress(truth: npt.NDArray[np.float64], mean: npt.NDArray[Any], person: npt.NDArray[np.str_]) -> Figure:
    per_person = [auc(truth[person == one, 1] > _AROUSED, mean[person == one, 1]) for one in np.unique(person)]
    return Figure(
        value=float(np.mean(per_person)),
        baseline=0.5,
        baseline_name="chance",
        protocol=f"{_PROTOCOL}; arousal ranks stress above rest and amusement, mean over {len(per_person)} persons; "
        "measured columns alone",
        count=len(truth),
    )
