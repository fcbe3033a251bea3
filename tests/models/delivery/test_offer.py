"""The offer of a channel in the signed metadata: written, read, and refused where it is not one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, TargetFile, Targets

from models.delivery.chunks import split
from models.delivery.offer import Offer, Phase, Rollout, Shipment, read_custom, write_custom
from models.errors import DeliveryError, Reason


def an_offer(**changes: Any) -> Offer:
    rollout = Rollout(id="r1", phases=[Phase(group="canary"), Phase(percent=50.0)])
    offer = Offer(channel="stable", version="2026.11.3", bytes=100, bundle_format=1, feature_schema=2, rollout=rollout)
    return msgspec.structs.replace(offer, **changes)


def test_what_was_written_is_read() -> None:
    shipment = Shipment(split(b"x" * 100_000), an_offer())
    assert read_custom(write_custom(shipment), "manifest.json") == shipment


def test_what_is_written_can_be_signed() -> None:
    rollout = Rollout(id="r1", phases=[Phase(percent=12.5, success=0.95, errors=0.1)])
    shipment = Shipment(split(b"x"), an_offer(rollout=rollout))
    custom = write_custom(shipment)
    target = TargetFile(1, {"sha256": "0" * 64}, "manifest.json", {"custom": custom})
    signed = Metadata(Targets(expires=datetime(2030, 1, 1, tzinfo=UTC), targets={"manifest.json": target}))
    signed.sign(CryptoSigner.generate_ed25519())
    read = Metadata[Targets].from_bytes(signed.to_bytes()).signed.targets["manifest.json"].custom
    assert read_custom(read, "manifest.json") == shipment


def test_a_file_that_is_not_the_manifest_has_chunks_alone() -> None:
    assert write_custom(Shipment(split(b"x"))).keys() == {"attune"}
    assert "offer" not in write_custom(Shipment(split(b"x")))["attune"]


def test_an_offer_of_a_later_format_says_what_to_do() -> None:
    custom = write_custom(Shipment(split(b"x"), an_offer(format=2)))
    with pytest.raises(DeliveryError, match="Update Attune itself first") as caught:
        read_custom(custom, "manifest.json")
    assert caught.value.reason is Reason.INCOMPATIBLE


@pytest.mark.parametrize(
    "custom",
    [
        None,
        {},
        {"attune": 1},
        {"attune": {"offer": {}}},
        {"attune": {"chunks": {"chunk_bytes": 65536, "sha256": ["g" * 64]}}},
        {"attune": {"chunks": {"chunk_bytes": 1, "sha256": []}}},
    ],
)
def test_what_does_not_say_how_it_is_delivered_is_refused_by_name(custom: object) -> None:
    with pytest.raises(DeliveryError, match="the signed metadata of user") as caught:
        read_custom(custom, "user.tflite")
    assert caught.value.reason is Reason.MALFORMED
