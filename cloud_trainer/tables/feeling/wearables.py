"""`user-emotion-wearables`: what the attention network still tells where some wearables are missing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.tables.feeling.arms import ARMS, Data, explanation, hidden, neural, searched
from cloud_trainer.tables.feeling.corpus import SETS
from cloud_trainer.tables.feeling.scales import COLUMNS
from cloud_trainer.tables.feeling.table import MODULES, load
from cloud_trainer.tables.frame import Answer, Claim, Fold, Problem, Row, Table
from models.physiology.schema import INDEX, PHYSIOLOGY

__all__ = ["USER_EMOTION_WEARABLES"]

_BEATS: Final = ("rmssd", "sdnn", "respiration_rate")
_QUANTITIES: Final = {
    "hr": ("heart_rate", "heart_rate_slope", "usual_heart_rate", "worn"),
    "rr": _BEATS,
    "ppg": (*_BEATS, "pulse_amplitude"),
    "eda": ("eda_level", "eda_slope", "eda_responses"),
    "temp": ("skin_temperature", "skin_temperature_slope"),
    "acc": ("motion",),
}
"""Features that a quantity brings."""
_SUBSETS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("hr",),
    ("hr", "acc"),
    ("hr", "rr"),
    ("eda",),
    ("hr", "eda"),
    ("hr", "ppg", "acc"),
    ("hr", "eda", "temp"),
)
_ALL: Final = "all"
_BODY: Final = [INDEX[feature.name] for feature in PHYSIOLOGY] + [INDEX["usual_heart_rate"], INDEX["worn"]]


def _view(brought: Sequence[str], mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    kept = {INDEX[name] for quantity in brought for name in _QUANTITIES[quantity]}
    return hidden(mask, [column for column in _BODY if column not in kept])


def _answer(brought: Sequence[str], problem: Problem[Data], fold: Fold) -> Answer:
    return neural("attention", problem, fold, partial(_view, brought))


def _name(brought: Sequence[str]) -> str:
    return " + ".join(brought) or "none"


def _row(brought: tuple[str, ...]) -> Row[Data]:
    return Row(
        name=_name(brought),
        what=f"the network that ships, shown of the body {' and '.join(brought) or 'nothing'}",
        answer=partial(_answer, brought),
        tuned=explanation("attention"),
        grid=searched("attention"),
    )


USER_EMOTION_WEARABLES: Final = Table(
    name="user-emotion-wearables",
    title="User emotion with some of the wearables",
    question="What does the attention network still tell where wearables are missing? It is trained once, with inputs "
    "hidden at random, and not again for each set of wearables.",
    protocol="The networks and folds of user-emotion; when asked, features of the quantities that a row does not name "
    "are hidden. Interval: people resampled.",
    exam_protocol="The network of user-emotion; when asked, features of the quantities that a row does not name are "
    "hidden. The exam's rows are scored once. Interval: people resampled.",
    group="person",
    sources=SETS,
    columns=COLUMNS,
    rows=(
        *(_row(brought) for brought in _SUBSETS),
        Row(
            name=_ALL,
            what=ARMS["attention"].words,
            answer=partial(neural, "attention"),
            tuned=explanation("attention"),
            grid=searched("attention"),
        ),
    ),
    reference="none",
    ours=_ALL,
    load=load,
    modules=(*MODULES, "cloud_trainer.tables.feeling.wearables"),
    claims=(
        *(Claim(f"{name} tells more than no wearable", name, "none") for name in map(_name, _SUBSETS[1:])),
        Claim("All of them tell more than no wearable", _ALL, "none"),
    ),
    notes=(
        "SiTunes recorded hr and acc, HKU956 all but acc, WESAD hr, responses of the skin, slope of its temperature.",
        "A chest strap brings hr and rr, an optical wristband hr, ppg and acc, a research wristband all.",
    ),
)
