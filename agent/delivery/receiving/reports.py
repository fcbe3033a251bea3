"""What the devices say of their bundle, for rollouts that each device decides by itself.

Rules:

- Reports are not signed. They are read like anything from a stranger: bounded in size and number, and what is not as
  documented is counted and left out.
- Of a report only what rollouts look at is kept, and texts that many share are kept once: ten thousand devices cost
  three megabytes.
"""

from __future__ import annotations

import sys
from types import MappingProxyType

import msgspec

from agent.delivery.receiving.messages import Limits
from models.errors import WireError
from models.wire.messages import BundleStatus, decode
from models.wire.topics import parse_bundle_report

__all__ = ["Reports"]


class Reports:
    """The latest valid report of each device.

    Args:
        limits: devices, and bytes of a report.

    Attributes:
        known: by device; a view.
        refused: reports that were not taken, by reason.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[str, BundleStatus] = {}
        self.known = MappingProxyType(self._known)
        self.refused: dict[str, int] = {}

    def take(self, topic: str, payload: bytes) -> bool:
        """Look at a message; returns whether a rollout may see something else now."""
        device = parse_bundle_report(topic)
        if device is None:
            return False
        before = self._known.get(device)
        if not payload:  # cleared
            self._known.pop(device, None)
            return before is not None
        if before is None and len(self._known) >= self._limits.reports:
            return self._refuse("reports_full")
        if len(payload) > self._limits.report_bytes:
            return self._refuse("report")
        try:
            report = _slim(decode(payload, BundleStatus))
        except WireError:
            return self._refuse("report")
        self._known[device] = report
        return before is None or _seen(before) != _seen(report)

    def _refuse(self, why: str) -> bool:
        self.refused[why] = self.refused.get(why, 0) + 1
        return False


def _seen(report: BundleStatus) -> tuple[str, ...]:
    """What a rollout looks at."""
    return report.channel, report.group, report.rollout, report.outcome


def _slim(report: BundleStatus) -> BundleStatus:
    names = ("version", "embedding_space", "runtime", "channel", "rollout", "group", "code")
    shared = {name: sys.intern(getattr(report, name)) for name in names}
    return msgspec.structs.replace(report, precision={}, reason="", **shared)
