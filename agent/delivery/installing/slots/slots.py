"""The two slots: which bundle runs, where the next one goes, and how the device gets back to a good one.

    slots/state.json     the pointer and journal (`SlotState`)
    slots/a, slots/b     a bundle each
    slots/a.good         which bundle in slot a was confirmed; finds it again when state.json is lost

Rules:

- The slot of the bundle that was last confirmed is never written to; only the third place is.
- Every write is atomic: the new content beside the old one, synced, renamed into place, the folder synced. A process
  that is killed leaves the state before or the state after.
- A method that raises changed nothing that matters. Those that must not fail do not raise: they hold in memory where
  the disk refuses, say so in `problem`, and are written with the next write.
- A bundle that was refused or given back is not tried again with the same rollout.
- All methods block for milliseconds and may be called from any thread.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots import transitions
from agent.delivery.installing.slots.opening import is_whole, read_slots
from agent.delivery.installing.slots.state import Mark, Occupant, Phase, Place, Refusal, SlotState
from agent.delivery.points import Pass, nowhere
from agent.delivery.writing import disk_errors, empty_folder, remove, write_whole
from models.bundle.reader import read_manifest
from models.errors import BundleError, DeliveryError, Reason

__all__ = ["MOST_LIVES", "MOST_LIVES_CONFIRMED", "Slots"]

MOST_LIVES: Final = 3
"""Starts in a row that a bundle on probation may fail to live through; the swap counts as the first."""
MOST_LIVES_CONFIRMED: Final = 6
"""Likewise of a bundle that was confirmed: it has lived here before, so something else is more likely to blame."""
_DAMAGE: Final = frozenset({Reason.MISSING, Reason.MALFORMED, Reason.TAMPERED})
"""What a bad disk does to a good bundle: it may be fetched again."""


class Slots:
    """The slots of one device; open them with `Slots.open`.

    Attributes:
        state: what holds now.
    """

    def __init__(self, folder: Path, shipped: Path, state: SlotState, *, problem: str = "", at: Pass = nowhere) -> None:
        self._folder, self._shipped, self._at = folder, shipped, at
        self._lock = threading.RLock()
        self._found, self._unwritten = problem, ""
        self.state = state

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
        state, problem = read_slots(folder)
        return cls(folder, shipped, state, problem=problem, at=at)

    @property
    def problem(self) -> str:
        """What is wrong with the slots themselves, for health; empty when nothing is."""
        return self._unwritten or self._found

    def path(self, place: Place) -> Path:
        """The folder of a place."""
        return self._shipped if place == "shipped" else self._folder / place

    @property
    def running(self) -> Path:
        """The folder of the bundle that runs."""
        return self.path(self.state.running.place)

    # Starts

    def boot(self) -> Path:
        """Counts a start and returns the folder of the bundle to open. Call it once, before the bundle is opened.

        A bundle on probation with which three starts in a row did not live is given back before it is opened again; a
        confirmed one is left for the one before it after `MOST_LIVES_CONFIRMED`. Where starts cannot be counted, a
        bundle on probation does not run. Never raises.
        """
        with self._lock:
            is_trial = self.state.phase == "probation"
            if self.state.lives >= (MOST_LIVES if is_trial else MOST_LIVES_CONFIRMED):
                self._leave(self._crash_loop(), Reason.FAILED, "give_back")
            counted = self._put("boot", replace(self.state, lives=self.state.lives + 1))
            if not counted and self.state.phase == "probation":
                why = "the disk does not let starts be counted, and without that it cannot be tried"
                self._leave(why, Reason.READ_ONLY, "give_back", is_fault=False)
            return self.running

    def fall_back(self, reason: str, code: Reason) -> Path | None:
        """The bundle that should run cannot be opened: returns the folder of the next best one.

        In this order: the confirmed one, the one before it, the one that ships; None when that was it. A damaged bundle
        may be fetched again. Never raises.
        """
        with self._lock:
            if self.state.running.place == "shipped":
                return None
            self._leave(reason, code, "fall_back", is_fault=code not in _DAMAGE)
            return self.running

    def lived(self) -> None:
        """The agent has lived for a minute, or ends in order: this start was none of a loop. Never raises.

        Call it 60 s after the start, 60 s after each swap, and at an orderly end.
        """
        with self._lock:
            if self.state.lives:
                self._put("lived", replace(self.state, lives=0))

    # On the way in

    def refusal(self, digest: str, rollout: str) -> Refusal | None:
        """Why a bundle is not to be tried with a rollout; None when it may be."""
        return next((each for each in self.state.refused if (each.digest, each.rollout) == (digest, rollout)), None)

    def begin(self, version: str, digest: str, rollout: str) -> Path:
        """Makes room for a bundle: returns the folder of the free slot, emptied.

        Where that slot was already begun for the same bundle (a restart in between), what lies there stays; it may be
        incomplete.

        Args:
            version: that is offered.
            digest: SHA-256 of its manifest.
            rollout: with which it comes.

        Raises:
            DeliveryError: WRONG_STATE: a bundle is on probation; DISK_FULL or READ_ONLY: the bundles that run or are
                good are untouched.
        """
        with self._lock, disk_errors(self._folder):
            place, is_begun = transitions.free_place(self.state, digest)
            if not (is_begun and self.path(place).is_dir()):
                self._clear(place)
            self._save("begin", transitions.begun(self.state, Occupant(place, version, digest, rollout)))
            return self.path(place)

    def proceed(self, phase: Phase) -> None:
        """Notes how far the candidate is: `testing` or `embedding`.

        Raises:
            DeliveryError: WRONG_STATE: there is no candidate; DISK_FULL or READ_ONLY: nothing changed.
        """
        with self._lock, disk_errors(self._folder):
            self._save("proceed", transitions.proceeded(self.state, phase))

    def activate(self, before: Rates) -> Path:
        """Points to the candidate, on probation; returns its folder. Call it when all that can fail has been done.

        Args:
            before: how it went with the bundle that runs now.

        Raises:
            DeliveryError: as `proceed`.
        """
        with self._lock, disk_errors(self._folder):
            self._save("activate", transitions.activated(self.state, before))
            return self.running

    def observe(self, probation: ProbationState) -> None:
        """Keeps what was seen on probation. Never raises: losing a few minutes of it does no harm."""
        with self._lock:
            if self.state.phase == "probation":
                self._put("observe", replace(self.state, probation=probation))

    # On the way out

    def confirm(self) -> None:
        """The bundle on probation is good: it is the last good one from now on.

        Raises:
            DeliveryError: WRONG_STATE: none is on probation; DISK_FULL or READ_ONLY: it stays so, ask again later.
        """
        with self._lock, disk_errors(self._folder):
            good = transitions.confirmed(self.state)
            # First the mark: a state that is lost right after it was written is then still found by it.
            mark = msgspec.json.encode(Mark(good.confirmed, good.serial))
            write_whole(self._mark(good.confirmed.place), mark, at=self._at, name="mark")
            self._save("confirm", good)

    def give_back(self, reason: str, code: Reason) -> Path:
        """Points back to the last good bundle and remembers why; returns its folder. Never raises.

        On probation that is the confirmed one. A confirmed bundle that is recalled gives way to the one before it
        where its slot still holds it, else to the one that ships.
        """
        with self._lock:
            self._leave(reason, code, "give_back")
            return self.running

    def refuse(self, version: str, digest: str, rollout: str, reason: str, code: Reason) -> None:
        """A bundle that never ran is not to be tried again with this rollout; the candidate, if it was it, is given up.

        Never raises: where the disk refuses it holds until the next start.
        """
        with self._lock:
            offered = Occupant("shipped", version, digest, rollout)
            self._put("refuse", transitions.refused(self.state, offered, reason, code))

    def abandon(self) -> None:
        """The candidate is not wanted any more (another one is offered, or the rollout was stopped). Never raises."""
        with self._lock:
            if self.state.candidate is not None:
                self._put("abandon", transitions.abandoned(self.state))

    def occupants(self) -> tuple[Occupant, ...]:
        """Every bundle that has a place: running, confirmed, previous, candidate; each once."""
        state = self.state
        every = (state.running, state.confirmed, state.previous, state.candidate)
        return tuple(dict.fromkeys(each for each in every if each is not None))

    def embedding_spaces(self) -> frozenset[str]:
        """The spaces whose vectors may still be needed: of every bundle that has a place, and of the one that ships.

        After a confirmation the database may forget all others (`Database.forget_spaces`). A candidate that is not
        complete yet has none.
        """
        folders = {self._shipped, *(self.path(each.place) for each in self.occupants())}
        spaces = set()
        for folder in folders:
            with contextlib.suppress(BundleError):
                spaces.add(read_manifest(folder).embedding_space)
        return frozenset(spaces)

    # How it is done

    def _mark(self, place: Place) -> Path:
        return self._folder / f"{place}.good"

    def _clear(self, place: Place) -> None:
        self._at("clear.begin")
        remove(self._mark(place))
        self._at("clear.unmarked")
        empty_folder(self.path(place))
        self._at("clear.emptied")

    def _leave(self, reason: str, code: Reason, name: str, *, is_fault: bool = True) -> None:
        """Goes from the running bundle to the next good one, in memory whatever the disk says."""
        state = self.state
        if state.running.place == "shipped":
            return
        if state.phase == "probation":
            good = state.confirmed
        else:
            good = self._before(state)
            # Not to be found by it again, should the state be lost.
            with contextlib.suppress(OSError):
                remove(self._mark(state.running.place))
        self._put(name, transitions.left_behind(state, good, reason, code, is_fault=is_fault))

    def _before(self, state: SlotState) -> Occupant:
        """The good bundle before the confirmed one where it is still whole, else the one that ships."""
        previous = state.previous
        is_there = previous is not None and is_whole(self.path(previous.place), previous)
        return previous if previous is not None and is_there else transitions.SHIPPED

    def _crash_loop(self) -> str:
        state = self.state
        return f"the agent did not live for a minute with bundle {state.running.version} {state.lives} times in a row"

    def _put(self, name: str, state: SlotState) -> bool:
        """Takes a state over whatever the disk says; returns whether it was written."""
        try:
            with disk_errors(self._folder):
                self._save(name, state)
        except DeliveryError as error:
            self.state, self._unwritten = state, str(error)
            return False
        return True

    def _save(self, name: str, state: SlotState) -> None:
        """Writes a state and takes it over.

        Raises:
            OSError: the disk refuses; then the one before holds.
        """
        content = msgspec.json.format(msgspec.json.encode(state), indent=2)
        write_whole(self._folder / "state.json", content, at=self._at, name=name)
        self.state, self._unwritten = state, ""
