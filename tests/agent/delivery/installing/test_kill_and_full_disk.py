"""The same life of two slots, cut at every named point: by kill -9, and by a disk that is full from there on."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import tiny_bundle
from installing_helpers import assert_runs

from agent.delivery.installing.points import POINTS
from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots.opening import is_whole
from agent.delivery.installing.slots.slots import Slots
from models.errors import DeliveryError, Reason

SHIPPED, FIRST, SECOND, THIRD = "2026.11.1", "2026.12.1", "2026.12.2", "2026.12.3"


def life(slots: Slots) -> None:
    """Everything that can happen to slots, once; every point is passed."""
    slots.boot()
    slots.lived()
    _install(slots, FIRST)
    slots.observe(ProbationState(before=Rates(), observed_s=1.0))
    slots.confirm()
    slots.begin("2026.12.9", "d" * 64, "r9")
    slots.abandon()
    slots.refuse("2026.12.9", "d" * 64, "r9", "it answers wrongly", Reason.FAILED)
    _install(slots, SECOND)
    slots.give_back("worse", Reason.WORSE)
    _install(slots, THIRD)
    slots.confirm()
    slots.fall_back("items.npz was altered", Reason.TAMPERED)


def _install(slots: Slots, version: str) -> None:
    folder = slots.begin(version, version * 8, version)
    digest = tiny_bundle(folder, version)
    slots.begin(version, version * 8, version)
    slots.abandon()
    assert tiny_bundle(slots.begin(version, digest, version), version) == digest
    slots.proceed("testing")
    slots.activate(Rates())


class Journal:
    """What is on the disk at each point, first of its name."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.order: list[str] = []
        self.at: dict[str, bytes | None] = {}

    def __call__(self, point: str) -> None:
        if point not in self.at:
            self.order.append(point)
            self.at[point] = self.file.read_bytes() if self.file.exists() else None


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    root = tmp_path_factory.mktemp("reference")
    tiny_bundle(root / "shipped", SHIPPED)
    journal = Journal(root / "slots/state.json")
    life(Slots.open(root / "slots", root / "shipped", at=journal))
    return journal


def kill_at(wanted: str) -> Callable[[str], None]:
    def passes(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return passes


def full_from(wanted: str, *, until: list[bool]) -> Callable[[str], None]:
    """A disk that is full from a point on, until something is put into the list."""
    is_full: list[bool] = []

    def passes(point: str) -> None:
        if point == wanted:
            is_full.append(True)
        # What was renamed needs no room any more.
        if is_full and not until and not point.endswith((".renamed", ".done")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return passes


def in_a_child(call: Callable[[], None]) -> int:
    """Run something in a forked process; return how that ended."""
    child = os.fork()
    if child == 0:
        try:
            call()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def test_every_named_point_is_passed_in_the_life_of_two_slots(reference: Journal):
    assert set(reference.order) == set(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at_any_point_finds_the_state_before_or_after_and_a_whole_bundle(
    tmp_path: Path, shipped: Path, reference: Journal, point: str
):
    folder = tmp_path / "slots"
    status = in_a_child(lambda: life(Slots.open(folder, shipped, at=kill_at(point))))
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    left = folder / "state.json"
    assert (left.read_bytes() if left.exists() else None) == reference.at[point]
    again = Slots.open(folder, shipped)
    assert again.problem == ""
    running = again.boot()
    state = again.state
    assert is_whole(running, state.running)
    assert is_whole(again.path(state.confirmed.place), state.confirmed)
    assert state.running == state.confirmed or state.phase == "probation"
    _goes_on(again)


@pytest.mark.parametrize("point", [point for point in POINTS if not point.endswith((".renamed", ".done"))])
def test_a_disk_that_is_full_from_any_point_on_leaves_a_whole_bundle_running(tmp_path: Path, shipped: Path, point: str):
    room: list[bool] = []
    slots = Slots.open(tmp_path / "slots", shipped, at=full_from(point, until=room))
    try:
        life(slots)
    except DeliveryError as error:
        assert error.reason is Reason.DISK_FULL
    else:
        assert point.startswith("fall_back")  # the last that happens, and it never raises
        assert "Make room" in slots.problem
    for each in (slots, Slots.open(tmp_path / "slots", shipped)):
        assert is_whole(each.running, each.state.running)
        assert is_whole(each.path(each.state.confirmed.place), each.state.confirmed)
    room.append(True)
    _goes_on(slots)
    assert slots.problem == ""


def _goes_on(slots: Slots) -> None:
    """Whatever happened before: the next bundle gets in, and stays."""
    if slots.state.phase == "probation":
        slots.confirm()
    good = slots.state.confirmed
    folder = slots.begin("2027.1.1", "f" * 64, "r9")
    digest = tiny_bundle(folder, "2027.1.1")
    slots.abandon()
    tiny_bundle(slots.begin("2027.1.1", digest, "r9"), "2027.1.1")
    slots.activate(Rates())
    assert slots.state.confirmed == good
    assert is_whole(slots.path(good.place), good)
    slots.confirm()
    assert_runs(slots, "2027.1.1")


# Which bundle runs, spelled out

_RUNS = [
    ("begin.done", SHIPPED),
    ("proceed.done", SHIPPED),
    ("activate.begin", SHIPPED),
    ("activate.written", SHIPPED),
    ("activate.renamed", FIRST),
    ("activate.done", FIRST),
    ("mark.done", FIRST),
    ("confirm.written", FIRST),
    ("confirm.done", FIRST),
    ("give_back.written", SECOND),
    ("give_back.renamed", FIRST),
    ("give_back.done", FIRST),
    ("fall_back.written", THIRD),
    ("fall_back.renamed", FIRST),
]


@pytest.mark.parametrize(("point", "version"), _RUNS)
def test_a_killed_process_comes_up_on_the_right_bundle(tmp_path: Path, shipped: Path, point: str, version: str):
    in_a_child(lambda: life(Slots.open(tmp_path / "slots", shipped, at=kill_at(point))))
    again = Slots.open(tmp_path / "slots", shipped)
    again.boot()
    assert_runs(again, version)


def test_a_bundle_on_probation_does_not_run_where_its_starts_cannot_be_counted(tmp_path: Path, shipped: Path):
    slots = Slots.open(tmp_path / "slots", shipped)
    _install(slots, FIRST)
    full = Slots.open(tmp_path / "slots", shipped, at=full_from("boot.begin", until=[]))
    assert full.boot() == shipped
    assert "Make room" in full.problem
    assert_runs(full, SHIPPED)
    # With room again, the trial goes on.
    again = Slots.open(tmp_path / "slots", shipped)
    again.boot()
    assert_runs(again, FIRST)


def test_a_bad_bundle_is_left_even_where_the_disk_is_full(tmp_path: Path, shipped: Path):
    slots = Slots.open(tmp_path / "slots", shipped, at=full_from("give_back.begin", until=[]))
    _install(slots, FIRST)
    assert slots.give_back("worse", Reason.WORSE) == shipped
    assert "Make room" in slots.problem
    assert_runs(slots, SHIPPED)
