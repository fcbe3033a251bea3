"""The errors that Attune raises on purpose.

    AttuneError
    ├── SettingsError     a settings file or key
    ├── WireError         a topic, pack or command
    ├── BundleError       a bundle, its manifest, a model or table in it
    ├── DeliveryError     signed metadata, chunks, keys and rollouts of bundles
    ├── AudioError        an audio file
    ├── PlaybackError     the sound device
    ├── StorageError      the database and the disk under it
    ├── BrokerError       the MQTT broker
    └── DataError         a research data set or a recorded session

A message names what was wrong and where; `remedy` says what to do about it; `reason` is what a program branches on and
what stands as `code` on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

__all__ = [
    "AttuneError",
    "AudioError",
    "BrokerError",
    "BundleError",
    "DataError",
    "DeliveryError",
    "PlaybackError",
    "Reason",
    "SettingsError",
    "StorageError",
    "WireError",
]


class Reason(StrEnum):
    """Why something was refused. The value is the code on the wire; codes are never renamed."""

    # settings
    UNKNOWN_KEY = "unknown_key"
    WRONG_TYPE = "wrong_type"
    WRONG_VALUE = "wrong_value"
    NOT_TOML = "not_toml"
    MISSING = "missing"
    # wire
    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    WRONG_UNIT = "wrong_unit"
    UNKNOWN_QUANTITY = "unknown_quantity"
    UNSUPPORTED = "unsupported"
    FUTURE = "future"
    RETAINED = "retained"
    UNKNOWN_VERB = "unknown_verb"
    UNKNOWN_TRACK = "unknown_track"
    WRONG_STATE = "wrong_state"
    # bundle
    TAMPERED = "tampered"
    INCOMPATIBLE = "incompatible"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    ROLLED_BACK = "rolled_back"
    WITHDRAWN = "withdrawn"
    WORSE = "worse"
    TIMED_OUT = "timed_out"
    # files
    EMPTY = "empty"
    NOT_AUDIO = "not_audio"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"
    # resources
    READ_ONLY = "read_only"
    DISK_FULL = "disk_full"
    PORT_IN_USE = "port_in_use"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_DEVICE = "no_device"
    FAILED = "failed"


class AttuneError(Exception):
    """Base of everything that Attune raises on purpose.

    Args:
        message: what was wrong, and where.
        reason: what a program branches on.
        remedy: what the reader can do about it, as an imperative sentence.
    """

    def __init__(self, message: str, *, reason: Reason, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[Callable[..., AttuneError], tuple[type[AttuneError], str, Reason, str]]:
        """Lets an error come back from a child process: pickle cannot pass keyword-only arguments by itself."""
        return _rebuild, (type(self), self.message, self.reason, self.remedy)

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


def _rebuild(kind: type[AttuneError], message: str, reason: Reason, remedy: str) -> AttuneError:
    return kind(message, reason=reason, remedy=remedy)


class SettingsError(AttuneError):
    """A settings file cannot be read, or one of its keys is wrong."""


class WireError(AttuneError):
    """A topic, pack or command does not follow the wire format."""


class BundleError(AttuneError):
    """A bundle is incomplete, altered, or not made for this program."""


class DeliveryError(AttuneError):
    """Keys, signed metadata, chunks or a rollout of a bundle are not as they must be."""


class AudioError(AttuneError):
    """An audio file is missing, empty, damaged, or none."""


class PlaybackError(AttuneError):
    """The sound device cannot be opened or was lost."""


class StorageError(AttuneError):
    """The database or the disk under it refuses."""


class BrokerError(AttuneError):
    """The MQTT broker cannot be started or reached."""


class DataError(AttuneError):
    """A research data set or a recorded session is absent or not what its documentation says."""
