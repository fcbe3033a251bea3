"""Whole stretches of listening, replayed without waiting: time is an argument."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import msgspec
import numpy as np
import pytest
from stand_in_library import repertoire

from agent.affect.station import AffectStation
from agent.ranking.ranker import Ranker, Ranking
from agent.ranking.taste import Play
from agent.repertoire import Repertoire
from agent.sensing.station import Sensing
from agent.session import Evaluation, Session
from models.bundle.reader import Bundle, default_bundle
from models.situation import SITUATION
from models.wire.senml import encode
from models.wire.topics import sense

START = 1_700_000_000.0


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.open(default_bundle())


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Repertoire:
    return repertoire(400, bundle)


class Replay:
    """A session and the clock that it is told."""

    def __init__(self, library: Repertoire, bundle: Bundle) -> None:
        self.now = START
        self.random = np.random.default_rng(1)
        affect = AffectStation(bundle.model("user_emotion"), now=START)
        self.session = Session(sensing=Sensing("me"), affect=affect, repertoire=library, plays=[], now=START)

    def take_next(self) -> int:
        """Row of what the player is given."""
        track = self.session.take_next()
        assert track is not None
        return self.session.repertoire.catalogue.row_of[track.id]

    def evaluate(self, kind: str = "sample") -> Evaluation:
        seen = self.session.observe(now=self.now)
        return self.session.evaluate(seen, kind, since=self.now)

    def wear(self, seconds: int, *, rate_bpm: float, variability_s: float) -> Evaluation:
        """A strap sends heart rate and beats, and the session looks once a second."""
        beat = self.now
        for _ in range(seconds):
            self.now += 1.0
            self.session.accept(sense("me", "strap", "hr"), encode("hr", [self.now], [rate_bpm]), now=self.now)
            while beat < self.now:
                interval = 60.0 / rate_bpm + self.random.normal(0.0, variability_s)
                beat += interval
                self.session.accept(sense("me", "strap", "rr"), encode("rr", [beat], [interval]), now=self.now)
            last = self.evaluate()
        return last

    def silence(self, seconds: int) -> Evaluation:
        for _ in range(0, seconds, 5):
            self.now += 5.0
            last = self.evaluate("time")
        return last


@pytest.fixture
def replay(library: Repertoire, bundle: Bundle) -> Replay:
    return Replay(library, bundle)


def distance(one: Evaluation, other: Evaluation) -> float:
    """Between the mean emotions of two queues."""
    means = [np.mean([(t.valence, t.arousal) for t in e.queue.tracks], axis=0) for e in (one, other)]
    return float(np.linalg.norm(means[0] - means[1]))


def test_a_queue_of_ten_comes_with_the_first_evaluation(replay: Replay) -> None:
    first = replay.evaluate("start")
    assert len(first.queue.tracks) == 10
    assert sum(msgspec.structs.astuple(first.queue.weights)) == pytest.approx(1, abs=1e-3)
    assert first.affect.quality == 0


def test_good_heart_data_changes_the_queue_within_a_minute(replay: Replay) -> None:
    calm = replay.wear(90, rate_bpm=58.0, variability_s=0.06)
    excited = replay.wear(60, rate_bpm=105.0, variability_s=0.008)
    assert excited.affect.arousal > calm.affect.arousal
    assert [t.id for t in excited.queue.tracks] != [t.id for t in calm.queue.tracks]


def test_the_state_never_jumps_on_a_sensor(replay: Replay) -> None:
    before = replay.wear(60, rate_bpm=60.0, variability_s=0.05)
    after = replay.wear(1, rate_bpm=190.0, variability_s=0.001)
    assert np.hypot(after.affect.valence - before.affect.valence, after.affect.arousal - before.affect.arousal) < 0.06


def test_the_state_grows_unsure_when_the_data_stop(replay: Replay) -> None:
    replay.wear(60, rate_bpm=90.0, variability_s=0.01)
    replay.session.feel(0.4, 0.5, now=replay.now)
    told = replay.wear(1, rate_bpm=90.0, variability_s=0.01)
    gone = replay.silence(1800)
    assert gone.affect.sd[0] > told.affect.sd[0]
    assert gone.affect.sd[1] > told.affect.sd[1]
    assert gone.queue.weights.emotion < told.queue.weights.emotion
    assert gone.affect.sources == {}


def test_the_listeners_own_word_moves_state_and_queue_at_once(replay: Replay) -> None:
    before = replay.wear(30, rate_bpm=70.0, variability_s=0.04)
    replay.session.feel(-0.7, -0.6, now=replay.now + 0.5)
    replay.now += 1.0
    after = replay.evaluate("command")
    assert after.affect.valence < -0.4
    assert after.affect.arousal < -0.3
    assert distance(before, after) > 0.3


def test_the_playing_and_the_prepared_track_are_not_in_the_queue(replay: Replay) -> None:
    replay.evaluate("start")
    playing = replay.take_next()
    replay.session.started(playing, now=replay.now)
    prepared = replay.take_next()
    ids = [t.id for t in replay.evaluate().queue.tracks]
    assert f"{playing:016x}" not in ids
    assert f"{prepared:016x}" not in ids


def test_a_re_rank_does_not_touch_what_plays(replay: Replay) -> None:
    replay.evaluate("start")
    playing = replay.take_next()
    replay.session.started(playing, now=replay.now)
    replay.session.feel(0.9, 0.9, now=replay.now)
    replay.evaluate("command")
    assert replay.session.playing == playing


def test_a_dislike_keeps_a_track_out_of_the_queue(replay: Replay) -> None:
    top = replay.evaluate("start").queue.tracks[0]
    replay.session.judge(replay.session.repertoire.catalogue.row_of[top.id], "disliked", now=replay.now)
    replay.now += 1.0
    assert top.id not in [t.id for t in replay.evaluate("command").queue.tracks]


def test_a_lead_walks_from_the_state_to_the_target(replay: Replay) -> None:
    replay.evaluate("start")
    replay.session.feel(-0.6, -0.6, now=replay.now)
    replay.now += 1.0
    replay.evaluate("command")
    replay.session.aim("lead", (0.7, 0.7), 600.0, now=replay.now)
    valences = []
    for _ in range(3):
        valences.append(float(np.mean([t.valence for t in replay.evaluate("time").queue.tracks])))
        replay.now += 300.0
    assert valences[0] < valences[1] < valences[2]
    assert valences[0] < -0.2
    assert valences[2] > 0.4


def test_hold_keeps_the_emotion_of_the_music_that_played(replay: Replay) -> None:
    replay.evaluate("start")
    playing = replay.take_next()
    replay.session.started(playing, now=replay.now)
    replay.session.aim("hold", None, 0.0, now=replay.now)
    goal = replay.evaluate("command").queue.goal
    emotion = replay.session.repertoire.tracks.emotion[playing]
    np.testing.assert_allclose([goal.valence, goal.arousal], emotion, atol=1e-6)


class Situations:
    """Ranks as the other does, and keeps the situations that it was told."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker
        self.told: list[float | None] = []

    def rank(self, **known: Any) -> Ranking:
        vector = dict(zip(SITUATION, known["situation"].tolist(), strict=True))
        self.told.append(vector["activity"] if vector["activity_known"] else None)
        return self._ranker.rank(**known)


@pytest.mark.parametrize(
    ("swing_ms2", "swing_hz", "activity"),
    [(0.0, 1.0, 0.0), (2.0, 0.0, 0.0), (2.0, 1.8, 0.5), (9.0, 2.8, 1.0)],
    ids=["still", "hand moving", "walking", "running"],
)
def test_the_situation_is_what_the_listener_does(
    library: Repertoire, bundle: Bundle, swing_ms2: float, swing_hz: float, activity: float
) -> None:
    told = Situations(library.ranker)
    replay = Replay(dataclasses.replace(library, ranker=told), bundle)
    replay.evaluate("start")
    for _ in range(12):
        replay.now += 1.0
        times = replay.now - 1.0 + np.arange(1, 33) / 32
        swing = np.sin(2 * np.pi * swing_hz * times) if swing_hz else replay.random.standard_normal(32)
        values = np.outer(9.81 + swing_ms2 * swing, (0.0, 0.6, 0.8))
        replay.session.accept(sense("me", "band", "acc"), encode("acc", times, values), now=replay.now)
    replay.evaluate()
    assert told.told == [None, activity]


def test_a_library_without_a_track_gives_a_state_and_no_queue(bundle: Bundle) -> None:
    empty = Replay(repertoire(0, bundle), bundle)
    evaluation = empty.evaluate("start")
    assert evaluation.queue is None
    assert evaluation.affect.sd[0] > 0
    assert empty.session.take_next() is None


def test_another_catalogue_keeps_what_plays_where_it_holds_it(replay: Replay, bundle: Bundle) -> None:
    replay.evaluate("start")
    replay.session.started(7, now=replay.now)
    replay.session.replace(repertoire(50, bundle), [], now=replay.now)
    assert replay.session.playing == 7
    replay.session.replace(repertoire(5, bundle), [], now=replay.now)
    assert replay.session.playing is None
    assert len(replay.evaluate("bundle").queue.tracks) == 5


def test_what_was_heard_while_another_catalogue_was_built_is_not_forgotten(replay: Replay, bundle: Bundle) -> None:
    replay.evaluate("start")
    replay.session.ended(3, "completed", now=replay.now)
    loaded = [Play(3, replay.now, "completed")]
    replay.session.ended(4, "completed", now=replay.now + 200.0)
    replay.session.replace(repertoire(50, bundle), loaded, now=replay.now + 201.0)
    assert sorted(replay.session.taste.judgements.rows.tolist()) == [3, 4]


def test_another_bundle_takes_over_between_two_evaluations_and_the_listener_stays_known(
    replay: Replay, bundle: Bundle
) -> None:
    replay.session.feel(0.8, 0.6, now=replay.now)
    before = replay.evaluate("command").affect
    replay.session.started(7, now=replay.now)
    newer = dataclasses.replace(repertoire(50, bundle), bundle_version="2027.1.1")
    replay.session.adopt(newer, [], bundle.model("user_emotion"), now=replay.now)
    after = replay.evaluate("bundle")
    assert after.affect.model == "2027.1.1"
    assert after.affect.valence == pytest.approx(before.valence, abs=0.1)
    assert replay.session.playing == 7
    assert f"{7:016x}" not in [track.id for track in after.queue.tracks]


def test_the_player_goes_on_in_the_old_order_until_another_bundle_has_ranked(replay: Replay, bundle: Bundle) -> None:
    head = replay.evaluate("start").queue.tracks[0].id
    other = repertoire(len(replay.session.repertoire.catalogue), bundle)
    replay.session.adopt(other, [], bundle.model("user_emotion"), now=replay.now)
    given = replay.session.take_next()
    assert given is not None
    assert given.id == head
    assert replay.session.why(other.catalogue.row_of[head])


def test_the_player_never_gets_a_track_of_a_catalogue_that_is_gone(replay: Replay, bundle: Bundle) -> None:
    large, small = repertoire(50, bundle), repertoire(5, bundle)
    ended = threading.Event()
    wrong: list[BaseException | str] = []

    def ask() -> None:
        while not ended.is_set():
            try:
                replay.session.take_next()
                replay.session.prepared = ()
            except IndexError as error:
                wrong.append(error)

    player = threading.Thread(target=ask)
    replay.evaluate("start")
    player.start()
    for number in range(100):
        replay.session.replace(small if number % 2 else large, [], now=replay.now)
    ended.set()
    player.join()
    assert wrong == []
