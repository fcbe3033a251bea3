"""What is in the air: one look around, for the command line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from agent.sensing.gateway.adapters import Adapter
from agent.sensing.gateway.pairings import Pairing
from agent.sensing.gateway.profiles import PROFILES
from agent.sensing.gateway.radio import RADIO_ERRORS, in_time, told
from models.errors import AttuneError, Reason

__all__ = ["Found", "look_around"]

_START_S: Final = 10.0
_SERVICES: Final = {profile.service: profile.name for profile in PROFILES}
_SENSORS: Final = frozenset(_SERVICES.values()) - {"battery", "device_information"}


class Found(msgspec.Struct, frozen=True):
    """Something that advertises, or is paired and does not.

    Attributes:
        address: Bluetooth address.
        name: what it calls itself; empty where it does not.
        rssi_dbm: how strong it was heard last; None for what was not heard.
        services: profiles of the gateway that it advertises; it may have more once it is connected.
        wearable: its name in topics where it is paired, else empty.
        listener: whose it is, likewise.
    """

    address: str
    name: str
    rssi_dbm: int | None
    services: tuple[str, ...]
    wearable: str = ""
    listener: str = ""

    @property
    def is_sensor(self) -> bool:
        """Whether it says that it measures something that the gateway reads."""
        return bool(_SENSORS & set(self.services))


async def look_around(
    open_adapter: Callable[[], AbstractAsyncContextManager[Adapter]],
    seconds: float,
    paired: Mapping[str, Pairing],
    *,
    until: str | None = None,
) -> list[Found]:
    """Scan once.

    Args:
        open_adapter: opens the adapter.
        seconds: how long to listen.
        paired: pairings by address; those that are not heard are told as well.
        until: stop as soon as this address was heard.

    Returns:
        Paired ones first, then sensors, then the rest, the strongest first within each.

    Raises:
        AttuneError: NO_DEVICE where scanning cannot be started, or what opening the adapter raises.
    """
    heard: dict[str, Found] = {}
    enough = asyncio.Event()

    def hear(device: BLEDevice, advertisement: AdvertisementData) -> None:
        found = _found(device, advertisement, heard.get(device.address.upper()), paired)
        heard[found.address] = found
        if found.address == until:
            enough.set()

    async with open_adapter() as adapter:
        scanner = adapter.scanner(hear)
        try:
            await in_time(scanner.start(), _START_S)
        except RADIO_ERRORS as error:
            raise AttuneError(
                f"Bluetooth cannot be used: {told(error)}",
                reason=Reason.NO_DEVICE,
                remedy="Switch it on (bluetoothctl power on), and see docs/gateway.md for the permissions",
            ) from error
        try:
            await in_time(enough.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(*RADIO_ERRORS):
                await in_time(scanner.stop(), _START_S)
    missing = [
        Found(address, pairing.model, None, (), pairing.name, pairing.listener)
        for address, pairing in paired.items()
        if address not in heard
    ]
    return sorted((*heard.values(), *missing), key=_order)


def _found(
    device: BLEDevice, advertisement: AdvertisementData, before: Found | None, paired: Mapping[str, Pairing]
) -> Found:
    """Merge an advertisement with what was heard before: name and services may come in different packets."""
    address = device.address.upper()
    services = {_SERVICES[uuid] for uuid in advertisement.service_uuids if uuid in _SERVICES}
    pairing = paired.get(address)
    return Found(
        address=address,
        name=advertisement.local_name or device.name or (before.name if before else ""),
        rssi_dbm=advertisement.rssi,
        services=tuple(sorted(services.union(before.services if before else ()))),
        wearable=pairing.name if pairing else "",
        listener=pairing.listener if pairing else "",
    )


def _order(found: Found) -> tuple[bool, bool, int, str]:
    return not found.wearable, not found.is_sensor, -(found.rssi_dbm or -999), found.address
