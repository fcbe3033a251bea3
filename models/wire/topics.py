"""MQTT topics: built and taken apart in this one place.

Rules:

- A name on the wire (`{device}`, `{listener}`, `{wearable}`, `{channel}`, a quantity, a verb) is `[a-z0-9-]+`; whatever
  builds a topic refuses another, so no setting can smuggle in a wildcard or a level.
- Filters name exactly one level where one name stands, so an agent never receives its own errors and replies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from models.errors import Reason, WireError

__all__ = [
    "NAME_PATTERN",
    "ROOT",
    "DeviceTopics",
    "SenseTopic",
    "check_name",
    "parse_sense",
    "sense",
    "sense_filter",
    "truth",
]

ROOT: Final = "attune/1"
NAME_PATTERN: Final = r"^[a-z0-9-]+$"
_NAME = re.compile(r"[a-z0-9-]+")
_SENSE = re.compile(rf"{ROOT}/listener/([a-z0-9-]+)/sense/([a-z0-9-]+)/([a-z0-9-]+)")


def check_name(name: str, what: str) -> str:
    """Return `name` when it may stand in a topic.

    Raises:
        WireError: it is empty or holds anything but lower-case letters, digits and hyphens.
    """
    if not _NAME.fullmatch(name):
        raise WireError(
            f"{what} is {name!r}, which cannot stand in a topic",
            reason=Reason.WRONG_VALUE,
            remedy="Use lower-case letters, digits and hyphens only",
        )
    return name


@dataclass(frozen=True, slots=True)
class SenseTopic:
    """Where a sensor pack came from."""

    listener: str
    wearable: str
    quantity: str


def sense(listener: str, wearable: str, quantity: str) -> str:
    """Topic on which a wearable publishes one quantity."""
    check_name(listener, "the listener")
    check_name(wearable, "the wearable")
    return f"{ROOT}/listener/{listener}/sense/{wearable}/{check_name(quantity, 'the quantity')}"


def sense_filter(listener: str) -> str:
    """Filter for all quantities of all wearables of a listener."""
    return f"{ROOT}/listener/{check_name(listener, 'the listener')}/sense/+/+"


def parse_sense(topic: str) -> SenseTopic:
    """Take a sense topic apart.

    Raises:
        WireError: it is no sense topic.
    """
    match = _SENSE.fullmatch(topic)
    if match is None:
        raise WireError(
            f"{topic[:120]!r} is no topic of a sensor",
            reason=Reason.MALFORMED,
            remedy=f"Publish to {ROOT}/listener/LISTENER/sense/WEARABLE/QUANTITY",
        )
    return SenseTopic(*match.groups())


def truth(name: str) -> str:
    """Topic on which a simulator tells what it really felt; the agent never subscribes to it."""
    return f"{ROOT}/sim/{check_name(name, 'the simulator')}/truth"


class DeviceTopics:
    """All topics of one player.

    Args:
        device: the device's name.
    """

    def __init__(self, device: str) -> None:
        self.device = check_name(device, "the device")
        self.root = f"{ROOT}/device/{device}"
        self.availability = f"{self.root}/availability"
        self.affect = f"{self.root}/affect"
        self.now = f"{self.root}/now"
        self.queue = f"{self.root}/queue"
        self.health = f"{self.root}/health"
        self.bundle = f"{self.root}/bundle"
        self.feedback = f"{ROOT}/feedback/{device}"
        self.command_filter = f"{self.root}/command/+"
        self.command_error_filter = f"{self.root}/command/+/error"
        self._command = re.compile(re.escape(f"{self.root}/command/") + r"([^/]+)")

    def command(self, verb: str) -> str:
        """Topic of a command."""
        return f"{self.root}/command/{check_name(verb, 'the verb')}"

    def command_error(self, verb: str) -> str:
        """Topic on which a refused command is answered.

        A verb that could not stand in a topic is answered as `unknown`.
        """
        return f"{self.root}/command/{verb if _NAME.fullmatch(verb) else 'unknown'}/error"

    def reply(self, request: str) -> str:
        """Topic on which a command that carried this id is answered."""
        return f"{self.root}/reply/{check_name(request, 'the id')}"

    def verb(self, topic: str) -> str | None:
        """The verb of a command topic of this device, or None for any other topic."""
        match = self._command.fullmatch(topic)
        return match[1] if match else None
