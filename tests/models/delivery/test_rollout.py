"""Each device decides by itself, from what was signed and what the others report, whether it is its turn."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from models.delivery.offer import Offer, Phase, Rollout
from models.delivery.rollout import admit, count, phase_of, share_of
from models.wire.messages import BundleStatus

Outcome = Literal["none", "activated", "confirmed", "refused", "returned"]


def offer(*phases: Phase, **changes: Any) -> Offer:
    rollout = Rollout(id="r1", phases=list(phases or (Phase(group="canary"), Phase())), **changes)
    return Offer(channel="stable", version="2026.11.3", bytes=1, bundle_format=1, feature_schema=2, rollout=rollout)


def report(outcome: Outcome = "none", *, group: str = "", rollout: str = "r1", channel: str = "stable") -> BundleStatus:
    return BundleStatus(
        t=0.0,
        version="2026.11.2",
        embedding_space="a",
        runtime="tflite",
        precision={},
        channel=channel,
        outcome=outcome,
        rollout=rollout,
        group=group,
    )


def test_the_first_phase_goes_at_once_and_the_second_waits() -> None:
    assert admit(offer(), "kitchen", "canary", {}).verdict == "go"
    waiting = admit(offer(), "attic", "", {})
    assert (waiting.verdict, waiting.phase) == ("wait", 1)


def test_the_second_phase_opens_when_enough_of_the_first_have_confirmed() -> None:
    canaries = {f"canary-{number}": report("confirmed", group="canary") for number in range(9)}
    late = {"canary-9": report("activated", group="canary")}
    assert admit(offer(), "attic", "", canaries | late).verdict == "go"
    assert admit(offer(), "attic", "", dict(list(canaries.items())[:8]) | late).verdict == "wait"


def test_one_phase_that_fails_stops_the_whole_rollout() -> None:
    reports = {f"canary-{number}": report("confirmed", group="canary") for number in range(4)}
    reports["canary-4"] = report("returned", group="canary")
    stopped = admit(offer(), "attic", "", reports)
    assert stopped.verdict == "stop"
    assert "1 of 5 devices in phase 1 failed" in stopped.reason


def test_what_others_said_of_another_rollout_or_channel_opens_nothing() -> None:
    of_before = {"canary-1": report("confirmed", group="canary", rollout="r0")}
    elsewhere = {"canary-1": report("confirmed", group="canary", channel="beta")}
    assert admit(offer(), "attic", "", of_before).verdict == "wait"
    assert admit(offer(), "attic", "", elsewhere).verdict == "wait"


def test_the_publisher_opens_a_phase_by_hand() -> None:
    assert admit(offer(opened=2), "attic", "", {}).verdict == "go"


def test_a_paused_rollout_starts_nothing_and_an_aborted_one_ends() -> None:
    assert admit(offer(status="paused"), "kitchen", "canary", {}).verdict == "wait"
    assert admit(offer(status="aborted"), "kitchen", "canary", {}).verdict == "stop"


def test_a_device_that_no_phase_takes_is_left_alone() -> None:
    assert admit(offer(Phase(group="canary")), "attic", "", {}).verdict == "never"


@given(st.text("abcdefgh-", min_size=1, max_size=12), st.floats(0.1, 100.0))
def test_a_device_of_a_share_stays_in_every_larger_share(device: str, percent: float) -> None:
    small, large = offer(Phase(percent=percent)), offer(Phase(percent=100.0))
    assert phase_of(large, device, "") == 0
    assert (phase_of(small, device, "") == 0) == (share_of(device, "r1") < percent)


def test_a_share_takes_about_its_part_of_the_fleet_and_others_each_time() -> None:
    fleet = [f"device-{number}" for number in range(2000)]
    first = {device for device in fleet if share_of(device, "r1") < 20.0}
    second = {device for device in fleet if share_of(device, "r2") < 20.0}
    assert 320 < len(first) < 480
    assert len(first & second) < 160


def test_the_publisher_sees_how_far_each_phase_is() -> None:
    reports = {"kitchen": report("confirmed", group="canary"), "attic": report(), "hall": report("refused")}
    first, second = count(offer(), reports)
    assert (first.devices, first.confirmed, first.open) == (1, 1, True)
    assert (second.devices, second.failed, second.open) == (2, 1, True)
