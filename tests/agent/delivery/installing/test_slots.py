from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import tiny_bundle
from installing_helpers import assert_runs, install

from agent.delivery.installing.probation import ProbationState, Rates
from agent.delivery.installing.slots.slots import MOST_LIVES, MOST_LIVES_CONFIRMED, Slots
from agent.delivery.installing.slots.state import MOST_REFUSED, Occupant
from models.errors import DeliveryError, Reason

Reopened = Callable[[], Slots]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


def test_a_device_without_slots_runs_the_bundle_that_ships(slots: Slots, shipped: Path):
    assert slots.boot() == shipped
    assert slots.problem == ""
    assert_runs(slots, "2026.11.1")


def test_nothing_is_written_before_the_first_start(reopened: Reopened, tmp_path: Path):
    reopened()
    assert not (tmp_path / "slots").exists()


def test_a_candidate_changes_nothing_until_it_is_activated(slots: Slots, reopened: Reopened):
    tiny_bundle(slots.begin("2026.12.1", "d" * 64, "r1"), "2026.12.1")
    slots.proceed("testing")
    slots.proceed("embedding")
    assert_runs(slots, "2026.11.1")
    assert reopened().state == slots.state


def test_an_activated_bundle_runs_on_probation_and_stays_when_it_is_confirmed(
    slots: Slots, source: Path, reopened: Reopened
):
    install(slots, source, "2026.12.1")
    assert_runs(slots, "2026.12.1")
    assert (slots.state.phase, slots.state.ended.outcome) == ("probation", "activated")
    assert slots.state.confirmed.place == "shipped"
    slots.confirm()
    assert (slots.state.phase, slots.state.ended.outcome) == ("idle", "confirmed")
    assert_runs(reopened(), "2026.12.1")


def test_a_bundle_that_is_given_back_leaves_the_last_good_one_and_its_reason(
    slots: Slots, source: Path, reopened: Reopened
):
    digest = install(slots, source, "2026.12.1")
    slots.give_back("it made the listener skip", Reason.WORSE)
    assert_runs(slots, "2026.11.1")
    again = reopened()
    assert again.state.ended.outcome == "returned"
    assert (again.state.ended.reason, again.state.ended.code) == ("it made the listener skip", "worse")
    refusal = again.refusal(digest, "r1")
    assert refusal is not None
    assert refusal.code == "worse"
    assert again.refusal(digest, "r2") is None


def test_two_bundles_in_a_row_use_both_slots_and_never_the_last_good_one(slots: Slots, source: Path):
    install(slots, source, "2026.12.1")
    slots.confirm()
    first = slots.running
    install(slots, source, "2026.12.2", "r2")
    assert slots.running != first
    assert slots.state.confirmed.version == "2026.12.1"
    assert_runs(slots, "2026.12.2")
    slots.confirm()
    install(slots, source, "2026.12.3", "r3")
    assert slots.running == first
    assert slots.state.confirmed.version == "2026.12.2"
    slots.give_back("worse", Reason.WORSE)
    assert_runs(slots, "2026.12.2")


def test_a_second_bundle_has_to_wait_while_one_is_on_probation(slots: Slots, source: Path):
    install(slots, source, "2026.12.1")
    before = slots.state
    with pytest.raises(DeliveryError) as caught:
        slots.begin("2026.12.2", "e" * 64, "r2")
    assert caught.value.reason is Reason.WRONG_STATE
    assert slots.state == before
    assert_runs(slots, "2026.12.1")


def test_what_was_fetched_of_the_same_bundle_stays_over_a_restart(slots: Slots, reopened: Reopened):
    (slots.begin("2026.12.1", "d" * 64, "r1") / "items.npz").write_bytes(b"half")
    folder = reopened().begin("2026.12.1", "d" * 64, "r1")
    assert (folder / "items.npz").read_bytes() == b"half"


def test_another_bundle_finds_an_empty_slot(slots: Slots):
    (slots.begin("2026.12.1", "d" * 64, "r1") / "items.npz").write_bytes(b"half")
    folder = slots.begin("2026.12.2", "e" * 64, "r2")
    assert list(folder.iterdir()) == []
    assert slots.state.candidate == Occupant("b" if folder.name == "b" else "a", "2026.12.2", "e" * 64, "r2")


def test_a_cancelled_candidate_is_forgotten_and_may_come_again(slots: Slots):
    slots.begin("2026.12.1", "d" * 64, "r1")
    slots.abandon()
    assert (slots.state.phase, slots.state.candidate) == ("idle", None)
    assert slots.refusal("d" * 64, "r1") is None
    assert_runs(slots, "2026.11.1")


def test_a_refused_bundle_is_remembered_by_its_digest_and_rollout(slots: Slots, reopened: Reopened):
    slots.begin("2026.12.1", "d" * 64, "r1")
    slots.refuse("2026.12.1", "d" * 64, "r1", "it answers wrongly", Reason.FAILED)
    again = reopened()
    assert (again.state.phase, again.state.ended.outcome, again.state.ended.code) == ("idle", "refused", "failed")
    assert again.refusal("d" * 64, "r1") is not None
    assert again.refusal("d" * 64, "r2") is None
    assert_runs(again, "2026.11.1")


def test_refusals_are_bounded_and_the_newest_stay(slots: Slots):
    for number in range(MOST_REFUSED + 5):
        slots.refuse("2026.12.1", f"{number:064x}", "r1", "x" * 5000, Reason.FAILED)
    assert len(slots.state.refused) == MOST_REFUSED
    assert slots.refusal(f"{MOST_REFUSED + 4:064x}", "r1") is not None


@pytest.mark.parametrize("call", [lambda s: s.proceed("testing"), lambda s: s.activate(Rates()), lambda s: s.confirm()])
def test_a_step_out_of_order_is_refused_and_changes_nothing(slots: Slots, call: Callable[[Slots], object]):
    before = slots.state
    with pytest.raises(DeliveryError) as caught:
        call(slots)
    assert caught.value.reason is Reason.WRONG_STATE
    assert slots.state == before


def test_the_spaces_of_all_bundles_that_have_a_place_are_kept(slots: Slots):
    for number in (1, 2, 3):
        folder = slots.begin(f"2026.12.{number}", f"{number}" * 64, "r1")
        tiny_bundle(folder, f"2026.12.{number}", space=f"new-{number}")
        slots.activate(Rates())
        slots.confirm()
    assert slots.embedding_spaces() == {"space-1", "new-2", "new-3"}
    slots.begin("2026.12.4", "d" * 64, "r1")
    assert slots.embedding_spaces() == {"space-1", "new-3"}


# Crash loops


def test_a_bundle_that_does_not_live_three_times_in_a_row_is_left(slots: Slots, source: Path, reopened: Reopened):
    digest = install(slots, source, "2026.12.1")  # the first life
    for _ in range(MOST_LIVES - 1):
        slots = reopened()
        slots.boot()
        assert_runs(slots, "2026.12.1")
    last = reopened()
    assert last.boot() == last.path("shipped")
    assert_runs(last, "2026.11.1")
    assert last.state.ended.outcome == "returned"
    assert "3 times in a row" in last.state.ended.reason
    assert last.refusal(digest, "r1") is not None


def test_a_start_that_lived_or_ended_in_order_is_none_of_a_loop(slots: Slots, source: Path, reopened: Reopened):
    install(slots, source, "2026.12.1")
    for _ in range(10):
        slots = reopened()
        slots.boot()
        slots.lived()
    assert_runs(slots, "2026.12.1")
    assert slots.state.phase == "probation"


def test_a_confirmed_bundle_gets_more_patience_and_gives_way_to_the_one_before(
    slots: Slots, source: Path, reopened: Reopened
):
    for version in ("2026.12.1", "2026.12.2"):
        install(slots, source, version)
        slots.confirm()
    slots.lived()
    for _ in range(MOST_LIVES_CONFIRMED):
        slots = reopened()
        slots.boot()
        assert_runs(slots, "2026.12.2")
    last = reopened()
    last.boot()
    assert_runs(last, "2026.12.1")


def test_the_bundle_that_ships_is_never_left(slots: Slots, reopened: Reopened):
    for _ in range(3 * MOST_LIVES_CONFIRMED):
        slots = reopened()
        slots.boot()
    assert_runs(slots, "2026.11.1")
    assert slots.state.ended.outcome == "none"


# Recall, damage


def test_a_recalled_bundle_gives_way_to_the_good_one_before_it(slots: Slots, source: Path, reopened: Reopened):
    for version in ("2026.12.1", "2026.12.2"):
        install(slots, source, version)
        slots.confirm()
    slots.give_back("rollout r1 was recalled", Reason.WITHDRAWN)
    assert_runs(reopened(), "2026.12.1")


def test_a_recalled_bundle_gives_way_to_the_shipped_one_where_the_one_before_was_overwritten(
    slots: Slots, source: Path, reopened: Reopened
):
    for version in ("2026.12.1", "2026.12.2"):
        install(slots, source, version)
        slots.confirm()
    slots.begin("2026.12.3", "d" * 64, "r3")
    slots.give_back("rollout r1 was recalled", Reason.WITHDRAWN)
    assert_runs(reopened(), "2026.11.1")
    assert reopened().state.phase == "fetching"


def test_a_damaged_bundle_is_left_for_the_next_best_and_may_be_fetched_again(slots: Slots, source: Path):
    digest = ""
    for version in ("2026.12.1", "2026.12.2"):
        digest = install(slots, source, version)
        slots.confirm()
    assert slots.fall_back("items.npz was altered", Reason.TAMPERED) is not None
    assert_runs(slots, "2026.12.1")
    assert slots.refusal(digest, "r1") is None
    shutil.rmtree(slots.path("shipped"))
    slots.fall_back("items.npz was altered", Reason.TAMPERED)
    assert slots.state.running.place == "shipped"
    assert slots.fall_back("lacks manifest.json", Reason.MISSING) is None


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b'{"format": 2}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"lives": -1}',
    b'{"phase": "probation"}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_state_finds_the_bundle_that_was_confirmed_last(
    slots: Slots, source: Path, reopened: Reopened, tmp_path: Path, content: bytes
):
    for version in ("2026.12.1", "2026.12.2"):
        install(slots, source, version)
        slots.confirm()
    (tmp_path / "slots/state.json").write_bytes(content)
    again = reopened()
    assert "2026.12.2" in again.problem
    again.boot()
    assert_runs(again, "2026.12.2")
    assert_runs(reopened(), "2026.12.2")


def test_a_damaged_state_on_probation_runs_the_good_bundle_never_the_untried_one(
    slots: Slots, source: Path, reopened: Reopened, tmp_path: Path
):
    install(slots, source, "2026.12.1")
    slots.confirm()
    install(slots, source, "2026.12.2")
    (tmp_path / "slots/state.json").unlink()
    assert_runs(reopened(), "2026.12.1")


def test_a_damaged_state_with_a_damaged_slot_runs_the_bundle_that_ships(
    slots: Slots, source: Path, reopened: Reopened, tmp_path: Path
):
    install(slots, source, "2026.12.1")
    slots.confirm()
    (slots.running / "items.npz").write_bytes(b"PK")
    (tmp_path / "slots/state.json").write_bytes(b"{")
    again = reopened()
    assert "ships" in again.problem
    assert_runs(again, "2026.11.1")


def test_a_recalled_bundle_is_not_found_again_by_its_mark(
    slots: Slots, source: Path, reopened: Reopened, tmp_path: Path
):
    for version in ("2026.12.1", "2026.12.2"):
        install(slots, source, version)
        slots.confirm()
    slots.give_back("rollout r1 was recalled", Reason.WITHDRAWN)
    (tmp_path / "slots/state.json").unlink()
    assert_runs(reopened(), "2026.12.1")


def test_what_was_seen_on_probation_survives_a_restart(slots: Slots, source: Path, reopened: Reopened):
    install(slots, source, "2026.12.1")
    seen = ProbationState(before=Rates(plays=10, skips=2), observed_s=120.0, seen=Rates(evaluations=100, plays=3))
    slots.observe(seen)
    assert reopened().state.probation == seen
