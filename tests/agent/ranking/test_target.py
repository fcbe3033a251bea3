from __future__ import annotations

import numpy as np

from agent.ranking.target import EMOTION_WIDTH, ListenerGoal, Target, target_of
from agent.ranking.tracks import EmotionScale

STATE, COVARIANCE = np.array([-0.4, 0.6]), np.eye(2) * 0.05
PRIOR = (np.array([0.1, 0.1]), np.eye(2) * 0.2)
LIBRARY = EmotionScale(np.array([0.2, -0.2]), np.array([0.1, 0.25]))
LEAD = ListenerGoal("lead", start=(-0.4, 0.6), target=(0.6, -0.4), asked_at=1000.0, seconds=600.0)


def wanted(
    goal: ListenerGoal, *, mean: np.ndarray = STATE, covariance: np.ndarray = COVARIANCE, now: float = 0.0
) -> Target:
    return target_of(goal, mean, covariance, prior=PRIOR, scale=LIBRARY, now=now)


def test_match_wants_the_state_itself() -> None:
    target = wanted(ListenerGoal())
    assert target.mean is STATE
    assert target.covariance is COVARIANCE


def test_a_usual_state_wants_the_middle_of_the_library() -> None:
    assert wanted(ListenerGoal(), mean=PRIOR[0]).relative.tolist() == [0.0, 0.0]


def test_a_certain_state_is_measured_by_how_states_spread_and_a_guess_by_how_guesses_do() -> None:
    certain = wanted(ListenerGoal(), mean=np.array([0.5, 0.1]), covariance=np.eye(2) * 0.01).relative[0]
    guess = wanted(ListenerGoal(), mean=np.array([0.5, 0.1]), covariance=np.eye(2) * 0.2).relative[0]
    np.testing.assert_allclose([certain, guess], [0.4 / 0.19**0.5, 0.4 / 0.2])


def test_the_coordinate_that_is_better_known_counts_more() -> None:
    widths = wanted(ListenerGoal(), covariance=np.diag([0.2, 0.05])).widths
    assert widths[1] < EMOTION_WIDTH < widths[0]
    np.testing.assert_allclose(widths.prod(), EMOTION_WIDTH**2)


def test_lead_starts_where_the_listener_is_and_arrives_in_time() -> None:
    means = [wanted(LEAD, now=t).mean.tolist() for t in (900.0, 1000.0, 1300.0, 1600.0, 9000.0)]
    np.testing.assert_allclose(means, [[-0.4, 0.6], [-0.4, 0.6], [0.1, 0.1], [0.6, -0.4], [0.6, -0.4]], atol=1e-12)


def test_hold_keeps_the_music_whatever_the_state_does() -> None:
    goal = ListenerGoal("hold", target=(0.3, 0.3))
    np.testing.assert_allclose(wanted(goal).relative, [1.0, 2.0])
    np.testing.assert_allclose(wanted(goal, mean=np.zeros(2)).relative, [1.0, 2.0])


def test_the_goal_on_the_wire_says_when_a_lead_arrives() -> None:
    assert LEAD.wire().until == 1600.0
    assert ListenerGoal().wire().valence is None
