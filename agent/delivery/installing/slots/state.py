"""What the slots remember: which bundle runs, which one is good, what is being tried, and how the last offer ended."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.delivery.installing.probation import ProbationState

__all__ = [
    "FORMAT",
    "MOST_REFUSED",
    "MOST_TEXT",
    "Ended",
    "Mark",
    "Occupant",
    "Outcome",
    "Phase",
    "Place",
    "Refusal",
    "SlotState",
]

FORMAT: Final = 1
MOST_REFUSED: Final = 32
"""Refusals that are remembered: more than any channel makes before somebody looks, and a state file of a few KB."""

Place = Literal["shipped", "a", "b"]
Phase = Literal["idle", "fetching", "testing", "embedding", "probation"]
Outcome = Literal["none", "activated", "confirmed", "refused", "returned"]
MOST_TEXT: Final = 1000
"""Characters of a reason; a longer one is cut."""
Text = Annotated[str, Meta(max_length=MOST_TEXT)]


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


class Mark(msgspec.Struct, frozen=True):
    """Stands beside a slot whose bundle was confirmed, in `a.good`."""

    occupant: Occupant
    serial: int


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
        serial: counts confirmations, so that the newest good slot is known without a clock.
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
    serial: Annotated[int, Meta(ge=0)] = 0
    ended: Ended = Ended()
    refused: Annotated[tuple[Refusal, ...], Meta(max_length=MOST_REFUSED)] = ()
    probation: ProbationState | None = None

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: two bundles in one slot, or a phase without what it is a phase of.
        """
        if (self.running == self.confirmed) == (self.phase == "probation"):
            raise ValueError("running and confirmed differ on probation, and then alone")
        if (self.probation is None) == (self.phase == "probation"):
            raise ValueError("what was seen on probation belongs to that phase")
        if (self.candidate is None) == (self.phase in {"fetching", "testing", "embedding"}):
            raise ValueError("a candidate belongs to the phases before probation")
        if self.candidate is not None and self.candidate.place in {self.running.place, self.confirmed.place, "shipped"}:
            raise ValueError("the candidate is where another bundle lies")
