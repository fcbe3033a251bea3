"""Keeps one paired wearable connected, for as long as it is paired.

Rules:

- A connection is tried when the wearable advertises, never blindly: it is there then, and reachable.
- The first attempt after it was heard anew, having been away for `AWAY_S`, is made at once; further ones wait longer
  and longer, so that a wearable that never answers does not hold the radio.
- One wearable is connected at a time: no controller connects two at once.
- However an attempt ends, its client is disconnected: BlueZ goes on connecting when nobody waits any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, cast

import msgspec
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bleak_retry_connector import establish_connection

from agent.sensing.gateway.adapters import Adapter
from agent.sensing.gateway.pairings import Pairing
from agent.sensing.gateway.profiles import PROFILES, DeviceInformation
from agent.sensing.gateway.radio import LOST, RADIO_ERRORS, Release, in_time, told
from agent.sensing.gateway.session import Deliver, Session

__all__ = ["AWAY_S", "CONNECT_S", "Keeper", "WearableStatus"]

logger = logging.getLogger(__name__)

State = Literal["missing", "connecting", "connected"]

CONNECT_S: Final = 12.0
"""For one attempt, services included. A wearable that advertises answers within its advertising interval, at most some
seconds; the services of a strap that is connected for the first time take some more."""
AWAY_S: Final = 5.0
_DISCONNECT_S: Final = 5.0
_RELEASE_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_STABLE_S: Final = 10.0
"""A connection that lasted so long was a good one: the next attempt is made at once."""
_STALE_EVERY_S: Final = 60.0
_ATTEMPTS: Final = 2


class WearableStatus(msgspec.Struct, frozen=True):
    """How a paired wearable is.

    Attributes:
        name: in topics.
        listener: whose it is.
        address: of its radio.
        state: `missing`, `connecting` or `connected`.
        rssi_dbm: how strong its last advertisement was; None before the first one.
        connections: how often it was connected.
        information: manufacturer, model and firmware, as far as it tells.
        problem: why the last attempt failed or the last connection ended; empty before.
    """

    name: str
    listener: str
    address: str
    state: State
    rssi_dbm: int | None
    connections: int
    information: dict[str, str]
    problem: str


class Keeper:
    """Looks after one wearable.

    Args:
        pairing: which one.
        adapter: opened.
        connecting: held while a connection is made, by one keeper at a time.
        deliver: takes the readings.
        counters: `connection.made`, `connection.failed`, `connection.lost`, and what `Session` counts.
        now: seconds since the epoch.
        waveforms: whether to ask for raw waveforms.
        release: ends a connection that a killed process left behind.
        on_change: called whenever the state changes.
    """

    def __init__(
        self,
        pairing: Pairing,
        *,
        adapter: Adapter,
        connecting: asyncio.Lock,
        deliver: Deliver,
        counters: Counter[str],
        now: Callable[[], float],
        waveforms: bool,
        release: Release,
        on_change: Callable[[], None],
    ) -> None:
        self.pairing = pairing
        self.state: State = "missing"
        self._adapter = adapter
        self._connecting = connecting
        self._deliver = deliver
        self._counters = counters
        self._now = now
        self._release = release
        self._on_change = on_change
        self._device: BLEDevice | None = None
        self._rssi_dbm: int | None = None
        self._heard = asyncio.Event()
        self._heard_at = float("-inf")
        self._returned = asyncio.Event()
        self._client: BleakClient | None = None
        self._session: Session | None = None
        self._profiles = [kind(partial(self._count, kind.name), waveforms=waveforms) for kind in PROFILES]
        self._connections = 0
        self._failures = 0
        self._problem = ""

    def status(self) -> WearableStatus:
        """How the wearable is now."""
        pairing = self.pairing
        return WearableStatus(
            name=pairing.name,
            listener=pairing.listener,
            address=pairing.address,
            state=self.state,
            rssi_dbm=self._rssi_dbm,
            connections=self._connections,
            information=next(dict(each.found) for each in self._profiles if isinstance(each, DeviceInformation)),
            problem=self._problem,
        )

    def hear(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        """Take an advertisement of this wearable."""
        heard_at = asyncio.get_running_loop().time()
        if heard_at - self._heard_at > AWAY_S:
            self._failures = 0
            self._returned.set()
        self._device, self._heard_at, self._rssi_dbm = device, heard_at, advertisement.rssi
        self._heard.set()

    async def run(self) -> None:
        """Keep it connected; until it is cancelled."""
        await self._free()
        while True:
            device = await self._hear_of()
            self._become("connecting")
            began = asyncio.get_running_loop().time()
            why = await self._hold(device)
            was_connected = self.state == "connected"
            self._become("missing")
            if why != self._problem:
                logger.info("%s: %s", self.pairing.name, why)
                self._problem = why
            self._heard.clear()
            await self._rest(was_connected=was_connected, began=began)

    def _count(self, profile: str, event: str) -> None:
        self._counters[f"{profile}.{event}"] += 1

    def _become(self, state: State) -> None:
        self.state = state
        self._on_change()

    async def _hear_of(self) -> BLEDevice:
        """Wait for an advertisement; meanwhile free connections that nobody holds."""
        while True:
            try:
                await in_time(self._heard.wait(), _STALE_EVERY_S)
            except TimeoutError:
                await self._free()
            else:
                return cast("BLEDevice", self._device)

    async def _free(self) -> None:
        try:
            await in_time(self._release(self._adapter, self.pairing.address), _RELEASE_S)
        except RADIO_ERRORS as error:
            self._counters["connection.release_failed"] += 1
            logger.debug("%s: %s", self.pairing.name, told(error))

    async def _rest(self, *, was_connected: bool, began: float) -> None:
        """Wait before the next attempt, unless the wearable goes away and comes back."""
        now = asyncio.get_running_loop().time()
        if was_connected:
            self._heard_at = now  # a connected wearable does not advertise
            if now - began >= _STABLE_S:
                return
        self._failures = 1 if was_connected else self._failures + 1
        self._returned.clear()
        with contextlib.suppress(TimeoutError):
            await in_time(self._returned.wait(), min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self._failures - 1)))

    async def _hold(self, device: BLEDevice) -> str:
        """Connect and serve until the connection ends; returns why it did, or why there was none."""
        self._session = None
        try:
            async with self._connecting:
                client = await self._connect(device)
            self._counters["connection.made"] += 1
            return await self._serve(client)
        except LOST as error:
            self._counters["connection.failed"] += 1
            return f"cannot be used: {told(error)}"
        finally:
            await self._drop()

    async def _connect(self, device: BLEDevice) -> BleakClient:
        def make(found: BLEDevice, *, disconnected_callback: Callable[[BleakClient], None], **_: object) -> BleakClient:
            self._client = self._adapter.client(found, disconnected_callback, timeout_s=CONNECT_S)
            return self._client

        # It only calls what is named a class; the adapter decides which kind of client there is.
        connecting = establish_connection(
            cast("type[BleakClient]", make), device, self.pairing.name, self._lost, max_attempts=_ATTEMPTS
        )
        try:
            return await in_time(connecting, CONNECT_S)
        except RADIO_ERRORS as error:
            raise BleakError(told(error)) from error

    async def _serve(self, client: BleakClient) -> str:
        session = Session(
            client, deliver=self._deliver, counters=self._counters, now=self._now, profiles=self._profiles
        )
        self._session = session
        if not client.is_connected:
            session.disconnected()
        ready = asyncio.create_task(self._tell_ready(session), name="ready")
        try:
            why = await session.serve()
        finally:
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
        self._counters["connection.lost"] += 1
        return why

    async def _tell_ready(self, session: Session) -> None:
        await session.ready.wait()
        self._connections += 1
        self._become("connected")
        logger.info("%s: connected, %s", self.pairing.name, ", ".join(each.name for each in session.profiles))

    def _lost(self, _client: BleakClient) -> None:
        if self._session is not None:
            self._session.disconnected()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await in_time(client.disconnect(), _DISCONNECT_S)
        except RADIO_ERRORS as error:
            self._counters["connection.disconnect_failed"] += 1
            logger.debug("%s: %s", self.pairing.name, told(error))
