"""A Bluetooth controller behind an HCI transport, with Bumble as its host.

Rules:

- Nothing of Bumble's leaves: what fails here becomes a `BleakError`, and what takes too long a `TimeoutError`.
- Bumble answers a lost connection with a cancellation. Whoever waits must not mistake it for their own, so every wait
  on Bumble happens in a task of its own (`finished`).
- A controller starts one connection at a time; others wait in line.
- A radio that was lost is opened again by the next scan, as the operating system's comes back by itself; what hung on
  the lost one is gone, and told so at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)
from bumble.att import ATT_Error
from bumble.core import BaseBumbleError
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command
from bumble.transport import open_transport
from bumble.transport.common import Transport

__all__ = ["Listener", "Radio", "finished"]

Listener = Callable[[Advertisement], None]
_Result = TypeVar("_Result")

# A controller answers a command within milliseconds; one that takes seconds has hung.
_COMMAND_TIMEOUT_S = 5.0
# Opening a transport, and asking a controller for all that it can do.
_OPEN_TIMEOUT_S = 10.0
# Advertisers with changing addresses pass by all day; so many are remembered at a time.
_MOST_ADVERTISERS = 1024


async def finished(work: Coroutine[Any, Any, _Result], *, timeout_s: float | None) -> _Result:
    """Wait for something that Bumble does, and say in bleak's words how it ended.

    Raises:
        TimeoutError: it took longer than `timeout_s`; it has been cancelled.
        BleakGATTProtocolError: the peripheral refused.
        BleakError: the connection or the controller was lost, or Bumble failed.
    """
    task = asyncio.ensure_future(work)
    expired = False
    try:
        await asyncio.wait({task}, timeout=timeout_s)
        expired = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_COMMAND_TIMEOUT_S)
    if expired:
        raise TimeoutError(f"no answer within {timeout_s} s")
    return _result(task)


def _result(task: asyncio.Future[_Result]) -> _Result:
    if task.cancelled():
        raise BleakError("disconnected")
    error = task.exception()
    match error:
        case None:
            return task.result()
        case ATT_Error():
            raise BleakGATTProtocolError(error.error_code) from error
        case BumbleTimeoutError() | TimeoutError():
            raise TimeoutError(str(error) or "no answer") from error
        case BleakError():
            raise error
        case BaseBumbleError() | OSError():
            raise BleakError(str(error) or type(error).__name__) from error
        case Exception():
            # Bumble asserts what it expects of a peer; one that answers nonsense must not stop the gateway.
            raise BleakError(f"Bluetooth host failed: {error!r}") from error
        case _:
            raise error


class Radio:
    """A controller that can be lost and opened again.

    Args:
        transport: Bumble's name of the transport that leads to the controller, such as `tcp-client:127.0.0.1:6402`.
    """

    def __init__(self, transport: str) -> None:
        self._name = transport
        # Kept over a reset, so that a wearable that knows this central by its address still does.
        self._own_address = Address.generate_static_address()
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._connecting = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._gone = asyncio.Event()
        self._listeners: list[Listener] = []
        self._heard: dict[str, Address] = {}

    @property
    def _lost(self) -> bool:
        return self._transport is None or self._transport.source.terminated.done()

    @property
    def device(self) -> Device:
        """Bumble's host.

        Raises:
            BleakBluetoothNotAvailableError: the controller is not open or was lost.
        """
        if self._device is None or self._lost:
            raise BleakBluetoothNotAvailableError(
                f"The Bluetooth controller behind {self._name} is gone", BleakBluetoothNotAvailableReason.POWERED_OFF
            )
        return self._device

    async def open(self) -> None:
        """Open the transport and power the controller on.

        Raises:
            BleakBluetoothNotAvailableError: there is no such transport, or no controller answers behind it.
        """
        try:
            self._transport = await finished(open_transport(self._name), timeout_s=_OPEN_TIMEOUT_S)
            source, sink = self._transport
            configuration = DeviceConfiguration(name="Attune", address=self._own_address)
            self._device = Device.from_config_with_hci(configuration, source, sink)
            self._device.on(Device.EVENT_ADVERTISEMENT, self._hear)
            self._gone.clear()
            source.terminated.add_done_callback(partial(self._lose, self._device))
            await finished(self._device.power_on(), timeout_s=_OPEN_TIMEOUT_S)
        except (BleakError, TimeoutError) as error:
            await self.close()
            raise BleakBluetoothNotAvailableError(
                f"No Bluetooth controller answers at {self._name}: {error}",
                BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
            ) from error

    def _lose(self, device: Device, terminated: asyncio.Future[None]) -> None:
        """The transport has ended: tell who scans, and end the connections, which some of its kinds forget."""
        if not terminated.cancelled():
            terminated.exception()  # why: whatever is tried next says it
        if self._device is device:
            self._gone.set()
            device.host.emit("flush")

    async def gone(self) -> None:
        """Return as soon as the controller is lost or let go."""
        await self._gone.wait()

    async def close(self) -> None:
        """End all connections, which are reported, and let the controller go."""
        transport, device = self._transport, self._device
        if device is not None:
            standing = [] if self._lost else list(device.connections.values())
            await asyncio.gather(*(self.disconnect(connection) for connection in standing))
        self._transport = self._device = None
        self._listeners.clear()
        self._gone.set()
        if transport is not None:
            await transport.close()
        if device is not None:
            # Whoever waits for something of this controller waits in vain.
            device.host.emit("flush")

    async def listen(self, listener: Listener) -> None:
        """Tell `listener` of every advertisement from now on; opens a radio that was lost.

        Raises:
            BleakError: the controller is gone or refuses to scan.
            TimeoutError: the controller does not answer.
        """
        async with self._opening:
            if self._lost:
                await self.close()
                await self.open()
        device = self.device
        first = not self._listeners
        self._listeners.append(listener)
        if first:
            try:
                await finished(device.start_scanning(filter_duplicates=False), timeout_s=_COMMAND_TIMEOUT_S)
            except (BleakError, TimeoutError):
                self._listeners.remove(listener)
                raise

    async def ignore(self, listener: Listener) -> None:
        """Tell `listener` no more; a controller that is gone has stopped by itself."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            with contextlib.suppress(BleakError, TimeoutError):
                await finished(self.device.stop_scanning(), timeout_s=_COMMAND_TIMEOUT_S)

    def address_of(self, text: str) -> Address:
        """The address as it was last heard, whose kind is known; else a random one, which wearables have."""
        return self._heard.get(text.upper()) or Address(text)

    def _hear(self, advertisement: Advertisement) -> None:
        text = advertisement.address.to_string(False)
        if text not in self._heard and len(self._heard) >= _MOST_ADVERTISERS and self._device is not None:
            self._heard.clear()
            # Bumble keeps one of these for every address that it ever heard.
            self._device.advertisement_accumulators.clear()
        self._heard[text] = advertisement.address
        for listener in tuple(self._listeners):
            listener(advertisement)

    async def connect(self, address: Address, *, timeout_s: float) -> Connection:
        """Connect as soon as the peripheral advertises.

        Raises:
            TimeoutError: it did not within `timeout_s`.
            BleakError: the controller is gone or refuses.
        """
        async with asyncio.timeout(timeout_s), self._connecting:
            device = self.device
            attempt = asyncio.ensure_future(device.connect(address, timeout=None))
            try:
                await asyncio.wait({attempt})
            finally:
                if not attempt.done():
                    await self._abandon(device, attempt)
            return _result(attempt)

    async def _abandon(self, device: Device, attempt: asyncio.Future[Connection]) -> None:
        """Take a connection request back; else the controller would connect later, with nobody there."""
        try:
            with contextlib.suppress(BleakError, TimeoutError):
                cancel = device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
                await finished(cancel, timeout_s=_COMMAND_TIMEOUT_S)
                await asyncio.wait({attempt}, timeout=_COMMAND_TIMEOUT_S)
            if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                await self.disconnect(attempt.result())
        finally:
            attempt.cancel()

    @staticmethod
    async def disconnect(connection: Connection) -> None:
        """End a connection; one that cannot be ended in order is left to the controller's supervision timeout."""
        with contextlib.suppress(BleakError, TimeoutError):
            await finished(connection.disconnect(), timeout_s=_COMMAND_TIMEOUT_S)
