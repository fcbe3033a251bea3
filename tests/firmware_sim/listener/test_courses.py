from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.listener.affect import Affect
from firmware_sim.listener.courses import FollowingCourse, Point, RandomCourse, ScriptedCourse
from models.errors import SettingsError

coordinate = st.floats(-1, 1)
affects = st.builds(Affect, coordinate, coordinate)


@st.composite
def points(draw: st.DrawFn):
    gaps = draw(st.lists(st.floats(1, 100), min_size=1, max_size=8))
    return [Point(float(t), draw(affects)) for t in np.cumsum(gaps)]


@given(points())
def test_a_script_passes_through_its_points(script: list[Point]):
    course = ScriptedCourse(script)
    for point in script:
        assert course.at(point.t_s).distance(point.affect) < 1e-6


@given(points(), st.floats(0, 1000))
def test_a_script_never_leaves_the_span_of_its_neighbours(script: list[Point], t_s: float):
    felt = ScriptedCourse(script).at(t_s)
    before = max((point for point in script if point.t_s <= t_s), key=lambda p: p.t_s, default=script[0])
    after = min((point for point in script if point.t_s >= t_s), key=lambda p: p.t_s, default=script[-1])
    for value, left, right in zip(felt, before.affect, after.affect, strict=True):
        assert min(left, right) - 1e-9 <= value <= max(left, right) + 1e-9


@given(points(), st.floats(0, 500))
def test_a_script_moves_smoothly(script: list[Point], t_s: float):
    # The steepest that 3x² - 2x³ gets is one and a half times the straight line.
    course, step = ScriptedCourse(script), 0.01
    shortest = min([b.t_s - a.t_s for a, b in pairwise(script)], default=1.0)
    assert course.at(t_s).distance(course.at(t_s + step)) <= 1.5 * 2 * 2**0.5 * step / shortest + 1e-9


@given(points(), st.floats(1, 500), st.floats(0, 1))
def test_stretching_changes_the_pace_alone(script: list[Point], length_s: float, share: float):
    course = ScriptedCourse(script)
    stretched = course.stretched(length_s)
    assert stretched.length_s == pytest.approx(length_s)
    assert stretched.at(share * length_s).distance(course.at(share * course.length_s)) < 1e-6


def test_a_script_that_repeats_begins_again():
    course = ScriptedCourse([Point(0, Affect(0, 0)), Point(10, Affect(1, 1)), Point(20, Affect(0, 0))], repeats=True)
    assert course.at(27.0) == course.at(7.0)


@pytest.mark.parametrize(
    "script",
    [
        [],
        [Point(5, Affect(0, 0)), Point(5, Affect(0, 0))],
        [Point(0, Affect(0, 1.2))],
        [Point(-1, Affect(0, 0))],
        [Point(float("nan"), Affect(0, 0))],
    ],
)
def test_a_wrong_script_is_refused(script: list[Point]):
    with pytest.raises(SettingsError, match=r"seconds, valence, arousal"):
        ScriptedCourse(script)


@given(st.lists(st.floats(0.01, 30), min_size=1, max_size=20))
def test_a_random_course_does_not_care_how_often_it_is_asked(steps: list[float]):
    often, once = RandomCourse(4), RandomCourse(4)
    t_s = 0.0
    for step in steps:
        t_s += step
        felt = often.at(t_s)
    assert felt == once.at(t_s)


def test_a_random_course_wanders_over_the_plane_without_jumping():
    course = RandomCourse(1)
    path = np.array([course.at(t_s / 4) for t_s in range(4 * 3600)])
    assert np.abs(path).max() <= 1
    assert 0.25 < path[:, 0].std() < 0.6
    assert 0.25 < path[:, 1].std() < 0.6
    assert np.abs(np.diff(path, axis=0)).max() < 0.05


def test_music_pulls_a_susceptible_listener_most_of_the_way_within_a_minute():
    course = FollowingCourse(ScriptedCourse([Point(0, Affect(0, 0))]), 1.0)
    course.hear(Affect(0.8, 0.6))
    for second in range(1, 61):
        felt = course.at(float(second))
    assert felt.distance(Affect(0.8, 0.6)) < 0.2
    course.hear(None)
    for second in range(61, 300):
        felt = course.at(float(second))
    assert felt.distance(Affect(0, 0)) < 0.01


def test_a_deaf_listener_follows_their_own_course():
    own = ScriptedCourse([Point(0, Affect(-0.5, 0.5))])
    course = FollowingCourse(own, 0.0)
    course.hear(Affect(1, -1))
    assert course.at(100.0).distance(own.at(100.0)) < 1e-9
