"""Slots in any order of events, with a disk that fills up at any point and restarts at any moment."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from bundles import tiny_bundle
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots.opening import is_whole
from agent.delivery.installing.slots.slots import Slots
from models.errors import DeliveryError, Reason

VERSIONS = st.sampled_from(["2026.12.1", "2026.12.2", "2026.12.3"])
ROLLOUTS = st.sampled_from(["r1", "r2"])


class AnyOrder(RuleBasedStateMachine):
    """What a delivery may do to slots; whatever comes, the running and the last good bundle are whole."""

    @initialize()
    def start(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
        self.root = Path(tempfile.mkdtemp(prefix="attune-", dir=memory if memory.is_dir() else None))
        tiny_bundle(self.root / "shipped", "2026.11.1")
        self.fails_in: int | None = None
        self.open()

    def open(self) -> None:
        self.slots = Slots.open(self.root / "slots", self.root / "shipped", at=self.passes)

    def passes(self, point: str) -> None:
        if self.fails_in is None or point.endswith((".renamed", ".done")):
            return
        self.fails_in -= 1
        if self.fails_in <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @rule(after=st.integers(1, 6))
    def fill_the_disk(self, after: int) -> None:
        self.fails_in = after

    @rule()
    def make_room(self) -> None:
        self.fails_in = None

    @rule(lives=st.integers(1, 4))
    def restart(self, lives: int) -> None:
        for _ in range(lives):
            self.open()
            self.slots.boot()

    @rule()
    def live(self) -> None:
        self.slots.lived()

    @precondition(lambda self: self.slots.state.phase != "probation")
    @rule(version=VERSIONS, rollout=ROLLOUTS)
    def fetch(self, version: str, rollout: str) -> None:
        digest = tiny_bundle(self.root / "source", version)
        good = self.slots.state.confirmed
        try:
            folder = self.slots.begin(version, digest, rollout)
        except DeliveryError as error:
            assert error.reason is Reason.DISK_FULL
            return
        assert folder not in {self.slots.running, self.slots.path(good.place)}
        shutil.copytree(self.root / "source", folder, dirs_exist_ok=True)

    @precondition(lambda self: self.slots.state.candidate is not None)
    @rule()
    def activate(self) -> None:
        candidate = self.slots.state.candidate
        assert candidate is not None
        if not is_whole(self.slots.path(candidate.place), candidate):
            self.slots.abandon()  # what the examination would do
            return
        try:
            self.slots.proceed("testing")
            self.slots.activate(Rates())
        except DeliveryError:
            assert self.slots.state.phase != "probation"

    @precondition(lambda self: self.slots.state.phase == "probation")
    @rule()
    def confirm(self) -> None:
        try:
            self.slots.confirm()
        except DeliveryError:
            assert self.slots.state.phase == "probation"
        else:
            assert self.slots.state.ended.outcome == "confirmed"

    @rule()
    def observe(self) -> None:
        self.slots.observe(ProbationState(before=Rates(), observed_s=1.0))

    @rule()
    def give_back(self) -> None:
        before = self.slots.state
        self.slots.give_back("worse", Reason.WORSE)
        after = self.slots.state
        assert after.running == after.confirmed
        if before.phase == "probation":
            assert after.confirmed == before.confirmed
            assert self.slots.refusal(before.running.digest, before.running.rollout) is not None

    @rule()
    def abandon(self) -> None:
        self.slots.abandon()

    @rule(version=VERSIONS, rollout=ROLLOUTS)
    def refuse(self, version: str, rollout: str) -> None:
        self.slots.refuse(version, "f" * 64, rollout, "it answers wrongly", Reason.FAILED)

    @rule(content=st.sampled_from([b"", b"{", b'{"lives": -1}']))
    def damage_the_state(self, content: bytes) -> None:
        (self.root / "slots").mkdir(exist_ok=True)
        (self.root / "slots/state.json").write_bytes(content)
        self.open()
        assert self.slots.problem

    @invariant()
    def the_running_and_the_good_bundle_are_whole(self) -> None:
        state = self.slots.state
        for each in (state.running, state.confirmed):
            assert is_whole(self.slots.path(each.place), each)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAnyOrder = AnyOrder.TestCase
