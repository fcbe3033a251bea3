"""From what is seen on probation to the bundle that runs: what is worse goes back, with its reason, and stays away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installing_helpers import assert_runs, install

from agent.delivery.installing.examination.examining import require_fitting
from agent.delivery.installing.probation import Probation, ProbationLimits, Rates
from agent.delivery.installing.slots.slots import Slots
from models.bundle.manifest import FORMAT
from models.delivery.offer import Offer, Phase, Rollout
from models.errors import BundleError, Reason
from models.physiology.schema import SCHEMA_VERSION

OLD, NEW = "2026.12.1", "2026.12.2"
BEFORE = Rates(evaluations=5000, faults=1, latency_ms=8.0, plays=60, skips=15)
LIMITS = ProbationLimits(least_s=120.0, evaluations=100, plays=4, most_s=3600.0)


@pytest.fixture
def device(slots: Slots, tmp_path: Path) -> Slots:
    """A device whose last good bundle came from the channel, and another one on probation."""
    install(slots, tmp_path / "source", OLD)
    slots.confirm()
    install(slots, tmp_path / "source", NEW, "r2")
    return slots


def live(slots: Slots, probation: Probation, seconds: int, **how: Any) -> None:
    """Let the agent run with the bundle, and do what it says; what was seen is kept as the agent keeps it."""
    for second in range(seconds):
        probation.evaluated(float(second), how.get("latency_ms", 8.0), faults=how.get("faults", 0))
        if second % 20 == 0:
            probation.played(skipped=how.get("skipped", second % 80 == 0))
        verdict = probation.verdict()
        if verdict.kind == "return" and verdict.code is not None:
            slots.give_back(verdict.reason, verdict.code)
            return
        if verdict.kind == "keep":
            slots.confirm()
            return
        slots.observe(probation.state)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"faults": 1}, "its models failed in"),
        ({"latency_ms": 90.0}, "an evaluation takes 90 ms, 8 ms with the bundle before"),
        ({"skipped": True}, "tracks were skipped, 15 of 60 before"),
    ],
)
def test_a_bundle_that_does_worse_is_taken_back_with_its_reason(
    device: Slots, reopened: Callable[[], Slots], how: dict[str, Any], words: str
):
    digest = device.state.running.digest
    limits = ProbationLimits(least_s=3600.0, evaluations=100, plays=4, most_s=7200.0)
    live(device, Probation(Probation.begin(BEFORE), limits), 3000, **how)
    for slots in (device, reopened()):
        assert_runs(slots, OLD)
        assert (slots.state.ended.outcome, slots.state.ended.code) == ("returned", str(Reason.WORSE))
        assert words in slots.state.ended.reason
        assert slots.refusal(digest, "r2") is not None


def test_a_bundle_that_does_as_well_is_kept(device: Slots, reopened: Callable[[], Slots]):
    live(device, Probation(Probation.begin(BEFORE), LIMITS), 3000)
    for slots in (device, reopened()):
        assert_runs(slots, NEW)
        assert slots.state.ended.outcome == "confirmed"


def test_a_probation_goes_on_after_a_restart_and_still_takes_back(device: Slots, reopened: Callable[[], Slots]):
    live(device, Probation(Probation.begin(BEFORE), LIMITS), 100)
    again = reopened()
    again.boot()
    assert again.state.probation is not None
    probation = Probation(again.state.probation, LIMITS)
    assert probation.state.observed_s == pytest.approx(99.0)
    live(again, probation, 10, faults=1)
    assert_runs(again, OLD)


@pytest.mark.parametrize(
    "changes",
    [
        {"boards": ["riscv64"]},
        {"runtimes": ["coral"]},
        {"bundle_format": FORMAT + 1},
        {"feature_schema": SCHEMA_VERSION + 1},
        {"version": "2026.11.9"},
    ],
)
def test_an_offer_for_another_device_or_of_an_older_bundle_leaves_everything_as_it_was(
    slots: Slots, tmp_path: Path, changes: dict[str, Any]
):
    install(slots, tmp_path / "source", OLD)
    slots.confirm()
    before = slots.state
    fields: dict[str, Any] = {
        "channel": "stable",
        "version": NEW,
        "bytes": 1,
        "bundle_format": FORMAT,
        "feature_schema": SCHEMA_VERSION,
        "rollout": Rollout(id="r2", phases=[Phase()]),
    }
    with pytest.raises(BundleError) as caught:
        require_fitting(Offer(**{**fields, **changes}), running_version=OLD, runtime="auto")
    assert slots.state == before
    slots.refuse(NEW, "d" * 64, "r2", str(caught.value), caught.value.reason)
    assert_runs(slots, OLD)
    assert slots.state.ended.outcome == "refused"
