"""Folds of a table on several processors: each process takes its share of them and says what it has done.

The processes are forked, so that what was loaded is theirs without copying or reading it again. Nothing of TensorFlow
may have run in the parent, since its threads do not survive a fork; a table's parent therefore computes nothing itself.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Final, TypeAlias

from models.errors import AttuneError, Reason

__all__ = ["Share", "Tell", "processors", "run_apart"]

Tell: TypeAlias = Callable[[str], None]
"""Takes a note on a step that is done."""
Share: TypeAlias = Callable[[Tell], None]
"""Work of one process."""

_FORK: Final = get_context("fork")


def processors() -> int:
    """Return how many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_apart(shares: Sequence[Share], tell: Tell) -> None:
    """Run each share in a process of its own; return when all are done.

    Args:
        shares: work; it leaves what it finds on the disk.
        tell: takes, in this process, what the shares tell.

    Raises:
        AttuneError: as a share raised it, or a process was killed; the others are stopped.
        RuntimeError: a share raised something else, whose traceback is told.
    """
    running: dict[Connection, ForkProcess] = {}
    try:
        for share in shares:
            ours, theirs = _FORK.Pipe(duplex=False)
            process = _FORK.Process(target=_run, args=(share, theirs), daemon=True)
            process.start()
            theirs.close()
            running[ours] = process
        while running:
            ready = wait(list(running))
            for channel in [one for one in running if one in ready]:
                _hear(channel, running, tell)
    finally:
        for channel, process in running.items():
            process.terminate()
            process.join()
            channel.close()


def _hear(channel: Connection, running: dict[Connection, ForkProcess], tell: Tell) -> None:
    """Pass on one message; at the end of them, see how the process ended."""
    try:
        message: str | Exception = channel.recv()
    except EOFError:
        process = running[channel]
        process.join()
        if process.exitcode:
            raise AttuneError(
                f"a process that computed folds ended with {process.exitcode}",
                reason=Reason.FAILED,
                remedy="Finished folds are kept; if memory was short, go on with --jobs 1",
            ) from None
        del running[channel]
        channel.close()
        return
    if isinstance(message, Exception):
        raise message
    tell(message)


def _run(share: Share, channel: Connection) -> None:
    try:
        share(channel.send)
    except AttuneError as error:
        channel.send(error)
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody listens any more. What is finished lies on the disk.
        os._exit(1)
    except Exception:  # noqa: BLE001 - whatever a row raises is told with its traceback, which an exception loses here
        channel.send(RuntimeError(traceback.format_exc()))
