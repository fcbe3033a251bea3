"""Steps and checks that the tests of installing share."""

from __future__ import annotations

from pathlib import Path

from bundles import tiny_bundle

from agent.delivery.installing.probation import Rates
from agent.delivery.installing.slots.opening import is_whole
from agent.delivery.installing.slots.slots import Slots

__all__ = ["assert_runs", "install"]


def install(slots: Slots, source: Path, version: str, rollout: str = "r1") -> str:
    """Bring a bundle as far as probation; return its digest."""
    digest = tiny_bundle(source, version)
    folder = slots.begin(version, digest, rollout)
    tiny_bundle(folder, version)
    slots.proceed("testing")
    slots.activate(Rates())
    return digest


def assert_runs(slots: Slots, version: str) -> None:
    """The right bundle runs, and it and the last good one are whole."""
    state = slots.state
    assert (state.running.version or "2026.11.1") == version
    assert is_whole(slots.running, state.running)
    assert is_whole(slots.path(state.confirmed.place), state.confirmed)
