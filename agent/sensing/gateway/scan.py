"""Listening for advertisements, whatever happens underneath.

Rules:

- The scan runs while somebody is missing and rests while all are connected: it costs air time that they need.
- No scan lasts longer than `WINDOW_S`. BlueZ ends one silently after 10.24 s and begins the next only five seconds
  later (bleak, pull request 2022): a returning wearable would not be heard. One that died silently, because BlueZ was
  restarted underneath, is started anew with the next window at the latest; at once where the adapter tells that it
  is gone.
- A scan that cannot be started is tried again, less and less often; every third failure in a row the adapter is reset.
  After `HOPELESS` failures the adapter is given up, for whoever opened it to open it again.
- Silence alone never resets the adapter: there are quiet places, and the listener's loudspeaker may hang on it too.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from agent.sensing.gateway.adapters import Adapter, OnAdvertisement
from agent.sensing.gateway.radio import RADIO_ERRORS, in_time, told

__all__ = ["HOPELESS", "WINDOW_S", "Scan"]

logger = logging.getLogger(__name__)

WINDOW_S: Final = 9.0
HOPELESS: Final = 9
_RESET_EVERY: Final = 3
_START_S: Final = 10.0
_STOP_S: Final = 5.0
_RESET_S: Final = 20.0
_LONGEST_PAUSE_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.25
_QUIET_WINDOWS: Final = 7
"""About a minute without a single advertisement: worth a line in the log, once, since some places are always quiet."""


class Scan:
    """Keeps one adapter scanning.

    Args:
        adapter: opened.
        on_advertisement: told of everything that is heard.
        counters: `scan.started`, `scan.start_failed`, `scan.stop_failed`, `scan.silent` (windows in which nothing was
            heard), `scan.lost` (the adapter went away meanwhile), `adapter.reset`, `adapter.reset_failed`.

    Attributes:
        wanted: set while somebody is missing.
        problem: why there is no scan, a clause for people; empty while all is well.
    """

    def __init__(self, adapter: Adapter, on_advertisement: OnAdvertisement, counters: Counter[str]) -> None:
        self.wanted = asyncio.Event()
        self.problem = ""
        self._adapter = adapter
        self._on_advertisement = on_advertisement
        self._counters = counters
        self._idle = asyncio.Event()
        self._heard = 0
        self._quiet = 0
        self._told_quiet = False

    def want(self, wanted: bool) -> None:  # noqa: FBT001 - a switch
        """Scan, or let it rest."""
        (self.wanted.set if wanted else self.wanted.clear)()
        (self._idle.clear if wanted else self._idle.set)()

    async def run(self) -> None:
        """Scan whenever it is wanted; until it is cancelled.

        Raises:
            BleakError: the adapter is beyond help.
        """
        failures = 0
        while True:
            await self.wanted.wait()
            scanner = await self._start()
            if scanner is not None:
                failures = 0
                try:
                    await self._window()
                finally:
                    await self._stop(scanner)
                continue
            failures += 1
            if failures >= HOPELESS:
                raise BleakError(f"scanning could not be started {failures} times: {self.problem}")
            if failures % _RESET_EVERY == 0:
                await self._reset()
            await asyncio.sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**failures))

    def _hear(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        self._heard += 1
        self._on_advertisement(device, advertisement)

    async def _start(self) -> BleakScanner | None:
        scanner = self._adapter.scanner(self._hear)
        try:
            await in_time(scanner.start(), _START_S)
        except RADIO_ERRORS as error:
            if isinstance(error, TimeoutError):
                await self._stop(scanner)  # it may have begun all the same
            self._counters["scan.start_failed"] += 1
            why = told(error)
            if why != self.problem:
                logger.warning("cannot scan for wearables: %s", why)
                self.problem = why
            return None
        self._counters["scan.started"] += 1
        self.problem = ""
        return scanner

    async def _window(self) -> None:
        """Let one scan run its time, or until nobody is missing or the adapter is gone."""
        before = self._heard
        ends = [asyncio.ensure_future(self._idle.wait()), asyncio.ensure_future(self._adapter.gone())]
        try:
            done, _ = await asyncio.wait(ends, timeout=WINDOW_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        if not done:
            self._judge(self._heard - before)
        elif ends[1] in done:
            self._counters["scan.lost"] += 1

    def _judge(self, heard: int) -> None:
        self._quiet = 0 if heard else self._quiet + 1
        if not heard:
            self._counters["scan.silent"] += 1
        if self._quiet == _QUIET_WINDOWS and not self._told_quiet:
            self._told_quiet = True
            logger.warning("no advertisement for a minute: is Bluetooth on, and is a wearable near?")

    async def _stop(self, scanner: BleakScanner) -> None:
        try:
            await in_time(scanner.stop(), _STOP_S)
        except RADIO_ERRORS as error:
            # A scan that is gone already cannot be stopped; what matters is whether the next one starts.
            self._counters["scan.stop_failed"] += 1
            logger.debug("the scan could not be stopped: %s", told(error))

    async def _reset(self) -> None:
        self._counters["adapter.reset"] += 1
        logger.warning("resetting the Bluetooth adapter")
        try:
            await in_time(self._adapter.reset(), _RESET_S)
        except RADIO_ERRORS as error:
            self._counters["adapter.reset_failed"] += 1
            logger.warning("the Bluetooth adapter could not be reset: %s", told(error))
