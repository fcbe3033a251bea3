"""A child process that is trusted with nothing: fed one job, heard line by line, ended whatever happens.

Rules:

- The parent reads no more than `MOST_LINE` bytes at a time, waits no longer than it was told, and never hangs on a
  child that does not end.
- The job goes in over standard input, which then stays open: a child that sees its end knows that the parent is gone.
- The child's standard error goes nowhere: what matters comes as lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

__all__ = ["MOST_LINE", "Child"]

MOST_LINE: Final = 1 << 16
_NICENESS: Final = 10
_ENVIRONMENT: Final = {
    # One thread each: the music has the other cores, and threads of a numerical library take address space.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class Child:
    """A running child; use it as `async with await Child.start(…) as child`.

    Attributes:
        returncode: how it ended, negative for a signal; None as long as it runs.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, module: str, job: bytes, *, environment: Mapping[str, str] | None = None) -> Self:
        """Starts a module of ours and gives it a job.

        Args:
            module: to be run as `python -m`.
            job: its standard input, after a line with the number of bytes.
            environment: more variables.

        Raises:
            OSError: it could not be started.
        """
        return await cls.of_command([sys.executable, "-m", module], job, environment=environment)

    @classmethod
    async def of_command(
        cls, command: Sequence[str], job: bytes, *, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Starts any command; see `start`."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=MOST_LINE,
            env={**os.environ, **_ENVIRONMENT, **(environment or {})},
        )
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        child = cls(process)
        if process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(b"%d\n" % len(job) + job)
                await process.stdin.drain()
        return child

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None as long as it runs."""
        return self._process.returncode

    async def lines(self) -> AsyncIterator[bytes]:
        """Yields every line that it prints, without its end, until it closes its output; then waits for its end.

        Raises:
            ValueError: a line is longer than `MOST_LINE`.
        """
        stdout = self._process.stdout
        while stdout is not None and (line := await stdout.readline()):
            yield line.rstrip(b"\n")
        await self._process.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends it, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        # Its output is read to the end, or the transport would outlive the loop.
        await self._process.communicate()
