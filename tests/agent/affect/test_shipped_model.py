"""The affect state with the bundle that ships."""

from __future__ import annotations

import numpy as np
import pytest

from agent.affect import AffectState, AffectStation
from models.bundle.reader import Bundle, default_bundle
from models.interpreter import Interpreter
from models.physiology.schema import INDEX, PHYSIOLOGY
from models.wire.messages import Source

T = 1.8e9
SOURCES = {"rr": Source("band", 0.95, 0.5), "eda": Source("band", 0.95, 0.2)}
REST = {"heart_rate": 66.0, "heart_rate_slope": 0.0, "rmssd": 3.7, "sdnn": 3.9, "motion": -3.0}
SKIN_AT_REST = {"eda_level": 0.0, "eda_slope": 0.0, "eda_responses": 3.0}


@pytest.fixture(scope="module")
def model() -> Interpreter:
    bundle = Bundle.open(default_bundle())
    if not bundle.manifest.models["user_emotion"].training_data:
        pytest.skip("the bundle in models/default holds no trained user_emotion; `attune-trainer build` makes one")
    return bundle.model("user_emotion")


def features(**named: float) -> tuple[np.ndarray, np.ndarray]:
    values = np.full(len(PHYSIOLOGY), np.nan, np.float32)
    for name, value in named.items():
        values[INDEX[name]] = value
    return values, np.isfinite(values)


def live(station: AffectStation, start: float, seconds: int, **named: float) -> AffectState:
    given = features(**named)
    for second in range(1, seconds + 1):
        state = station.evaluate(given, SOURCES, start + second)
    return state


def test_a_stressed_body_raises_arousal_above_rest(model: Interpreter):
    station = AffectStation(model, now=T)
    calm = live(station, T, 600, **REST, **SKIN_AT_REST)
    tense = live(
        station,
        T + 600,
        120,
        heart_rate=86.0,
        heart_rate_slope=5.0,
        rmssd=3.7 - np.log(2.0),
        sdnn=3.5,
        motion=-3.0,
        eda_level=0.4,
        eda_slope=0.3,
        eda_responses=11.0,
    )
    assert station.faults == 0
    assert tense.mean[1] > calm.mean[1] + 0.15


def test_the_heart_alone_tells_within_a_minute(model: Interpreter):
    station = AffectStation(model, now=T)
    calm = live(station, T, 600, **REST)
    tense = live(station, T + 600, 60, **(REST | {"heart_rate": 86.0, "heart_rate_slope": 8.0, "rmssd": 3.0}))
    assert tense.mean[1] > calm.mean[1] + 0.08


def test_the_attention_is_over_the_steps_that_there_are(model: Interpreter):
    station = AffectStation(model, now=T)
    state = live(station, T, 60, **REST)
    assert state.attention.sum() == pytest.approx(1.0, abs=0.02)
    assert state.attention[:16].sum() < 0.05


def test_without_any_evidence_the_answer_is_near_the_prior(model: Interpreter):
    station = AffectStation(model, now=T)
    nothing = features()
    state = station.evaluate(nothing, {}, T + 5.0)
    assert state.mean == pytest.approx(station.profile.prior().mean, abs=0.01)
