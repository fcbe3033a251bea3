"""How the slots' state goes from one to the next: pure functions, so that every order of them can be tried.

Rules:

- `confirmed` changes when a bundle has passed its probation, or is left for the one before it; never otherwise.
- A function that needs another phase than there is raises, and there is no other way to a state that is not whole.
"""

from __future__ import annotations

from msgspec.structs import replace

from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots.state import (
    MOST_REFUSED,
    MOST_TEXT,
    Ended,
    Occupant,
    Phase,
    Place,
    Refusal,
    SlotState,
)
from models.errors import DeliveryError, Reason

__all__ = [
    "SHIPPED",
    "abandoned",
    "activated",
    "begun",
    "confirmed",
    "free_place",
    "left_behind",
    "proceeded",
    "refused",
    "require_candidate",
    "require_probation",
]

SHIPPED = Occupant("shipped")


def free_place(state: SlotState, digest: str) -> tuple[Place, bool]:
    """Where a bundle goes: a slot that holds neither the running nor the confirmed bundle; rather not the one before.

    Returns:
        The place, and whether it was already begun for this bundle.

    Raises:
        DeliveryError: WRONG_STATE: a bundle is on probation.
    """
    if state.phase == "probation":
        raise _wrong_state(f"bundle {state.running.version} is on probation")
    if state.candidate is not None and state.candidate.digest == digest:
        return state.candidate.place, True
    places: tuple[Place, ...] = ("a", "b")
    free = [place for place in places if place not in {state.running.place, state.confirmed.place}]
    older = state.previous.place if state.previous is not None else None
    return min(free, key=lambda place: place == older), False


def begun(state: SlotState, candidate: Occupant) -> SlotState:
    """A candidate is being fetched into its slot, which holds no good bundle any more."""
    previous = None if state.previous is None or state.previous.place == candidate.place else state.previous
    return replace(state, candidate=candidate, previous=previous, phase="fetching")


def proceeded(state: SlotState, phase: Phase) -> SlotState:
    """The candidate is being tested, or embedded.

    Raises:
        DeliveryError: WRONG_STATE: there is none.
    """
    require_candidate(state)
    return replace(state, phase=phase)


def activated(state: SlotState, before: Rates) -> SlotState:
    """The candidate runs, on probation; the swap is the first of its lives.

    Raises:
        DeliveryError: WRONG_STATE: there is none.
    """
    candidate = require_candidate(state)
    return replace(
        state,
        running=candidate,
        candidate=None,
        phase="probation",
        lives=1,
        probation=ProbationState(before=before),
        ended=Ended(candidate.version, candidate.rollout, "activated"),
    )


def confirmed(state: SlotState) -> SlotState:
    """The bundle on probation is the good one.

    Raises:
        DeliveryError: WRONG_STATE: none is on probation.
    """
    require_probation(state)
    return replace(
        state,
        confirmed=state.running,
        previous=state.confirmed,
        phase="idle",
        probation=None,
        serial=state.serial + 1,
        ended=Ended(state.running.version, state.running.rollout, "confirmed"),
    )


def left_behind(state: SlotState, good: Occupant, reason: str, code: Reason, *, is_fault: bool) -> SlotState:
    """The running bundle is left for a good one.

    Args:
        state: before.
        good: which runs now.
        reason: in a sentence.
        code: likewise for programs.
        is_fault: whether the bundle is to blame; then it is not tried again with its rollout.
    """
    left = state.running
    if is_fault:
        state = _remember(state, Refusal(left.digest, left.rollout, reason[:MOST_TEXT], str(code)))
    return replace(
        state,
        running=good,
        confirmed=good,
        previous=state.previous if state.previous != good else None,
        phase="idle" if state.candidate is None else state.phase,
        lives=0,
        probation=None,
        ended=Ended(left.version, left.rollout, "returned", reason[:MOST_TEXT], str(code)),
    )


def refused(state: SlotState, offered: Occupant, reason: str, code: Reason) -> SlotState:
    """A bundle that never ran is not tried again with its rollout; `offered.place` says nothing."""
    state = _remember(state, Refusal(offered.digest, offered.rollout, reason[:MOST_TEXT], str(code)))
    if state.candidate is not None and state.candidate.digest == offered.digest:
        state = abandoned(state)
    return replace(state, ended=Ended(offered.version, offered.rollout, "refused", reason[:MOST_TEXT], str(code)))


def abandoned(state: SlotState) -> SlotState:
    """The candidate, if there is one, is not wanted any more."""
    return state if state.candidate is None else replace(state, candidate=None, phase="idle")


def require_candidate(state: SlotState) -> Occupant:
    """The bundle that is being installed.

    Raises:
        DeliveryError: WRONG_STATE: there is none.
    """
    if state.candidate is None:
        raise _wrong_state("no bundle is being installed")
    return state.candidate


def require_probation(state: SlotState) -> ProbationState:
    """What was seen of the bundle on probation.

    Raises:
        DeliveryError: WRONG_STATE: there is none.
    """
    if state.probation is None:
        raise _wrong_state("no bundle is on probation")
    return state.probation


def _remember(state: SlotState, refusal: Refusal) -> SlotState:
    others = [each for each in state.refused if (each.digest, each.rollout) != (refusal.digest, refusal.rollout)]
    return replace(state, refused=(*others, refusal)[-MOST_REFUSED:])


def _wrong_state(what: str) -> DeliveryError:
    return DeliveryError(what, reason=Reason.WRONG_STATE, remedy="Wait until that has ended")
