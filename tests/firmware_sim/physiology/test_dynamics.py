import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.physiology.dynamics import Lag, OrnsteinUhlenbeck, SlowNoise


def test_a_lag_closes_all_but_one_eth_of_the_gap_in_its_time_constant():
    lag = Lag(10.0, 2.0)
    assert lag.towards(5.0, 10.0) == pytest.approx(5.0 - 3.0 / math.e)


@given(st.lists(st.floats(0.01, 20), min_size=1, max_size=20), st.floats(-5, 5))
def test_a_lag_does_not_care_how_the_time_is_cut(steps: list[float], target: float):
    cut, whole = Lag(7.0), Lag(7.0)
    for step in steps:
        cut.towards(target, step)
    whole.towards(target, sum(steps))
    assert cut.value == pytest.approx(whole.value, abs=1e-9)


def test_ornstein_uhlenbeck_noise_has_its_deviation_and_its_memory():
    noise = OrnsteinUhlenbeck(4.0, 0.5, np.random.default_rng(1))
    values = np.array([noise.step(0.5) for _ in range(40_000)])
    assert values.std() == pytest.approx(0.5, rel=0.05)
    assert np.corrcoef(values[:-8], values[8:])[0, 1] == pytest.approx(1 / math.e, abs=0.05)


def test_slow_noise_is_stronger_the_slower_it_is():
    noise = SlowNoise((2, 4, 8, 16, 32, 64), 1.0, np.random.default_rng(2))
    values = np.array([noise.step(0.5) for _ in range(2**15)])
    power = np.abs(np.fft.rfft(values)) ** 2
    frequency = np.fft.rfftfreq(len(values), 0.5)
    inside = (frequency > 1 / (2 * math.pi * 50)) & (frequency < 1 / (2 * math.pi * 2.5))
    slope = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.25)
    assert values.std() == pytest.approx(1.0, rel=0.15)
