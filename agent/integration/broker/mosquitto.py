"""A Mosquitto child process that lives and dies with this one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from agent.integration.broker.configuration import configuration
from agent.integration.link.backoff import backoff_s
from models.errors import BrokerError, Reason

__all__ = ["MosquittoChild", "find_mosquitto"]

logger = logging.getLogger(__name__)

_READY_WITHIN_S = 10.0  # a loaded Raspberry Pi takes under 1 s; a saved session of 64 MiB takes a few
_STOP_WITHIN_S = 3.0
_POLL_S = 0.01
_RESTART_LIMIT_S = 10.0
_STABLE_S = 10.0

# Runs in the child between fork and Mosquitto: asks the kernel to send SIGTERM when the parent dies, however it dies
# (kill -9 included), then becomes Mosquitto. A program of its own because code between fork and exec (`preexec_fn`) may
# deadlock in a process with threads. The parent may have died before the request: hence the second look.
# PR_SET_PDEATHSIG is 1 (linux/prctl.h); it survives exec unless the program is set-user-ID, which Mosquitto is not.
# SIGTERM, not SIGKILL, so that Mosquitto saves its sessions.
_SHIM = """
import os, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto's binary, or None. Debian puts it where only root's PATH looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


class MosquittoChild:
    """Starts Mosquitto, restarts it when it dies, stops it.

    Args:
        binary: Mosquitto.
        port: TCP port on 127.0.0.1.
        folder: where its configuration and its saved sessions are.
        uniform: draws the jitter of the restarts from [0, 1).

    Attributes:
        restarts: how often it died and was started again.
    """

    kind = "mosquitto"

    def __init__(self, binary: str, *, port: int, folder: Path, uniform: Callable[[], float] = random.random) -> None:
        self._binary = binary
        self._port = port
        self._folder = folder
        self._uniform = uniform
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=20)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Process identifier of the running child; None between a death and the restart."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it accepts connections.

        Raises:
            BrokerError: it cannot be started; the message holds its last words.
        """
        try:
            await asyncio.to_thread(self._write_configuration)
            await self._launch()
        except OSError as error:
            raise self._failed(f"cannot be started: {error}") from error
        except BaseException:
            await self._end_process()
            raise
        self._watching = asyncio.create_task(self._watch(), name="mosquitto-watch")

    async def stop(self) -> None:
        """End it; it saves retained messages and sessions."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._end_process()

    def _write_configuration(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        as_root = hasattr(os, "geteuid") and os.geteuid() == 0
        path = self._folder / "mosquitto.conf"
        path.write_text(configuration(self._port, as_root=as_root))
        path.chmod(0o600)

    async def _launch(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-c", _SHIM, str(os.getpid()), self._binary, "-c", "mosquitto.conf"),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # Its own group: Ctrl-C in the terminal reaches the agent alone, which still has its goodbye to say.
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read(self._process), name="mosquitto-log")
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while not await _accepts(self._port):
                    if self._process.returncode is not None:
                        await self._reading
                        raise self._failed(f"ended with code {self._process.returncode}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise self._failed(f"accepted no connection within {_READY_WITHIN_S:g} s") from None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is None:
            return
        with contextlib.suppress(ValueError):  # a line over 64 KiB: nothing of Mosquitto's own
            async for line in process.stderr:
                text = line.decode(errors="replace").strip()
                self._said.append(text)
                logger.debug("mosquitto: %s", text)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            started = loop.time()
            if self._process is not None:
                code = await self._process.wait()
                logger.error("the embedded broker ended with code %d; starting it again. %s", code, self._last_words())
            attempt = 0 if loop.time() - started >= _STABLE_S else attempt + 1
            await asyncio.sleep(backoff_s(attempt, self._uniform(), first_s=0.1, limit_s=_RESTART_LIMIT_S))
            try:
                await self._launch()
                self.restarts += 1
            except (BrokerError, OSError) as error:
                logger.error("%s", error)  # noqa: TRY400 - the message says it all; the stack adds nothing
                await self._end_process()

    async def _end_process(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                await process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    def _last_words(self) -> str:
        return f"It said: {' / '.join(list(self._said)[-3:])}" if self._said else "It said nothing"

    def _failed(self, what: str) -> BrokerError:
        return BrokerError(
            f"The embedded broker ({self._binary}, port {self._port}) {what}. {self._last_words()}",
            reason=Reason.FAILED,
            remedy=f"Check {self._folder} and try `{self._binary} -c mosquitto.conf` in it, or set [broker] host",
        )


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
