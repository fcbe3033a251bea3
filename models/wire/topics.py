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
    "ChannelTopics",
    "DeviceTopics",
    "SenseTopic",
    "bundle_reports_filter",
    "check_name",
    "feedback_filter",
    "parse_bundle_report",
    "parse_feedback",
    "parse_sense",
    "sense",
    "sense_filter",
    "truth",
]

ROOT: Final = "attune/1"
NAME_PATTERN: Final = r"^[a-z0-9-]+$"
_NAME = re.compile(r"[a-z0-9-]+")
_METADATA_FILE = re.compile(r"(timestamp)\.json|([1-9][0-9]{0,8})\.(root|snapshot|targets)\.json")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DEVICE_BUNDLE = re.compile(rf"{ROOT}/device/([a-z0-9-]+)/bundle")
_FEEDBACK = re.compile(rf"{ROOT}/feedback/([a-z0-9-]{{1,64}})")
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


def bundle_reports_filter() -> str:
    """Filter for what every device says of its bundle."""
    return f"{ROOT}/device/+/bundle"


def parse_bundle_report(topic: str) -> str | None:
    """The device whose bundle's topic this is, or None for any other topic."""
    match = _DEVICE_BUNDLE.fullmatch(topic)
    return match[1] if match else None


def feedback_filter() -> str:
    """Filter for what every device gives back for training."""
    return f"{ROOT}/feedback/+"


def parse_feedback(topic: str) -> str | None:
    """The device whose feedback's topic this is, or None for any other topic."""
    match = _FEEDBACK.fullmatch(topic)
    return match[1] if match else None


def truth(name: str) -> str:
    """Topic on which a simulator tells what it really felt; the agent never subscribes to it."""
    return f"{ROOT}/sim/{check_name(name, 'the simulator')}/truth"


class ChannelTopics:
    """All topics of a channel of bundles. Everything on them is retained.

    Args:
        channel: the channel's name.
    """

    def __init__(self, channel: str) -> None:
        self.channel = check_name(channel, "the channel")
        self.root = f"{ROOT}/bundles/{channel}"
        self.filter = f"{self.root}/#"
        self.timestamp = f"{self.root}/metadata/timestamp"
        self.roots_filter = f"{self.root}/metadata/root/+"
        self._metadata = re.compile(
            re.escape(f"{self.root}/metadata/") + r"(?:(timestamp)|(root|snapshot|targets)/([1-9][0-9]{0,8}))"
        )
        self._chunk = re.compile(re.escape(f"{self.root}/chunk/") + r"([0-9a-f]{64})")

    def metadata(self, file: str) -> str:
        """Topic of a metadata file, by the name that TUF gives it: `timestamp.json` or `7.targets.json`.

        Raises:
            WireError: it is none of the four top-level roles', or a versioned one without its version.
        """
        match = _METADATA_FILE.fullmatch(file)
        if match is None:
            raise WireError(
                f"{file[:120]!r} is no metadata file of a channel",
                reason=Reason.MALFORMED,
                remedy="Names are timestamp.json, 1.root.json, 1.snapshot.json, 1.targets.json",
            )
        return self.timestamp if match[1] else f"{self.root}/metadata/{match[3]}/{match[2]}"

    def metadata_file(self, topic: str) -> str | None:
        """The name that TUF gives the metadata file on a topic of this channel, or None for any other topic."""
        match = self._metadata.fullmatch(topic)
        if match is None:
            return None
        return "timestamp.json" if match[1] else f"{match[3]}.{match[2]}.json"

    def chunk(self, address: str) -> str:
        """Topic of a chunk, by the SHA-256 of its bytes.

        Raises:
            WireError: it is no SHA-256 in lower-case hexadecimal.
        """
        if not _DIGEST.fullmatch(address):
            raise WireError(
                f"{address[:120]!r} is no address of a chunk",
                reason=Reason.MALFORMED,
                remedy="Use the SHA-256 of its bytes in lower-case hexadecimal",
            )
        return f"{self.root}/chunk/{address}"

    def chunk_address(self, topic: str) -> str | None:
        """The address of the chunk on a topic of this channel, or None for any other topic."""
        match = self._chunk.fullmatch(topic)
        return match[1] if match else None


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
