"""What the players say of their bundles, and what it makes of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cloud_trainer.publishing.broker import Broker
from cloud_trainer.publishing.phases import said
from models.delivery.offer import Offer
from models.delivery.rollout import admit, count
from models.errors import WireError
from models.wire.messages import BundleStatus, decode
from models.wire.topics import bundle_reports_filter, parse_bundle_report

__all__ = ["Fleet", "device_rows", "followers", "read_fleet", "rollout_rows", "verdict"]

_PATIENCE_S: Final = 0.5
_LARGEST_REPORT: Final = 16_384


@dataclass(frozen=True, slots=True)
class Fleet:
    """The players that a broker knows.

    Attributes:
        reports: the last one of each, by device.
        unreadable: devices whose report is none.
    """

    reports: Mapping[str, BundleStatus]
    unreadable: tuple[str, ...] = ()


async def read_fleet(broker: Broker) -> Fleet:
    """Read the retained report of every player.

    Raises:
        BrokerError: UNREACHABLE: the connection was lost.
    """
    found = await broker.read_filter(
        bundle_reports_filter(), keep=lambda topic: parse_bundle_report(topic) is not None, patience_s=_PATIENCE_S
    )
    reports: dict[str, BundleStatus] = {}
    unreadable: list[str] = []
    for topic, payload in sorted(found.items()):
        device = parse_bundle_report(topic) or ""
        report = _report(payload)
        if report is None:
            unreadable.append(device)
        else:
            reports[device] = report
    return Fleet(reports, tuple(unreadable))


def _report(payload: bytes) -> BundleStatus | None:
    try:
        return decode(payload, BundleStatus) if len(payload) <= _LARGEST_REPORT else None
    except WireError:
        return None


def followers(fleet: Fleet, channel: str) -> dict[str, BundleStatus]:
    """The players that follow a channel."""
    return {device: report for device, report in fleet.reports.items() if report.channel == channel}


def device_rows(fleet: Fleet, offers: Mapping[str, Offer], now: float) -> list[dict[str, Any]]:
    """One row for each player.

    Args:
        fleet: what they say.
        offers: what each channel that we know offers now, for whose turn it is.
        now: seconds since the epoch.
    """
    rows: list[dict[str, Any]] = []
    for device, report in fleet.reports.items():
        offer = offers.get(report.channel)
        turn = admit(offer, device, report.group, fleet.reports) if offer else None
        row = {"device": device, **msgspec.to_builtins(report)}
        row |= {"reported_s_ago": max(0.0, now - report.t), "turn": "" if turn is None else turn.verdict}
        row["up_to_date"] = offer is not None and report.version == offer.version
        rows.append(row)
    return rows


def rollout_rows(offer: Offer, fleet: Fleet) -> list[dict[str, Any]]:
    """One row for each phase of a rollout."""
    counts = count(offer, fleet.reports)
    return [
        {
            "phase": number,
            "who": said(phase),
            "open": tally.open,
            "devices": tally.devices,
            "confirmed": tally.confirmed,
            "failed": tally.failed,
            "success_at": phase.success,
            "stops_at": phase.errors,
            "least": phase.least,
        }
        for number, (phase, tally) in enumerate(zip(offer.rollout.phases, counts, strict=True), start=1)
    ]


def verdict(offer: Offer, fleet: Fleet) -> str:
    """How a rollout stands, in a sentence."""
    rollout = offer.rollout
    # Whoever may not go because of the errors of others hears so; an unknown device asks on everybody's behalf.
    turn = admit(offer, "", "", fleet.reports)
    if rollout.status == "aborted":
        return "aborted" + ("; players that have confirmed it go back, too" if rollout.recall else "")
    if turn.verdict == "stop":
        return f"stopped by itself: {turn.reason}"
    rows = rollout_rows(offer, fleet)
    confirmed, devices = (sum(row[key] for row in rows) for key in ("confirmed", "devices"))
    progress = f"{confirmed} of {devices} players have confirmed it" if devices else "it has no players yet"
    return f"{rollout.status}; {progress}"
