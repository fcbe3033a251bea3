"""The lines of a session file: the header, and one for each message."""

from __future__ import annotations

import base64
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from models.errors import Reason, WireError
from models.wire import senml, topics

__all__ = [
    "ABSENT",
    "FORMAT_NAME",
    "FORMAT_VERSION",
    "Begin",
    "Entry",
    "Header",
    "Line",
    "encode_entry",
    "encode_header",
]

FORMAT_NAME: Final = "attune-session"
FORMAT_VERSION: Final = 1


class Entry(NamedTuple):
    """A message as it arrived.

    Attributes:
        t: when it arrived, seconds since the epoch.
        topic: where.
        payload: what; of a session's packs SenML in JSON.
    """

    t: float
    topic: str
    payload: bytes


class Header(msgspec.Struct, frozen=True):
    """The first line of a session.

    Attributes:
        t: when the recording began, seconds since the epoch.
        source: who or what was recorded.
        licence: terms of the recording, where it has any.
        marks: moments that the wearer marked, seconds since the epoch.
        format: what kind of file it is.
        version: of the format.
    """

    t: float
    source: str = ""
    licence: str = ""
    marks: tuple[float, ...] = ()
    format: str = FORMAT_NAME
    version: int = FORMAT_VERSION


class Begin(msgspec.Struct):
    """As much of a header as every version has."""

    format: str
    version: int


ABSENT: Final = Raw(b"")
"""Stands for a key that is not there; compared by identity."""


class Line(msgspec.Struct, omit_defaults=True):
    """A message as it stands in the file.

    Attributes:
        t: when it arrived, seconds since the epoch.
        topic: where.
        pack: SenML records, of a sensor's pack that can be read; else one of the others.
        message: JSON, of anything else that is.
        raw: base64 of what is neither.
    """

    t: float
    topic: str
    pack: Raw = ABSENT
    message: Raw = ABSENT
    raw: str | None = None


_encoder = msgspec.json.Encoder()


def encode_header(header: Header) -> bytes:
    """The first line of a file, with its end."""
    return _encoder.encode(header) + b"\n"


def encode_entry(entry: Entry) -> bytes:
    """The line of a message, with its end."""
    pack, message, raw = ABSENT, ABSENT, None
    try:
        if "/sense/" in entry.topic:
            pack = Raw(_resolved(entry))
        else:
            # Without spaces and line ends, whatever the sender put between the tokens.
            message = Raw(msgspec.json.format(entry.payload, indent=-1))
    except (WireError, msgspec.DecodeError, UnicodeDecodeError):
        raw = base64.b64encode(entry.payload).decode()
    return _encoder.encode(Line(entry.t, entry.topic, pack, message, raw)) + b"\n"


def _resolved(entry: Entry) -> bytes:
    """A pack with absolute times, as JSON.

    Raises:
        WireError: it cannot be read, holds no sample, or would become too large to be read again.
    """
    quantity = topics.parse_sense(entry.topic).quantity
    pack = senml.decode(entry.payload, quantity=quantity, now=entry.t)
    if not len(pack.times):
        raise WireError("the pack is empty", reason=Reason.EMPTY)
    content = senml.encode(quantity, pack.times.tolist(), pack.values, sequence=pack.sequence, cbor=False)
    if len(content) > senml.MAXIMUM_BYTES:
        raise WireError("the pack is too large", reason=Reason.OVERSIZED)
    return content
