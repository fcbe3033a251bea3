from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.ble.electrocardiogram import ECG_HZ, Electrocardiogram
from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import Body
from firmware_sim.physiology.person import Person

Recording = tuple[np.ndarray, np.ndarray, np.ndarray]


def recorded(noise: float, blocks: int = 240) -> Recording:
    """Times and millivolts of a minute, and its beats."""
    body = Body(Person.average(), 7)
    lead = Electrocardiogram(noise, np.random.default_rng(7))
    parts, beats = [], []
    for _ in range(blocks):
        block = body.next(Affect(0.0, 0.0))
        beats.append(block.beats_s)
        parts.append(lead.next(block))
    times, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return times, values, np.concatenate(beats)


def test_samples_stand_on_an_even_grid_without_gaps():
    times, _, _ = recorded(1.0)
    assert np.allclose(np.diff(times), 1 / ECG_HZ)
    assert len(times) == pytest.approx(60 * ECG_HZ, abs=ECG_HZ / 2)


def test_every_beat_is_an_r_peak_within_a_sample():
    times, values, beats = recorded(0.0)
    for beat in beats[(beats > 0.5) & (beats < times[-1] - 0.5)]:
        near = np.abs(times - beat) < 0.2
        assert abs(times[near][np.argmax(values[near])] - beat) <= 1 / ECG_HZ


def test_between_beats_nothing_is_as_high_as_an_r_peak():
    times, values, beats = recorded(0.0)
    between = np.abs(times[:, None] - beats[None, :]).min(axis=1) > 0.05
    assert values[between].max() < 0.5
    assert values.max() > 0.9


def test_movement_and_breath_disturb_it():
    quiet, disturbed = recorded(0.0), recorded(1.0)
    difference = disturbed[1] - quiet[1]
    assert 0.01 < difference.std() < 0.3
