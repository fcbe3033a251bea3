"""Child processes of the demo, of which none is left behind.

Rules:

- Whoever leaves the context stops all children, the youngest first: SIGTERM, then SIGKILL after a grace period.
- Background children live in a session of their own: Ctrl-C reaches the demo alone, which stops them in order.
- Should the demo itself be killed, the kernel sends SIGTERM to its children (PR_SET_PDEATHSIG, Linux).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from types import TracebackType
from typing import Self

from models.errors import AttuneError, Reason

__all__ = ["Child", "Children", "program"]

_PR_SET_PDEATHSIG = 1
# The player fades out, the database closes, the broker stops: seconds, not minutes.
_GRACE_S = 15.0
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def program(name: str) -> str:
    """The console command of this environment.

    Raises:
        AttuneError: it is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise AttuneError(
            f"The command {name} is not installed", reason=Reason.MISSING, remedy="Install Attune into this environment"
        )
    return found


def _die_with_parent() -> None:
    # Runs between fork and exec: one system call and nothing else. The demo has no threads that could hold a lock then.
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _output_file(log: Path) -> Path:
    return log.with_suffix(".out")


class Child:
    """One running child process.

    Args:
        name: for people.
        process: what was started.
        log: the file that its standard error goes to, if any.
        own_session: whether it leads a session of its own.
    """

    def __init__(self, name: str, process: Process, log: Path | None, *, own_session: bool) -> None:
        self.name = name
        self._process = process
        self._log = log
        self._own_session = own_session

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    @property
    def returncode(self) -> int | None:
        """Its exit status; negative for a signal, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end and return its exit status."""
        return await self._process.wait()

    def output(self) -> bytes:
        """Its standard output so far; empty where that was not kept."""
        return _output_file(self._log).read_bytes() if self._log is not None else b""

    async def stop(self) -> None:
        """End it, and what it left behind in its session."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), _GRACE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        if self._own_session:
            # Empty as a rule; after a crash, a broker may be left in it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        if self._log is None or not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class Children:
    """Starts children and stops them all when the context is left, however it is left."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopping = asyncio.ensure_future(self._stop_all())
        cancelled: asyncio.CancelledError | None = None
        while not stopping.done():
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError as cancellation:
                # It must not cut the stopping short; it goes on when the processes have ended.
                cancelled = cancellation
        if cancelled is not None:
            raise cancelled

    async def _stop_all(self) -> None:
        while self._children:
            await self._children.pop().stop()

    async def background(self, name: str, *command: str, log: Path) -> Child:
        """Start a child that says nothing to the terminal: standard error goes to `log`, standard output beside it.

        Both are files, not pipes: a pipe that a grandchild holds open would hide that the child has died.
        """
        with log.open("wb") as errors, _output_file(log).open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        return self._keep(Child(name, process, log, own_session=True))

    async def foreground(self, name: str, *command: str) -> Child:
        """Start a child that has the terminal; only its standard error is shown where standard output is none."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=None if sys.stdout.isatty() else asyncio.subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )
        return self._keep(Child(name, process, None, own_session=False))

    def _keep(self, child: Child) -> Child:
        self._children.append(child)
        return child
