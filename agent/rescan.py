"""Looks for new music while the player runs: `attune-agent scan` as a child process, and word of what it found.

A scan decodes and computes for minutes; in a process of its own, of low priority, it can neither hold up the music nor
grow the daemon's memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Rescan"]

logger = logging.getLogger(__name__)

_TAKE_IN_EVERY_S: Final = 15.0
"""How often what was found is taken in while the scan goes on: soon enough for a first run on a large library."""
_NICENESS: Final = 10


class _Lyrics(msgspec.Struct):
    """Lyrics that could not be used as a whole."""

    path: str
    message: str


class _Report(msgspec.Struct):
    """As much of the scan's answer as matters here."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    gone: int = 0
    lyrics: list[_Lyrics] = []


class Rescan:
    """Scans of the library, one after the other.

    Args:
        config: settings file that the daemon was started with; None for the one found without.

    Attributes:
        problem: why the last scan did not finish; empty when it did.
        lyrics: paths of lyrics that could not be used as a whole, of all scans since the start.
    """

    def __init__(self, config: Path | None) -> None:
        self._command = [sys.executable, "-m", "agent", "scan", "--json"]
        if config is not None:
            self._command += ["--config", str(config)]
        self.problem = ""
        self.lyrics: set[str] = set()

    async def found(self) -> AsyncIterator[None]:
        """Yields whenever there may be something new in the database; ends with the scan."""
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
        talk = asyncio.create_task(child.communicate(), name="scan")
        try:
            while not (await asyncio.wait({talk}, timeout=_TAKE_IN_EVERY_S))[0]:
                yield
            answer, told = talk.result()
            if child.returncode:
                last = told.decode(errors="replace").strip().splitlines()
                self.problem = (
                    f"the scan of the library ended with {child.returncode}: {last[-1] if last else 'no word'}"
                )
            elif self._take(answer):
                yield
        finally:
            talk.cancel()
            if child.returncode is None:
                child.terminate()
                await child.wait()

    def _take(self, answer: bytes) -> bool:
        """Takes in what a scan that finished tells; returns whether there may be something new to play."""
        try:
            report = msgspec.json.decode(answer, type=_Report)
        except msgspec.DecodeError:
            return True
        for each in report.lyrics:
            if each.path not in self.lyrics:
                logger.warning("%s. Mend or remove the lyrics; the track plays all the same", each.message)
        self.lyrics |= {each.path for each in report.lyrics}
        return any((report.new, report.changed, report.moved, report.returned, report.gone))
