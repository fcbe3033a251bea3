"""What a device does about the bundle on offer."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.delivery.decision import decide
from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots.state import Occupant, Refusal, SlotState
from models.delivery.offer import Offer, Phase, Rollout
from models.delivery.rollout import Admission
from models.errors import Reason

NEW, OLD = "a" * 64, "b" * 64
GO = Admission("go", 0, "phase 1 of rollout r1")


def offer(**rollout: Any) -> Offer:
    return Offer(
        channel="stable",
        version="2026.11.3",
        bytes=1,
        bundle_format=1,
        feature_schema=2,
        rollout=Rollout(id="r1", phases=[Phase()], **rollout),
    )


def on_probation(digest: str) -> SlotState:
    return SlotState(
        running=Occupant("a", "2026.11.3", digest, "r1"),
        phase="probation",
        probation=ProbationState(before=Rates()),
    )


def kept(digest: str, rollout: str = "r1") -> SlotState:
    """A device that runs this bundle for good."""
    occupant = Occupant("a", "2026.11.3", digest, rollout)
    return SlotState(running=occupant, confirmed=occupant)


def test_a_new_bundle_is_taken_when_it_is_this_devices_turn() -> None:
    assert decide(offer(), NEW, GO, SlotState()).act == "take"


def test_the_bundle_that_runs_is_not_taken_again() -> None:
    assert decide(offer(), NEW, GO, kept(NEW, "r0")).act == "rest"


def test_a_bundle_that_was_refused_is_tried_again_only_with_another_rollout() -> None:
    refused = SlotState(refused=(Refusal(NEW, "r1", "it answers wrongly", "failed"),))
    assert decide(offer(), NEW, GO, refused).reason == "it answers wrongly"
    other = SlotState(refused=(Refusal(NEW, "r0", "it answers wrongly", "failed"),))
    assert decide(offer(), NEW, GO, other).act == "take"


def test_nothing_is_begun_while_another_bundle_has_to_prove_itself() -> None:
    waits = decide(offer(), NEW, GO, on_probation(OLD))
    assert (waits.act, waits.reason) == ("wait", "bundle 2026.11.3 has to prove itself first")


def test_an_aborted_rollout_takes_back_what_is_on_probation_and_leaves_what_was_confirmed() -> None:
    stopped = Admission("stop", 0, "rollout r1 was aborted")
    back = decide(offer(status="aborted"), NEW, stopped, on_probation(NEW))
    assert (back.act, back.code) == ("return", Reason.WITHDRAWN)
    assert decide(offer(status="aborted"), NEW, stopped, kept(NEW)).act == "rest"


def test_a_recalled_bundle_is_given_back_even_where_it_was_confirmed() -> None:
    stopped = Admission("stop", 0, "rollout r1 was aborted")
    assert decide(offer(status="aborted", recall=True), NEW, stopped, kept(NEW)).act == "return"
    assert decide(offer(status="aborted", recall=True), NEW, stopped, SlotState()).act == "rest"


@given(
    verdict=st.sampled_from(["go", "wait", "stop", "never"]),
    status=st.sampled_from(["running", "paused", "aborted"]),
    recall=st.booleans(),
    probation=st.booleans(),
    running=st.sampled_from([NEW, OLD, ""]),
)
def test_a_bundle_is_taken_only_on_go_and_given_back_only_on_the_publishers_word(
    verdict: Any, status: Any, recall: bool, probation: bool, running: str
) -> None:
    state = on_probation(running) if probation else kept(running)
    act = decide(offer(status=status, recall=recall), NEW, Admission(verdict, 0, ""), state).act
    if act == "take":
        assert (verdict, probation) == ("go", False)
        assert status != "aborted"
        assert running != NEW
    if act == "return":
        assert (status, running) == ("aborted", NEW)
