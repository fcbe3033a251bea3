"""What may go wrong with a radio, and how long to wait for one.

Rules:

- Every call to a radio has an end in time: BlueZ, a controller or a wearable may never answer.
- A radio's errors are a normal state of affairs: they are counted and tried again, never raised to the listener.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bleak.exc import BleakBluetoothNotAvailableError, BleakError
from bleak_retry_connector import BLEAK_RETRY_EXCEPTIONS, close_stale_connections_by_address

from agent.sensing.gateway.adapters import Adapter

__all__ = ["LOST", "RADIO_ERRORS", "Release", "in_time", "release_stale", "told"]

T = TypeVar("T")

RADIO_ERRORS: Final = (*BLEAK_RETRY_EXCEPTIONS, KeyError, OSError)
"""What bleak and what lies under it raise. AttributeError and KeyError are among them because bleak reads objects of
BlueZ that may vanish between two lines of it; so only calls to bleak stand inside a `try` for these."""
LOST: Final = (BleakError, EOFError, OSError)
"""What ends a connection or an adapter where more than one call stands inside the `try`; TimeoutError is an OSError."""
Release = Callable[[Adapter, str], Awaitable[None]]


async def in_time(call: Awaitable[T], seconds: float) -> T:
    """Await a call to the radio for so long.

    Raises:
        TimeoutError: it took longer, and was cancelled.
    """
    async with asyncio.timeout(seconds):
        return await call


def told(error: BaseException) -> str:
    """A radio's error as a clause for people."""
    if isinstance(error, FileNotFoundError):
        return "this system has no Bluetooth service (BlueZ, reached over D-Bus)"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, BleakBluetoothNotAvailableError):
        return str(error.args[0])  # its text would show the reason's number too
    return str(error) or type(error).__name__


async def release_stale(adapter: Adapter, address: str) -> None:
    """End a connection that nobody here holds.

    BlueZ keeps a connection when the process that asked for it is killed. The wearable then advertises no more, because
    it is connected, so it would never be found again. A Bluetooth stack in user space has no such memory: it resets its
    controller when it starts.
    """
    if adapter.name == "system":
        await close_stale_connections_by_address(address)
