"""What a device does about the bundle on offer, from what was signed, what the slots remember, and whose turn it is.

Rules:

- The publisher's word to stop comes first: a bundle on probation is given back, a recalled one too.
- A bundle that was refused or given back is not tried again with the same rollout.
- One at a time: while a bundle is on probation nothing else is begun, for the slot of the last good one is not free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.delivery.installing.slots.state import SlotState
from models.delivery.offer import Offer
from models.delivery.rollout import Admission
from models.errors import Reason

__all__ = ["Decision", "decide"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done.

    Attributes:
        act: `rest`, `wait` (for its turn), `take` the bundle, or `return` to the last good one.
        reason: in a half-sentence.
        code: for programs, with `return`.
    """

    act: Literal["rest", "wait", "take", "return"]
    reason: str = ""
    code: Reason | None = None


def decide(offer: Offer, digest: str, admission: Admission, state: SlotState) -> Decision:
    """Decide what to do about an offer.

    Args:
        offer: verified.
        digest: SHA-256 of the manifest that it offers.
        admission: from `models.delivery.rollout.admit`.
        state: of the slots.
    """
    if offer.rollout.status == "aborted":
        return _stopped(offer, digest, admission, state)
    if state.running.digest == digest:
        return Decision("rest", "this bundle runs")
    refusal = next((each for each in state.refused if (each.digest, each.rollout) == (digest, offer.rollout.id)), None)
    if refusal is not None:
        return Decision("rest", refusal.reason)
    if admission.verdict != "go":
        return Decision("wait" if admission.verdict == "wait" else "rest", admission.reason)
    if state.phase == "probation":
        return Decision("wait", f"bundle {state.running.version} has to prove itself first")
    return Decision("take", admission.reason)


def _stopped(offer: Offer, digest: str, admission: Admission, state: SlotState) -> Decision:
    rollout = offer.rollout
    if state.running.digest == digest and (state.phase == "probation" or rollout.recall):
        word = "recalled" if rollout.recall else "aborted"
        return Decision("return", f"rollout {rollout.id} was {word} by the publisher", Reason.WITHDRAWN)
    return Decision("rest", admission.reason)
