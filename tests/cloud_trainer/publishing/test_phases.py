"""Phases as they are typed, and which offer follows which."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publishing_desk import Desk, make_bundle

from cloud_trainer.publishing.phases import everyone, opened_further, parse_phases, said
from models.delivery.offer import Phase, Rollout
from models.errors import DeliveryError, Reason


def parse(text: str) -> list[Phase]:
    return parse_phases(text, success=90.0, errors=20.0, least=1)


def test_groups_and_percentages_are_read_in_order():
    assert parse("canary, 10%, kitchen:25%, all") == [
        Phase(group="canary"),
        Phase(percent=10.0),
        Phase(group="kitchen", percent=25.0),
        Phase(),
    ]
    assert [said(phase) for phase in parse("canary, 10%, kitchen:2.5%, all")] == [
        "group canary",
        "10 % of everyone",
        "2.5 % of group kitchen",
        "everyone",
    ]


def test_thresholds_hold_for_every_phase():
    phases = parse_phases("canary, all", success=80.0, errors=5.0, least=3)
    assert {(phase.success, phase.errors, phase.least) for phase in phases} == {(0.8, 0.05, 3)}


@pytest.mark.parametrize(
    "text", ["", ",", "canary,", "0%", "101%", "-1%", "nan%", "x%", "a:b", "a:", ":10%", "A", "a b"]
)
def test_what_is_no_phase_is_repeated_with_an_example(text: str):
    with pytest.raises(DeliveryError, match="is no phase of a rollout") as caught:
        parse(text)
    assert caught.value.reason is Reason.WRONG_VALUE
    assert "canary, 10%, 50%, all" in caught.value.remedy


@given(st.text("abc-,:%.0123456789 ", max_size=30))
def test_any_text_is_phases_or_refused(text: str):
    try:
        phases = parse(text)
    except DeliveryError as error:
        assert error.reason is Reason.WRONG_VALUE
    else:
        assert all(0 < phase.percent <= 100 for phase in phases)


def test_promotion_opens_phase_after_phase_and_then_everyone():
    rollout = Rollout(id="r", phases=parse("canary, 10%"))
    rollout = opened_further(rollout)
    assert (rollout.opened, len(rollout.phases)) == (2, 2)
    rollout = opened_further(rollout)
    assert rollout.opened == 3
    assert everyone(rollout.phases[-1])
    with pytest.raises(DeliveryError, match="open to everyone already"):
        opened_further(rollout)


def test_an_aborted_rollout_is_not_promoted():
    with pytest.raises(DeliveryError, match="was aborted") as caught:
        opened_further(Rollout(id="r", phases=parse("canary, all"), status="aborted"))
    assert caught.value.reason is Reason.WRONG_STATE


def test_the_same_bundle_keeps_its_rollout_also_once_it_was_promoted(desk: Desk, bundle: Path):
    phases = parse("canary")
    first = desk.offer(bundle, phases=phases)
    promoted = msgspec.structs.replace(first, rollout=opened_further(first.rollout))
    desk.channel.change(promoted, 1_800_000_000.0)
    assert desk.offer(bundle, phases=phases) == promoted


def test_other_phases_an_abort_or_the_wish_begin_another_rollout(desk: Desk, bundle: Path):
    ids = [desk.offer(bundle).rollout.id]
    ids.append(desk.offer(bundle, phases=parse("canary, all")).rollout.id)
    ids.append(desk.offer(bundle, phases=parse("canary, all"), anew=True).rollout.id)
    offer = desk.channel.offer()
    aborted = msgspec.structs.replace(offer, rollout=msgspec.structs.replace(offer.rollout, status="aborted"))
    desk.channel.change(aborted, 1_800_000_000.0)
    ids.append(desk.offer(bundle, phases=parse("canary, all")).rollout.id)
    assert ids == ["2026-11-2-1", "2026-11-2-2", "2026-11-2-3", "2026-11-2-5"]


def test_an_older_bundle_is_offered_only_on_demand(desk: Desk, bundle: Path, tmp_path: Path):
    desk.offer(make_bundle(tmp_path / "newer", version="2026.11.10"))
    before = desk.channel.offer()
    with pytest.raises(DeliveryError, match=r"2026\.11\.2 is older than 2026\.11\.10") as caught:
        desk.offer(bundle)
    assert "--older" in caught.value.remedy
    assert desk.channel.offer() == before
    assert desk.offer(bundle, older=True).older


def test_a_version_that_is_offered_stands_for_its_files(desk: Desk, bundle: Path, tmp_path: Path):
    desk.offer(bundle)
    before = desk.channel.offer()
    with pytest.raises(DeliveryError, match=r"2026\.11\.2 is offered already, with other files"):
        desk.offer(make_bundle(tmp_path / "other", changed="hybrid"))
    assert desk.channel.offer() == before
