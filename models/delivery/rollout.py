"""Whose turn it is: decided by each device from signed metadata and what the others report. Pure functions.

Rules:

- A device that cannot hear the others waits; it never goes ahead on a guess. Reports are not signed: who owns the
  broker can hold a rollout back or hurry its phases, but only with the bundle that was signed.
- A phase counts the devices that are known to belong to it: those with a report on this channel whose group and share
  fit. Each device counts once, in the first phase that takes it.
- The publisher and the devices call the same function, so they see the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from models.delivery.offer import Offer, Phase
from models.wire.messages import BundleStatus

__all__ = ["Admission", "PhaseCount", "admit", "count", "phase_of", "share_of"]

_BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class PhaseCount:
    """How far a phase is.

    Attributes:
        devices: known to belong to it.
        confirmed: of them, run the bundle for good.
        failed: of them, refused it or went back.
        open: whether its devices may take the bundle.
    """

    devices: int
    confirmed: int
    failed: int
    open: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a device may take a bundle now.

    Attributes:
        verdict: `go`, `wait` for its turn, `stop` (the rollout has ended), or `never` (no phase takes this device).
        phase: index of the device's phase; None without one.
        reason: for the listener, a half-sentence.
    """

    verdict: Literal["go", "wait", "stop", "never"]
    phase: int | None
    reason: str


def share_of(device: str, rollout: str) -> float:
    """Where a device stands in a rollout, in [0, 100): below a phase's percentage is in."""
    digest = hashlib.sha256(f"{rollout}/{device}".encode()).digest()
    return int.from_bytes(digest[:8]) % _BUCKETS * 100.0 / _BUCKETS


def phase_of(offer: Offer, device: str, group: str) -> int | None:
    """Index of the first phase that takes a device, or None."""
    share = share_of(device, offer.rollout.id)
    for index, phase in enumerate(offer.rollout.phases):
        if phase.group in {"", group} and share < phase.percent:
            return index
    return None


def count(offer: Offer, reports: Mapping[str, BundleStatus]) -> list[PhaseCount]:
    """Count the phases of a rollout.

    Args:
        offer: from verified metadata.
        reports: what each device says of itself, by device; those of other channels are left out.
    """
    tallies = [[0, 0, 0] for _ in offer.rollout.phases]
    for device, report in reports.items():
        index = phase_of(offer, device, report.group) if report.channel == offer.channel else None
        if index is None:
            continue
        tallies[index][0] += 1
        if report.rollout == offer.rollout.id:
            tallies[index][1] += report.outcome == "confirmed"
            tallies[index][2] += report.outcome in {"refused", "returned"}
    counts: list[PhaseCount] = []
    for index, (devices, confirmed, failed) in enumerate(tallies):
        opened = index < offer.rollout.opened or (
            index > 0 and _succeeded(offer.rollout.phases[index - 1], counts[index - 1])
        )
        counts.append(PhaseCount(devices, confirmed, failed, opened))
    return counts


def admit(offer: Offer, device: str, group: str, reports: Mapping[str, BundleStatus]) -> Admission:
    """Decide whether a device may take the bundle on offer.

    Args:
        offer: from verified metadata.
        device: its name.
        group: its group, from its settings; empty for none.
        reports: what the devices say of themselves, by device.
    """
    rollout = offer.rollout
    index = phase_of(offer, device, group)
    if rollout.status == "aborted":
        return Admission("stop", index, f"rollout {rollout.id} was aborted")
    counts = count(offer, reports)
    for number, (phase, tally) in enumerate(zip(rollout.phases, counts, strict=True)):
        if tally.failed >= phase.least and tally.failed >= phase.errors * tally.devices and tally.failed:
            return Admission("stop", index, f"{tally.failed} of {tally.devices} devices in phase {number + 1} failed")
    if index is None:
        return Admission("never", None, f"no phase of rollout {rollout.id} takes this device")
    if rollout.status == "paused":
        return Admission("wait", index, f"rollout {rollout.id} is paused")
    if not counts[index].open:
        return Admission("wait", index, f"phase {index + 1} of rollout {rollout.id} has not begun")
    return Admission("go", index, f"phase {index + 1} of rollout {rollout.id}")


def _succeeded(phase: Phase, tally: PhaseCount) -> bool:
    """Whether the phase after this one may begin."""
    return tally.open and tally.confirmed >= phase.least and tally.confirmed >= phase.success * tally.devices
