import json

import numpy as np
import pytest

from firmware_sim.listener.affect import Affect
from firmware_sim.listener.behaviour import Behaviour, Habits
from models.wire.messages import Feeling, Now, NowTrack, decode

CATALOGUE = {(f"piece {n}", "us"): Affect(float(np.cos(n)) * 0.8, float(np.sin(n)) * 0.8) for n in range(200)}


def playing(title: str, status: str = "playing") -> Now:
    track = NowTrack(id=f"id of {title}", title=title, artist="us", album="", duration_s=50, valence=0, arousal=0)
    return Now(t=0, status=status, position_s=0, track=track, why="")


def heard_through(behaviour: Behaviour, felt: Affect) -> list:
    actions = []
    for number, (title, _) in enumerate(CATALOGUE):
        behaviour.see(playing(title), 100.0 * number)
        actions.append(behaviour.act(felt, 100.0 * number + 40))
    return actions


def test_without_habits_nothing_is_done():
    assert not any(heard_through(Behaviour(Habits(), CATALOGUE, 1), Affect(0, 0)))


def test_about_half_of_random_tracks_are_skipped_and_few_are_liked():
    actions = heard_through(Behaviour(Habits(reacts=True), CATALOGUE, 1), Affect(0.3, 0.3))
    verbs = [action.verb for each in actions for action in each]
    assert 0.3 < verbs.count("next") / len(actions) < 0.65
    assert 0.005 < verbs.count("like") / len(actions) < 0.15


def test_a_like_names_the_track():
    actions = heard_through(Behaviour(Habits(reacts=True), CATALOGUE, 1), Affect(0.3, 0.3))
    liked = next(action for each in actions for action in each if action.verb == "like")
    assert json.loads(liked.payload)["track"].startswith("id of piece")


def test_matching_music_is_liked_better():
    behaviour = Behaviour(Habits(), CATALOGUE, 1)
    for (title, artist), emotion in CATALOGUE.items():
        away = Affect(-emotion.valence, -emotion.arousal)
        assert behaviour.appraisal(title, artist, emotion) > behaviour.appraisal(title, artist, away)


def test_a_decision_falls_once_and_not_at_once():
    behaviour = Behaviour(Habits(reacts=True), {("loathed", "us"): Affect(-1, -1)}, 1)
    title = next(f"t{n}" for n in range(1000) if behaviour.appraisal(f"t{n}", "us", Affect(0, 0)) < -1)
    behaviour.see(playing(title), 0.0)
    assert behaviour.act(Affect(0, 0), 4.0) == []
    assert [action.verb for action in behaviour.act(Affect(0, 0), 31.0)] == ["next"]
    behaviour.see(playing(title), 32.0)
    assert behaviour.act(Affect(0, 0), 90.0) == []


def test_silence_is_neither_judged_nor_felt():
    behaviour = Behaviour(Habits(reacts=True), CATALOGUE, 1)
    behaviour.see(playing("piece 1", "paused"), 0.0)
    assert behaviour.act(Affect(0, 0), 60.0) == []
    assert behaviour.emotion_of(playing("piece 1", "paused")) is None
    assert behaviour.emotion_of(playing("unheard of")) is None
    assert behaviour.emotion_of(playing("piece 1")) == CATALOGUE["piece 1", "us"]


def test_reports_come_in_time_lie_on_the_affect_grid_and_are_right_on_average():
    behaviour = Behaviour(Habits(reports_every_s=10), {}, 3)
    said = []
    for second in range(3000):
        said += [decode(action.payload, Feeling) for action in behaviour.act(Affect(0.4, -0.3), float(second))]
    assert len(said) == 299
    assert all((4 * report.valence).is_integer() and (4 * report.arousal).is_integer() for report in said)
    assert np.mean([report.valence for report in said]) == pytest.approx(0.4, abs=0.05)
    assert np.mean([report.arousal for report in said]) == pytest.approx(-0.3, abs=0.05)
