"""What the slots remember: which bundle runs, which one is good, what is being tried, and how the last offer ended."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.delivery.installing.probation import ProbationState

__all__ = ["FORMAT", "MOST_REFUSED", "Ended", "Occupant", "Outcome", "Phase", "Place", "Refusal", "SlotState"]

FORMAT: Final = 1
MOST_REFUSED: Final = 32
"""Refusals that are remembered: more than any channel makes before somebody looks, and a state file of a few KB."""

Place = Literal["shipped", "a", "b"]
Phase = Literal["idle", "fetching", "testing", "embedding", "probation"]
Outcome = Literal["none", "activated", "confirmed", "refused", "returned"]
Text = Annotated[str, Meta(max_length=1000)]


class Occupant(msgspec.Struct, frozen=True):
    """A bundle and where it lies.

    Attributes:
        place: a slot, or the bundle that ships.
        version: of the bundle.
        digest: SHA-256 of its manifest, hexadecimal; empty for the one that ships, which a new program replaces.
        rollout: with which it came.
    """

    place: Place
    version: str = ""
    digest: str = ""
    rollout: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A bundle that is not tried again with this rollout."""

    digest: str
    rollout: str
    reason: Text
    code: str


class Ended(msgspec.Struct, frozen=True):
    """How the last offer ended, as `BundleStatus` tells it.

    Attributes:
        version: that was offered; empty for none yet.
        rollout: with which.
        outcome: see `BundleStatus`.
        reason: in a sentence.
        code: a `models.errors.Reason`; empty where nothing went wrong.
    """

    version: str = ""
    rollout: str = ""
    outcome: Outcome = "none"
    reason: Text = ""
    code: str = ""


class SlotState(msgspec.Struct, frozen=True, kw_only=True):
    """The pointer and the journal, as `state.json` holds them.

    Attributes:
        running: the bundle to open.
        confirmed: the last good one; the same unless a bundle is on probation.
        previous: the good one before it, as long as its slot was not needed.
        candidate: what is being fetched, tested or embedded.
        phase: how far that is; `probation` while `running` has to prove itself.
        lives: starts (the swap counts as one) since the agent last lived for a minute or ended in order.
        ended: how the last offer ended.
        refused: bundles not to be tried again, the newest last.
        probation: what was seen of `running` so far.
    """

    format: int = FORMAT
    running: Occupant = Occupant("shipped")
    confirmed: Occupant = Occupant("shipped")
    previous: Occupant | None = None
    candidate: Occupant | None = None
    phase: Phase = "idle"
    lives: Annotated[int, Meta(ge=0)] = 0
    ended: Ended = Ended()
    refused: Annotated[tuple[Refusal, ...], Meta(max_length=MOST_REFUSED)] = ()
    probation: ProbationState | None = None
