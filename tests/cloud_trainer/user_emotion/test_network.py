"""The attention network: padding is not seen, hidden values do not count, variances stay within their bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cloud_trainer.user_emotion.evaluation import SWEEPS, sweep
from cloud_trainer.user_emotion.examples import SIZE
from cloud_trainer.user_emotion.network import LOG_VARIANCE, Weights, initial_weights
from cloud_trainer.user_emotion.training import predict
from models.physiology.schema import INDEX, STEPS

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return initial_weights(np.random.default_rng(1))


def _inputs(seen: int) -> tuple[np.ndarray, np.ndarray]:
    steps = RNG.normal(size=(1, STEPS, SIZE)).astype(np.float32)
    mask = np.zeros_like(steps)
    mask[:, -seen:, INDEX["heart_rate"]] = 1
    return steps * mask, mask


def test_outputs_have_the_shapes_and_bounds_of_the_contract(weights: Weights):
    out = predict(weights, *_inputs(7))
    assert out["mean"].shape == out["log_variance"].shape == (1, 2)
    assert np.abs(out["mean"]).max() <= 1
    centre, reach = LOG_VARIANCE
    assert np.all(np.abs(out["log_variance"] - centre) <= reach)
    assert math.exp((centre + reach) / 2) < 0.7


def test_padding_gets_no_attention(weights: Weights):
    attention = predict(weights, *_inputs(7))["attention"][0]
    assert attention[:-7] == pytest.approx(0, abs=1e-6)
    assert attention.sum() == pytest.approx(1, abs=1e-5)


def test_what_is_masked_does_not_count(weights: Weights):
    steps, mask = _inputs(7)
    noise = RNG.normal(size=steps.shape).astype(np.float32) * (1 - mask)
    assert predict(weights, steps + noise, mask)["mean"] == pytest.approx(predict(weights, steps, mask)["mean"])


def test_an_empty_history_is_answered(weights: Weights):
    nothing = np.zeros((1, STEPS, SIZE), np.float32)
    out = predict(weights, nothing, nothing)
    assert all(np.isfinite(values).all() for values in out.values())


def test_a_sweep_moves_what_it_names_and_nothing_else():
    seen = {}

    def answer(steps: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        seen["steps"], seen["mask"] = steps, mask
        return {"mean": np.zeros((5, 2)), "log_variance": np.zeros((5, 2))}

    table = sweep(answer, SWEEPS["heart and skin together"], steps=4)
    assert table[:, 2:] == pytest.approx(1)
    assert seen["steps"][:, -1, INDEX["heart_rate"]].tolist() == [-2, -1, 0, 1, 2]
    assert seen["steps"][:, -1, INDEX["rmssd"]].tolist() == [2, 1, 0, -1, -2]
    assert not seen["mask"][:, :-4].any()
    # Five that move, what the heart rate's baseline rests on, and the step's length.
    assert seen["mask"][0, -1].sum() == 8
