"""The adapter over a bare or virtual controller."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from agent.sensing.gateway.adapters.adapter import CONNECT_TIMEOUT_S, OnAdvertisement, OnDisconnect
from agent.sensing.gateway.adapters.hci.client import HciClient
from agent.sensing.gateway.adapters.hci.radio import Radio
from agent.sensing.gateway.adapters.hci.scanner import HciScanner
from models.errors import AttuneError, Reason

__all__ = ["HciAdapter", "open_hci"]


# It warns of every packet that comes a moment after its connection was lost.
logging.getLogger("bumble").setLevel(logging.ERROR)


class HciAdapter:
    """bleak over a controller that Bumble drives in this process.

    Args:
        transport: Bumble's name of the transport.
        radio: the controller behind it, open.
    """

    def __init__(self, transport: str, radio: Radio) -> None:
        self._transport = transport
        self._radio = radio

    @property
    def name(self) -> str:
        """What it was opened as."""
        return f"hci:{self._transport}"

    def scanner(self, on_advertisement: OnAdvertisement) -> BleakScanner:
        """See `Adapter.scanner`."""
        return BleakScanner(on_advertisement, backend=HciScanner, radio=self._radio)

    def client(
        self, device: BLEDevice | str, on_disconnect: OnDisconnect, *, timeout_s: float = CONNECT_TIMEOUT_S
    ) -> BleakClient:
        """See `Adapter.client`."""
        return BleakClient(
            device, disconnected_callback=on_disconnect, timeout=timeout_s, backend=HciClient, radio=self._radio
        )

    async def gone(self) -> None:
        """See `Adapter.gone`."""
        await self._radio.gone()

    async def reset(self) -> None:
        """Close the transport and open it again.

        Raises:
            BleakError: no controller answers; call again later.
        """
        await self._radio.close()
        await self._radio.open()


@asynccontextmanager
async def open_hci(transport: str) -> AsyncIterator[HciAdapter]:
    """Open a controller for as long as the context lasts.

    Raises:
        AttuneError: `no_device` where no controller answers.
    """
    radio = Radio(transport)
    try:
        await radio.open()
    except BleakError as error:
        raise AttuneError(
            str(error.args[0]),
            reason=Reason.NO_DEVICE,
            remedy="Check [gateway] adapter; a dongle must not be held by bluetoothd, a virtual link must be running",
        ) from error
    try:
        yield HciAdapter(transport, radio)
    finally:
        await radio.close()
