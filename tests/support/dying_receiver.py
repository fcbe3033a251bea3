"""A receiver in a process of its own, which kills itself with -9 when it comes to a certain point."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from pathlib import Path

from agent.delivery.receiving import Limits, Receiver
from agent.integration.link import LinkSettings

__all__ = ["die"]

_SERVER = multiprocessing.get_context("forkserver")
# What takes long to load is there when a process forks. This module is not on the server's path.
_SERVER.set_forkserver_preload(["agent.delivery.receiving.receiver", "agent.delivery.receiving.assembly"])
_PATIENCE_S = 60.0


async def die(port: int, folder: Path, channel: str, clock: float, *, point: str, count: int = 1) -> int | None:
    """Check, fetch into `slot`, having `old`, and clear the store; die at the so-manieth passing of a point.

    Returns:
        The exit code: -9, or 0 where it never came to the point.
    """
    child = _SERVER.Process(target=_run, args=(port, folder, channel, clock, point, count), daemon=True)
    child.start()
    await asyncio.to_thread(child.join, _PATIENCE_S)
    return child.exitcode


def _run(port: int, folder: Path, channel: str, clock: float, point: str, count: int) -> None:
    left = count

    def at(passed: str) -> None:
        nonlocal left
        left -= passed == point
        if passed == point and not left:
            os.kill(os.getpid(), signal.SIGKILL)

    async def work() -> None:
        settings = LinkSettings(host="127.0.0.1", port=port, client_id="attune-dying-bundles")
        limits = Limits(askings=1, spare_bytes=0)
        async with Receiver(
            settings, folder=folder, channel=channel, clock=lambda: clock, limits=limits, at=at
        ) as receiver:
            verified = await receiver.check()
            await receiver.fetch(verified, folder / "slot", have=[folder / "old"])
            await receiver.forget()

    asyncio.run(work())
