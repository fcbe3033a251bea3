"""What a channel offers: the bundle, for whom it is, and how it is rolled out.

A channel is one TUF repository with keys of its own. Its targets are the files of the bundle that it offers now, by
their paths in the bundle's folder. `custom` of each holds its chunks; that of `manifest.json` also the offer:

    {"attune": {"chunks": {"chunk_bytes": 65536, "sha256": ["…"]}, "offer": {"format": 1, "channel": "stable", …}}}

What is signed is canonical JSON, which knows no fractions: 0.9 stands there as the text "0.9".
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from models.delivery.chunks import ChunkList
from models.errors import DeliveryError, Reason

__all__ = ["FORMAT", "MANIFEST", "Offer", "Phase", "Rollout", "Shipment", "read_custom", "write_custom"]

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
"""The target whose `custom` holds the offer."""
_KEY: Final = "attune"

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,64}\Z")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the fleet that gets the bundle together.

    Attributes:
        group: devices whose settings name this group; empty for all.
        percent: of them, chosen by a hash of device and rollout, so that nobody is always first.
        success: share of the phase's known devices that must have confirmed the bundle before the next phase opens.
        errors: share that refused it or went back at which the whole rollout stops.
        least: devices that must have answered before either share is looked at.
    """

    group: Annotated[str, Meta(pattern=r"\A[a-z0-9-]{0,64}\Z")] = ""
    percent: Annotated[float, Meta(gt=0.0, le=100.0)] = 100.0
    success: Share = 0.9
    errors: Share = 0.2
    least: Annotated[int, Meta(ge=1)] = 1


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """How a bundle is brought to the fleet.

    Attributes:
        id: of this rollout; the same bundle rolled out anew has another one.
        phases: in order.
        opened: how many phases the publisher has opened by hand; later ones open when the one before has succeeded.
        status: what the publisher says: `paused` starts nothing new, `aborted` also ends probations.
        recall: with `aborted`: devices that have confirmed the bundle go back, too.
    """

    id: Name
    phases: Annotated[list[Phase], Meta(min_length=1, max_length=32)]
    opened: Annotated[int, Meta(ge=0, le=32)] = 1
    status: Literal["running", "paused", "aborted"] = "running"
    recall: bool = False


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """The bundle that a channel offers.

    Attributes:
        format: of this description.
        channel: on which it is offered; a device refuses another one's.
        version: of the bundle.
        bytes: of all its files.
        bundle_format, feature_schema: what a device must be able to read.
        boards: machines that it is for (`platform.machine()`); empty for any.
        runtimes: TFLite runtimes of which one must be there; empty for any.
        older: whether a device may go from a newer version to this one.
        rollout: to whom, in which order.
    """

    format: int = FORMAT
    channel: Name
    version: Annotated[str, Meta(pattern=r"\A\d{4}\.\d{1,2}\.\d+\Z")]
    bytes: Annotated[int, Meta(ge=0)]
    bundle_format: int
    feature_schema: int
    boards: list[str] = []
    runtimes: list[str] = []
    older: bool = False
    rollout: Rollout


class Shipment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands under `attune` in a target's `custom`."""

    chunks: ChunkList
    offer: Offer | None = None


def write_custom(shipment: Shipment) -> dict[str, Any]:
    """`custom` of a target."""
    return {_KEY: _without_fractions(msgspec.to_builtins(shipment))}


def _without_fractions(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Replace what canonical JSON cannot hold: 100.0 becomes 100 and 0.9 "0.9"."""
    match value:
        case float():
            return int(value) if value.is_integer() else repr(value)
        case dict():
            return {key: _without_fractions(each) for key, each in value.items()}
        case list():
            return [_without_fractions(each) for each in value]
    return value


def read_custom(custom: object, target: str) -> Shipment:
    """Read `custom` of a target.

    Args:
        custom: as the verified metadata holds it.
        target: path of the target, for the message.

    Raises:
        DeliveryError: MALFORMED: it is absent or not as described; INCOMPATIBLE: a format that this program is too old
            for.
    """
    entry = custom.get(_KEY) if isinstance(custom, dict) else None
    offer = entry.get("offer") if isinstance(entry, dict) else None
    if isinstance(offer, dict) and isinstance(offer.get("format"), int) and offer["format"] > FORMAT:
        raise DeliveryError(
            f"the offer of {target} has format {offer['format']}, this program reads {FORMAT}",
            reason=Reason.INCOMPATIBLE,
            remedy="Update Attune itself first",
        )
    try:
        return msgspec.convert(entry, Shipment, strict=False)  # fractions are texts
    except msgspec.ValidationError as error:
        raise DeliveryError(
            f"the signed metadata of {target} does not say how it is delivered: {error}",
            reason=Reason.MALFORMED,
            remedy="Publish the bundle again with attune-trainer publish",
        ) from error
