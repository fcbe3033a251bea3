from __future__ import annotations

import numpy as np

from agent.ranking.target import ListenerGoal, target_of

STATE, COVARIANCE = np.array([-0.4, 0.6]), np.eye(2) * 0.05
LEAD = ListenerGoal("lead", start=(-0.4, 0.6), target=(0.6, -0.4), asked_at=1000.0, seconds=600.0)


def test_match_wants_the_state_itself_as_unsure_as_it_is() -> None:
    target = target_of(ListenerGoal(), STATE, COVARIANCE, now=0.0)
    assert target.mean is STATE
    assert target.covariance is COVARIANCE


def test_lead_starts_where_the_listener_is_and_arrives_in_time() -> None:
    means = [target_of(LEAD, STATE, COVARIANCE, now=t).mean.tolist() for t in (900.0, 1000.0, 1300.0, 1600.0, 9000.0)]
    np.testing.assert_allclose(means, [[-0.4, 0.6], [-0.4, 0.6], [0.1, 0.1], [0.6, -0.4], [0.6, -0.4]], atol=1e-12)


def test_hold_keeps_the_emotion_whatever_the_state_does() -> None:
    goal = ListenerGoal("hold", target=(0.3, 0.2))
    assert target_of(goal, STATE, COVARIANCE, now=5.0).mean.tolist() == [0.3, 0.2]


def test_the_goal_on_the_wire_says_when_a_lead_arrives() -> None:
    assert LEAD.wire().until == 1600.0
    assert ListenerGoal().wire().valence is None
