"""The affect state over whole sessions, replayed faster than real time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from agent.affect import AffectState, AffectStation, Profile
from agent.sensing import Sensing
from models.physiology.schema import INDEX, PHYSIOLOGY, STEPS
from models.wire import senml, topics
from models.wire.messages import Affect, Source, decode, encode

T = 1.8e9
HEART, RMSSD = INDEX["heart_rate"], INDEX["rmssd"]
Features = tuple[np.ndarray, np.ndarray]
SOURCES = {"rr": Source("strap", 0.95, 0.4)}


class HeartModel:
    """A listener whose arousal is their heart rate, and who is sure of it."""

    def __init__(self, log_variance: float = -2.5) -> None:
        self.log_variance = log_variance
        self.calls = 0

    def run(self, *, steps: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        self.calls += 1
        assert steps.shape == mask.shape == (1, STEPS, steps.shape[2])
        beats = mask[0, :, HEART] > 0
        arousal = float(steps[0, beats, HEART][-4:].mean() / 2.0) if beats.any() else 0.11
        return {
            "mean": np.array([[0.17, arousal]], np.float32),
            "log_variance": np.full((1, 2), self.log_variance, np.float32),
            "attention": np.full((1, STEPS), 1 / STEPS, np.float32),
        }


class BrokenModel:
    """A model that answers `answer`, or raises it."""

    def __init__(self, answer: dict[str, np.ndarray] | Exception) -> None:
        self.answer = answer

    def run(self, **_: np.ndarray) -> dict[str, np.ndarray]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def features(rate: float = 70.0) -> Features:
    values = np.full(len(PHYSIOLOGY), np.nan, np.float32)
    values[HEART], values[RMSSD] = rate, 3.5
    return values, np.isfinite(values)


NOTHING: Features = (np.full(len(PHYSIOLOGY), np.nan, np.float32), np.zeros(len(PHYSIOLOGY), bool))


def run(station: AffectStation, start: float, seconds: int, rate: float | None) -> list[AffectState]:
    given = NOTHING if rate is None else features(rate)
    sources = {} if rate is None else SOURCES
    return [station.evaluate(given, sources, start + second) for second in range(1, seconds + 1)]


def test_good_heart_data_moves_the_state_within_a_minute():
    station = AffectStation(HeartModel(), now=T)
    states = run(station, T, 60, 94.0)
    assert states[-1].mean[1] - 0.11 > 0.2
    assert states[-1].sd[1] < 0.9 * states[0].sd[1]
    assert states[-1].quality == pytest.approx(0.95)
    assert not states[-1].calibrated


def test_even_a_hardly_sure_model_moves_the_state_within_a_minute():
    station = AffectStation(HeartModel(log_variance=math.log(0.19)), now=T)
    assert run(station, T, 60, 94.0)[-1].mean[1] - 0.11 > 0.1


def test_no_sensor_makes_the_state_jump():
    station = AffectStation(HeartModel(log_variance=-6.0), now=T)
    states = run(station, T, 30, 50.0) + run(station, T + 30, 30, 120.0)
    moves = [np.linalg.norm(after.mean - before.mean) for before, after in pairwise(states)]
    assert max(moves) <= 0.055


def test_when_all_sensors_are_gone_the_state_relaxes_to_the_personal_prior():
    profile = Profile()
    for day in range(20):
        profile.report(-0.4, -0.3, T + (day - 20) * 86400.0)
    station = AffectStation(HeartModel(), profile, now=T)
    excited = run(station, T, 120, 100.0)[-1]
    gone = run(station, T + 120, 7200, None)
    prior = profile.prior(T + 7320.0)
    assert gone[-1].mean == pytest.approx(prior.mean, abs=0.05)
    assert gone[-1].quality == 0.0
    assert not gone[-1].attention.any()
    sds = [state.sd[1] for state in [excited, *gone[::60]]]
    assert all(later > earlier - 1e-9 for earlier, later in pairwise(sds))
    assert gone[-1].covariance == pytest.approx(prior.covariance, rel=0.02, abs=1e-6)


def test_the_listeners_word_moves_the_state_at_once():
    station = AffectStation(HeartModel(), now=T)
    run(station, T, 60, 94.0)
    station.feel(-0.8, -0.6, T + 60.2)
    told = station.evaluate(features(94.0), SOURCES, T + 60.3)
    assert told.mean == pytest.approx((-0.8, -0.6), abs=0.1)
    assert max(told.sd) < 0.15
    assert told.word_age_s == pytest.approx(0.1)
    assert station.profile.report_count == 1


def test_the_listeners_word_outlasts_a_contradicting_sensor_for_a_while():
    station = AffectStation(HeartModel(log_variance=math.log(0.15)), now=T)
    station.feel(0.0, -0.8, T)
    assert run(station, T, 60, 94.0)[-1].mean[1] < -0.2


def test_what_the_body_said_before_a_word_does_not_outlive_it():
    station = AffectStation(HeartModel(log_variance=-6.0), now=T)
    assert run(station, T, 120, 94.0)[-1].mean[1] > 0.5
    station.feel(0.0, -0.8, T + 120.0)
    assert station.evaluate(features(94.0), SOURCES, T + 120.5).mean[1] < -0.6


def test_the_models_answer_never_becomes_part_of_what_is_believed():
    """An hour of a hardly sure model draws the state no further than a minute does."""
    station = AffectStation(HeartModel(log_variance=math.log(0.19)), now=T)
    states = run(station, T, 600, 94.0)
    assert states[-1].mean[1] <= states[90].mean[1] + 0.02
    gone = run(station, T + 600.0, 300, None)[-1]
    np.testing.assert_allclose(gone.mean, station.profile.prior().mean, atol=0.01)


def test_poor_signals_are_poor_evidence():
    good, poor = AffectStation(HeartModel(), now=T), AffectStation(HeartModel(), now=T)
    for second in range(1, 61):
        strong = good.evaluate(features(94.0), {"rr": Source("strap", 1.0, 0.1)}, T + second)
        weak = poor.evaluate(features(94.0), {"rr": Source("strap", 0.5, 0.1)}, T + second)
    assert weak.mean[1] < strong.mean[1]
    assert weak.sd[1] > strong.sd[1]


def test_nothing_is_learned_from_streams_that_are_hardly_believed():
    station = AffectStation(HeartModel(), now=T)
    for second in range(1, 601):
        state = station.evaluate(features(124.0), {"hr": Source("band", 0.3, 0.1)}, T + second)
    assert not state.calibrated
    assert station.profile.baseline.levels == {}


def test_motion_alone_says_nothing_of_a_feeling():
    station = AffectStation(HeartModel(), now=T)
    values = np.full(len(PHYSIOLOGY), np.nan, np.float32)
    values[INDEX["motion"]] = -1.0
    for second in range(1, 61):
        state = station.evaluate((values, np.isfinite(values)), {"acc": Source("band", 1.0, 0.1)}, T + second)
    assert state.quality == 0.0
    assert state.mean == pytest.approx(station.profile.prior().mean)


def test_what_the_music_does_is_felt_but_is_not_the_listeners_own():
    class Moved(HeartModel):
        """Music raises what is felt by half of its own arousal."""

        def run(self, *, steps: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
            answer = super().run(steps=steps, mask=mask)
            heard = INDEX["heard_arousal"]
            answer["mean"][0, 1] += 0.5 * float((steps * mask)[0, -1, heard]) * 0.5
            return answer

    station = AffectStation(Moved(), now=T)
    station.hear(0.0, 0.8, T)
    loud = run(station, T, 120, 70.0)[-1]
    assert loud.mean[1] - loud.own_mean[1] == pytest.approx(0.4, abs=0.05)
    np.testing.assert_array_equal(loud.covariance, loud.own_covariance)
    station.silence(T + 120.0)
    over = run(station, T + 120.0, 200, 70.0)[-1]
    assert over.mean[1] - over.own_mean[1] == pytest.approx(0.0, abs=0.02)
    assert over.own_mean[1] == pytest.approx(loud.own_mean[1], abs=0.1)


def test_looking_more_often_makes_nobody_surer():
    seldom, often = AffectStation(HeartModel(), now=T), AffectStation(HeartModel(), now=T)
    for second in range(1, 121):
        slow = seldom.evaluate(features(94.0), SOURCES, T + second)
        for part in range(10):
            fast = often.evaluate(features(94.0), SOURCES, T + second - 1 + (part + 1) / 10)
    assert fast.sd[1] == pytest.approx(slow.sd[1], rel=0.05)
    assert fast.mean[1] == pytest.approx(slow.mean[1], abs=0.05)


def test_a_clock_that_was_set_back_is_followed():
    station = AffectStation(HeartModel(), now=T)
    before = run(station, T, 60, 94.0)[-1]
    back = station.evaluate(features(94.0), SOURCES, T - 3600.0)
    np.testing.assert_allclose(back.mean, before.mean)
    moved = run(station, T - 3600.0, 120, 55.0)[-1]
    assert moved.mean[1] < before.mean[1] - 0.1


def test_a_clock_that_was_set_forward_by_hours_does_no_harm():
    station = AffectStation(HeartModel(), now=T)
    full = {"rr": Source("strap", 1.0, 0.1)}
    station.evaluate(features(94.0), full, T + 1.0)
    later = station.evaluate(features(94.0), full, T + 3 * 3600.0)
    assert np.isfinite(later.mean).all()
    assert np.linalg.eigvalsh(later.covariance).min() > 0.0


def test_a_word_on_the_music_ends_with_the_track():
    mood, music = AffectStation(None, now=T), AffectStation(None, now=T)
    mean = {}
    for station, of in ((mood, "mood"), (music, "music")):
        station.hear(0.5, 0.5, T)
        station.feel(-0.6, -0.6, T + 30.0, of=of)
        assert station.evaluate(NOTHING, {}, T + 31.0).mean[1] < -0.4
        station.hear(-0.2, 0.1, T + 60.0)
        mean[of] = station.evaluate(NOTHING, {}, T + 61.0).mean[1]
    assert mean["mood"] < -0.25
    assert mean["music"] > -0.15
    assert np.isfinite(station.evaluate(features(94.0), SOURCES, T + 61.0).mean).all()


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("the runtime broke"),
        {},
        {"mean": np.array([[np.nan, 0.0]]), "log_variance": np.zeros((1, 2)), "attention": np.zeros((1, STEPS))},
        {"mean": np.zeros((1, 3)), "log_variance": np.zeros((1, 2)), "attention": np.zeros((1, STEPS))},
    ],
)
def test_a_model_that_fails_is_counted_and_leaves_the_prior(answer: dict[str, np.ndarray] | Exception):
    station = AffectStation(BrokenModel(answer), now=T)
    state = run(station, T, 3, 94.0)[-1]
    assert station.faults == 3
    assert state.mean == pytest.approx(station.profile.prior().mean)


def test_the_own_baseline_takes_over_as_it_becomes_known():
    station = AffectStation(HeartModel(), now=T)
    states = run(station, T, 1800, 94.0)
    assert states[-1].calibrated
    assert not states[200].calibrated
    assert states[-1].mean[1] < states[120].mean[1]
    again = AffectStation(HeartModel(), Profile.from_dict(station.profile.to_dict()), now=T + 1e5)
    assert run(again, T + 1e5, 1, 94.0)[-1].calibrated


def test_a_model_can_be_swapped_without_forgetting():
    station = AffectStation(HeartModel(), now=T)
    before = run(station, T, 60, 94.0)[-1]
    other = HeartModel()
    station.use(other)
    after = run(station, T + 60, 1, 94.0)[-1]
    assert other.calls == 1
    assert after.mean == pytest.approx(before.mean, abs=0.05)


def test_the_state_crosses_the_wire():
    station = AffectStation(HeartModel(), now=T)
    station.hear(0.3, 0.2, T)
    station.receive("like", T)
    message = run(station, T, 5, 80.0)[-1].message("2026.11.1")
    assert decode(encode(message), Affect) == message
    assert message.sources == SOURCES


def test_a_whole_session_from_packs_to_state():
    """Ten calm minutes, then five excited ones: the state follows within a minute and a half."""
    sensing, station = Sensing("me"), AffectStation(HeartModel(), now=T)
    rng = np.random.default_rng(2)
    states: list[AffectState] = []
    for second in range(900):
        now = T + second
        rate = 68.0 if second < 600 else 92.0
        beat = 60.0 / rate * (1.0 + 0.03 * np.sin(second * 1.6) + 0.005 * rng.standard_normal())
        for quantity, value in (("hr", rate + 0.1 * rng.standard_normal()), ("rr", beat)):
            sensing.accept(topics.sense("me", "strap", quantity), senml.encode(quantity, [now], [value]), now=now)
        states.append(station.evaluate(sensing.features(now), sensing.sources(now), now))
    assert states[600].calibrated
    assert states[690].mean[1] > states[600].mean[1] + 0.25
    assert set(states[-1].sources) == {"hr", "rr"}
