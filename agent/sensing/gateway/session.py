"""One connection to one wearable, from its services to its end.

Rules:

- A payload is stamped when it arrives and read in the order of arrival, outside of bleak's callback. At most `WAITING`
  wait; when more come the oldest is dropped and counted, because what is newest matters.
- A payload that a profile refuses is counted as `{profile}.{reason}` and costs nothing but itself.
- A characteristic that cannot be subscribed to costs itself alone; where none can be, the connection is no use.
- A wearable that is silent for longer than its services allow is disconnected: its connection is dead, whatever the
  stack believes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from agent.sensing.gateway.precedence import Precedence
from agent.sensing.gateway.profiles import Profile, Readings
from agent.sensing.gateway.radio import RADIO_ERRORS, in_time, told
from models.errors import WireError

__all__ = ["GATT_S", "WAITING", "Deliver", "Session"]

logger = logging.getLogger(__name__)

Deliver = Callable[[Readings], Awaitable[None]]
"""Takes what a wearable said."""

_OnPayload = Callable[[BleakGATTCharacteristic, bytearray], None]
GATT_S: Final = 8.0
"""For one exchange with a connected wearable; the attribute protocol itself gives up after 30 (volume 3, part F,
section 3.3.3), which is longer than the listener's queue can wait."""
WAITING: Final = 256
"""Payloads: more than half a minute of a strap that sends everything."""
_BOND_S: Final = 30.0
_LOOK_EVERY_S: Final = 1.0
_NEEDS_BOND: Final = frozenset(
    {BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION, BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION}
)
_NEEDS_BOND_BLUEZ: Final = frozenset({"org.bluez.Error.NotAuthorized", "org.bluez.Error.NotPermitted"})


class _Arrival(NamedTuple):
    """A payload that waits to be read."""

    rank: int
    profile: Profile
    characteristic: str
    payload: bytes
    arrived: float


class Session:
    """Uses a connected wearable.

    Args:
        client: connected.
        deliver: takes the readings.
        counters: everything that goes wrong, by name.
        now: seconds since the epoch.
        profiles: every one that there is, in the order in which they are believed.

    Attributes:
        profiles: those whose services the wearable has, once `serve` has begun.
        ready: set once the notifications are on.
    """

    def __init__(
        self,
        client: BleakClient,
        *,
        deliver: Deliver,
        counters: Counter[str],
        now: Callable[[], float],
        profiles: Sequence[Profile],
    ) -> None:
        self.profiles: Sequence[Profile] = ()
        self.ready = asyncio.Event()
        self._client = client
        self._deliver = deliver
        self._counters = counters
        self._now = now
        self._known = profiles
        self._arrivals: asyncio.Queue[_Arrival] = asyncio.Queue(WAITING)
        self._answers: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._over = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()
        self._precedence = Precedence()

    def disconnected(self) -> None:
        """The connection has ended; `serve` will return."""
        self._over.set()

    async def serve(self) -> str:
        """Use the wearable until the connection ends.

        Returns:
            Why it ended, a clause for people.

        Raises:
            BleakError: there is nothing to use, or a call failed that all depends on. Others of `LOST` too.
        """
        reading = asyncio.create_task(self._read(), name="notifications")
        opening = asyncio.create_task(self._open(), name="services")
        ending = asyncio.create_task(self._end(), name="connection")
        try:
            await asyncio.wait({reading, opening, ending}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                opening.result()
                await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            return ending.result()
        finally:
            for task in (reading, opening, ending):
                task.cancel()
            await asyncio.gather(reading, opening, ending, return_exceptions=True)

    async def _end(self) -> str:
        """Wait for the end; returns why."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await in_time(self._over.wait(), _LOOK_EVERY_S)
            except TimeoutError:
                limits = [each.silent_s for each in self.profiles if each.silent_s is not None]
                if limits and loop.time() - self._heard_at > min(limits):
                    self._counters["connection.silent"] += 1
                    return f"it has been silent for {min(limits):.0f} seconds"
            else:
                return "the connection was lost"

    # -- setting up ----------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        offered = {service.uuid for service in self._client.services}
        ranked = [(rank, profile) for rank, profile in enumerate(self._known) if profile.service in offered]
        self.profiles = [profile for _, profile in ranked]
        for profile in self.profiles:
            profile.begin()
        subscribed = 0
        for rank, profile in ranked:
            for characteristic in profile.notifies:
                if (found := self._find(characteristic)) is not None:
                    subscribed += await self._subscribe(rank, profile, found)
        if not subscribed:
            raise BleakError("it offers no service that the gateway reads")
        self.ready.set()
        for rank, profile in ranked:
            if profile.control is not None and (found := self._find(profile.control)) is not None:
                await self._talk(profile, found)
            for characteristic in profile.reads:
                if (found := self._find(characteristic)) is not None:
                    await self._read_once(rank, profile, found)

    def _find(self, uuid: str) -> BleakGATTCharacteristic | None:
        """The first characteristic of a UUID: some wearables have a service twice, which bleak would refuse."""
        every = self._client.services.characteristics.values()
        return next((each for each in every if each.uuid == uuid), None)

    async def _subscribe(self, rank: int, profile: Profile, characteristic: BleakGATTCharacteristic) -> bool:
        def arrived(sender: BleakGATTCharacteristic, payload: bytearray) -> None:
            self._arrive(_Arrival(rank, profile, sender.uuid, bytes(payload), self._now()))

        return await self._notify(profile, characteristic, arrived)

    async def _notify(self, profile: Profile, characteristic: BleakGATTCharacteristic, on_payload: _OnPayload) -> bool:
        """Turn notifications on, with a bond where the wearable asks for one; tells whether they are."""
        try:
            try:
                await in_time(self._client.start_notify(characteristic, on_payload), GATT_S)
            except (BleakGATTProtocolError, BleakDBusError) as error:
                if not _asks_for_bond(error):
                    raise
                self._counters["connection.bonded"] += 1
                await in_time(self._client.pair(), _BOND_S)
                await in_time(self._client.start_notify(characteristic, on_payload), GATT_S)
        except RADIO_ERRORS as error:
            self._count(profile.name, "subscribe_failed")
            logger.warning("%s: no notifications of %s: %s", self._client.address, profile.name, told(error))
            return False
        return True

    async def _read_once(self, rank: int, profile: Profile, characteristic: BleakGATTCharacteristic) -> None:
        try:
            payload = await in_time(self._client.read_gatt_char(characteristic), GATT_S)
        except RADIO_ERRORS as error:
            self._count(profile.name, "read_failed")
            logger.debug("%s: %s cannot be read: %s", self._client.address, profile.name, told(error))
            return
        self._arrive(_Arrival(rank, profile, characteristic.uuid, bytes(payload), self._now()))

    async def _talk(self, profile: Profile, control: BleakGATTCharacteristic) -> None:
        """Carry on a profile's dialogue with its control point."""
        if not await self._notify(profile, control, lambda _sender, payload: self._answer(bytes(payload))):
            return
        try:
            features = await in_time(self._client.read_gatt_char(control), GATT_S)
            dialogue = profile.dialogue(bytes(features))
            request = next(dialogue, None)
            while request is not None:
                if request:
                    await in_time(self._client.write_gatt_char(control, request, response=True), GATT_S)
                try:
                    request = dialogue.send(await self._answered())
                except StopIteration:
                    return
        except WireError as error:
            self._count(profile.name, str(error.reason))
        except RADIO_ERRORS as error:
            self._count(profile.name, "control_failed")
            logger.warning("%s: %s does not take requests: %s", self._client.address, profile.name, told(error))

    def _answer(self, payload: bytes) -> None:
        if not self._answers.full():
            self._answers.put_nowait(payload)

    async def _answered(self) -> bytes | None:
        try:
            return await in_time(self._answers.get(), GATT_S)
        except TimeoutError:
            return None

    # -- what comes ----------------------------------------------------------------------------------------------------

    def _arrive(self, arrival: _Arrival) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if self._arrivals.full():
            self._arrivals.get_nowait()
            self._counters["connection.dropped"] += 1
        self._arrivals.put_nowait(arrival)

    async def _read(self) -> None:
        while True:
            rank, profile, characteristic, payload, arrived = await self._arrivals.get()
            try:
                taken = profile.take(characteristic, payload, arrived)
            except WireError as error:
                self._count(profile.name, str(error.reason))
                logger.debug("%s: %s", self._client.address, error)
                continue
            for readings in taken:
                if self._precedence.admits(readings.quantity, rank, arrived):
                    await self._deliver(readings)
                else:
                    self._count(profile.name, "redundant")

    def _count(self, profile: str, event: str) -> None:
        self._counters[f"{profile}.{event}"] += 1


def _asks_for_bond(error: BleakGATTProtocolError | BleakDBusError) -> bool:
    if isinstance(error, BleakGATTProtocolError):
        return error.code in _NEEDS_BOND
    return error.dbus_error in _NEEDS_BOND_BLUEZ
