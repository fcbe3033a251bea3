"""The two slots: which bundle runs, where the next one goes, and how the device gets back to a good one.

    slots/state.json     the pointer and journal (`SlotState`)
    slots/a, slots/b     a bundle each
    slots/a.good         which bundle in slot a was confirmed; finds it again when state.json is lost

Rules:

- The slot of the bundle that was last confirmed is never written to; only the third place is.
- Every write is atomic: the new content beside the old one, synced, renamed into place, the folder synced. A process
  that is killed leaves the state before or the state after.
- A method that raises changed nothing. The two that must not fail do not: `boot` and `give_back` hold in memory where
  the disk refuses, say so in `problem`, and are written with the next write.
- A bundle that was refused or given back is not tried again with the same rollout.
- All methods block for a few milliseconds and may be called from any thread.
"""

from __future__ import annotations

from pathlib import Path

from agent.delivery.installing.points import Pass, nowhere
from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.state import Occupant, Phase, Place, Refusal, SlotState
from models.errors import Reason

__all__ = ["Slots"]


class Slots:
    """The slots of one device; open them with `Slots.open`.

    Attributes:
        state: what holds now.
        problem: what is wrong with the slots themselves, for health; empty when nothing is.
    """

    def __init__(self, folder: Path, shipped: Path, state: SlotState, *, problem: str = "", at: Pass = nowhere) -> None:
        self._folder, self._shipped, self._at = folder, shipped, at
        self.state, self.problem = state, problem

    @classmethod
    def open(cls, folder: Path, shipped: Path, *, at: Pass = nowhere) -> Slots:
        """Opens the slots in a folder; nothing is written.

        Where `state.json` is damaged or absent, the slot that was confirmed last and is whole runs, else the bundle
        that ships; `problem` tells. Never raises.

        Args:
            folder: `[storage] folder`/bundles/slots.
            shipped: folder of the bundle that ships.
            at: passed at each of `POINTS`.
        """
        raise NotImplementedError

    def path(self, place: Place) -> Path:
        """The folder of a place."""
        return self._shipped if place == "shipped" else self._folder / place

    @property
    def running(self) -> Path:
        """The folder of the bundle that runs."""
        return self.path(self.state.running.place)

    def boot(self) -> Path:
        """Counts a start and returns the folder of the bundle to open. Call it once, before the bundle is opened.

        A bundle on probation with which three starts in a row did not live is given back before it is opened again; a
        confirmed one is left for the one before it after `MOST_LIVES_CONFIRMED`. Never raises.
        """
        raise NotImplementedError

    def fall_back(self, reason: str, code: Reason) -> Path | None:
        """The bundle that should run cannot be opened: returns the folder of the next best one.

        In this order: the confirmed one, the one before it, the one that ships; None when that was it. Never raises.
        """
        raise NotImplementedError

    def lived(self) -> None:
        """The agent has lived for a minute, or ends in order: this start was none of a loop. Never raises.

        Call it 60 s after the start, 60 s after each swap, and at an orderly end.
        """
        raise NotImplementedError

    def refusal(self, digest: str, rollout: str) -> Refusal | None:
        """Why a bundle is not to be tried with a rollout; None when it may be."""
        raise NotImplementedError

    def begin(self, version: str, digest: str, rollout: str) -> Path:
        """Makes room for a bundle: returns the folder of the free slot, emptied.

        Where that slot was already begun for the same bundle (a restart in between), what lies there stays.

        Args:
            version: that is offered.
            digest: SHA-256 of its manifest.
            rollout: with which it comes.

        Raises:
            DeliveryError: WRONG_STATE: a bundle is on probation; DISK_FULL or READ_ONLY: nothing changed.
        """
        raise NotImplementedError

    def proceed(self, phase: Phase) -> None:
        """Notes how far the candidate is: `testing` or `embedding`.

        Raises:
            DeliveryError: WRONG_STATE: there is no candidate; DISK_FULL or READ_ONLY: nothing changed.
        """
        raise NotImplementedError

    def activate(self, before: Rates) -> Path:
        """Points to the candidate, on probation; returns its folder. Call it when all that can fail has been done.

        Args:
            before: how it went with the bundle that runs now.

        Raises:
            DeliveryError: as `proceed`.
        """
        raise NotImplementedError

    def observe(self, probation: ProbationState) -> None:
        """Keeps what was seen on probation. Never raises: losing a few minutes of it does no harm."""
        raise NotImplementedError

    def confirm(self) -> None:
        """The bundle on probation is good: it is the last good one from now on.

        Raises:
            DeliveryError: as `proceed`; it stays on probation, ask again later.
        """
        raise NotImplementedError

    def give_back(self, reason: str, code: Reason) -> Path:
        """Points back to the last good bundle and remembers why; returns its folder. Never raises.

        On probation that is the confirmed one. A confirmed bundle that is recalled gives way to the one before it
        where its slot still holds it, else to the one that ships.
        """
        raise NotImplementedError

    def refuse(self, version: str, digest: str, rollout: str, reason: str, code: Reason) -> None:
        """A bundle that never ran is not to be tried again with this rollout; the candidate, if it was it, is given up.

        Never raises: where the disk refuses it holds until the next start.
        """
        raise NotImplementedError

    def abandon(self) -> None:
        """The candidate is not wanted any more (another one is offered, or the rollout was stopped). Never raises."""
        raise NotImplementedError

    def occupants(self) -> tuple[Occupant, ...]:
        """Every bundle that must stay whole: running, confirmed, previous, candidate; each once."""
        raise NotImplementedError
