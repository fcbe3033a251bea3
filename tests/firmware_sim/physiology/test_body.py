from dataclasses import asdict

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import BLOCK_S, Block, Body
from firmware_sim.physiology.motion import GRAVITY
from firmware_sim.physiology.person import Person


def live(affect: Affect, seconds: float, *, seed: int = 3, person: Person | None = None) -> list[Block]:
    body = Body(person or Person.average(), seed)
    return [body.next(affect) for _ in range(round(seconds / BLOCK_S))]


def intervals(blocks: list[Block]) -> np.ndarray:
    beats = np.concatenate([block.beats_s for block in blocks])
    return np.diff(beats[beats > 60])


def rmssd(blocks: list[Block]) -> float:
    return float(np.sqrt(np.mean(np.diff(intervals(blocks)) ** 2)))


@pytest.fixture(scope="module")
def by_arousal() -> dict[float, list[Block]]:
    return {arousal: live(Affect(0.0, arousal), 660) for arousal in (-1.0, 0.0, 1.0)}


def test_at_rest_the_heart_beats_at_the_persons_rate(by_arousal: dict[float, list[Block]]):
    assert 60 / intervals(by_arousal[0.0]).mean() == pytest.approx(70, abs=2.5)


def test_arousal_quickens_the_heart_and_calm_slows_it(by_arousal: dict[float, list[Block]]):
    calm, rest, aroused = (60 / intervals(by_arousal[arousal]).mean() for arousal in (-1.0, 0.0, 1.0))
    assert aroused - rest == pytest.approx(12, abs=3)
    assert rest - calm == pytest.approx(6, abs=3)


def test_at_rest_rmssd_is_the_persons(by_arousal: dict[float, list[Block]]):
    assert rmssd(by_arousal[0.0]) == pytest.approx(0.040, rel=0.15)


def test_arousal_withdraws_vagal_modulation(by_arousal: dict[float, list[Block]]):
    calm, rest, aroused = (rmssd(by_arousal[arousal]) for arousal in (-1.0, 0.0, 1.0))
    assert calm > 1.25 * rest
    assert aroused < 0.8 * rest


def test_variability_peaks_at_the_breath_and_at_the_mayer_wave(by_arousal: dict[float, list[Block]]):
    blocks = by_arousal[0.0]
    beats = np.concatenate([block.beats_s for block in blocks])
    grid = np.arange(60, 650, 0.25)
    frequency, power = welch(np.interp(grid, beats[1:], np.diff(beats)), fs=4, nperseg=512)
    breath_hz = np.mean([block.breath_hz for block in blocks])
    fast = (frequency > 0.15) & (frequency < 0.45)
    slow = (frequency > 0.06) & (frequency < 0.15)
    assert frequency[fast][power[fast].argmax()] == pytest.approx(breath_hz, abs=0.05)
    assert frequency[slow][power[slow].argmax()] == pytest.approx(0.095, abs=0.02)
    # The valley between the two is well below both.
    valley = power[(frequency > 0.13) & (frequency < 0.17)].min()
    assert valley < 0.5 * min(power[fast].max(), power[slow].max())


def test_valence_is_a_weak_cause_beside_arousal():
    pleasant, unpleasant = (60 / intervals(live(Affect(v, 0.5), 400)).mean() for v in (1.0, -1.0))
    assert 0.5 < unpleasant - pleasant < 5


def test_skin_responds_more_often_when_aroused(by_arousal: dict[float, list[Block]]):
    counts = {}
    for arousal, blocks in by_arousal.items():
        level = np.array([block.conductance_us for block in blocks])
        counts[arousal] = len(find_peaks(level, prominence=0.01)[0])
    minutes = 11
    assert 0.3 < counts[-1.0] / minutes < 2.0
    assert 1.5 < counts[0.0] / minutes < 4.5
    assert 4.0 < counts[1.0] / minutes < 12.0


def test_a_skin_response_rises_faster_than_it_recovers():
    level = np.array([block.conductance_us for block in live(Affect(0, -1), 900, seed=5)])
    peaks, about = find_peaks(level, prominence=0.03, wlen=80)
    steepest = [
        np.diff(level[a:b]).max() / -np.diff(level[b : b + 20]).min()
        for a, b in zip(about["left_bases"], peaks, strict=True)
    ]
    assert np.median(steepest) > 1.5


def test_arousal_raises_the_level_of_the_skin_and_cools_it(by_arousal: dict[float, list[Block]]):
    ends = {arousal: blocks[-1200:] for arousal, blocks in by_arousal.items()}
    level = {arousal: np.mean([block.conductance_us for block in blocks]) for arousal, blocks in ends.items()}
    warmth = {arousal: np.mean([block.temperature_c for block in blocks]) for arousal, blocks in ends.items()}
    assert level[-1.0] < level[0.0] < level[1.0]
    assert warmth[-1.0] - warmth[1.0] == pytest.approx(0.7, abs=0.3)


def test_arousal_narrows_the_vessels(by_arousal: dict[float, list[Block]]):
    size = {arousal: np.std(np.concatenate([b.pulse for b in blocks[400:]])) for arousal, blocks in by_arousal.items()}
    assert size[1.0] < 0.8 * size[0.0]
    assert size[0.0] < 0.8 * size[-1.0]


def test_there_is_one_systolic_peak_for_each_beat(by_arousal: dict[float, list[Block]]):
    blocks = by_arousal[0.0][400:800]
    signal = np.concatenate([block.pulse for block in blocks])
    beats = sum(len(block.beats_s) for block in blocks)
    peaks = find_peaks(signal, prominence=25, distance=20)[0]
    assert len(peaks) == pytest.approx(beats, abs=2)


def test_a_wrist_at_rest_measures_gravity(by_arousal: dict[float, list[Block]]):
    still = [block for block in by_arousal[0.0] if block.motion < 0.01]
    length = np.linalg.norm(np.concatenate([block.acceleration for block in still]), axis=1)
    assert len(still) > 0.8 * len(by_arousal[0.0])
    assert np.median(length) == pytest.approx(GRAVITY, abs=0.05)
    assert length.std() < 0.1


def test_responses_take_seconds():
    body = Body(Person.average(), 1)
    for _ in range(240):
        body.next(Affect(0, -1))
    rates = [body.next(Affect(0, 1)).heart_rate_bpm for _ in range(240)]
    assert rates[0] < rates[-1] - 10
    half = next(i for i, rate in enumerate(rates) if rate > (rates[0] + rates[-1]) / 2) * BLOCK_S
    assert 1 < half < 10


def test_the_same_seed_lives_the_same_life():
    first, second = live(Affect(0.2, 0.4), 30), live(Affect(0.2, 0.4), 30)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.beats_s, other.beats_s)
        np.testing.assert_array_equal(one.pulse, other.pulse)
        np.testing.assert_array_equal(one.acceleration, other.acceleration)
        assert (one.conductance_us, one.temperature_c) == (other.conductance_us, other.temperature_c)


def test_another_seed_lives_another_life():
    assert live(Affect(0, 0), 5, seed=1)[-1].pulse.tolist() != live(Affect(0, 0), 5, seed=2)[-1].pulse.tolist()


def test_beats_stand_in_their_blocks_in_order(by_arousal: dict[float, list[Block]]):
    for block in by_arousal[1.0]:
        assert all(block.start_s <= beat <= block.end_s for beat in block.beats_s)
    assert intervals(by_arousal[1.0]).min() > 0.3


def test_people_differ_as_the_population_does():
    people = [Person.drawn(seed) for seed in range(400)]
    rates = np.array([person.heart_rate_bpm for person in people])
    variability = np.log([person.rmssd_s for person in people])
    assert rates.mean() == pytest.approx(70, abs=1.5)
    assert rates.std() == pytest.approx(8, abs=1)
    assert np.corrcoef(rates, variability)[0, 1] == pytest.approx(-0.5, abs=0.1)
    assert all(value > 0 for person in people for value in asdict(person).values())


@pytest.mark.parametrize("seed", range(6))
def test_everybody_stays_within_what_sensors_can_mean(seed: int):
    for affect in (Affect(-1, 1), Affect(1, -1)):
        blocks = live(affect, 120, seed=seed, person=Person.drawn(seed))
        gaps = np.diff(np.concatenate([block.beats_s for block in blocks]))
        assert gaps.min() > 0.33
        assert gaps.max() < 2.0
        assert all(0 < block.conductance_us < 60 and 28 < block.temperature_c < 37 for block in blocks)
