"""Worker processes for composing: none outlives its parent, and none waits for another's arithmetic threads."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Any, Self, TypeVar

from models.errors import AttuneError, Reason

__all__ = ["Workshop"]

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
# One thread per process: the processes already fill the cores, and idle arithmetic threads spin.
_THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Workshop:
    """A few processes that run jobs; a context manager.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: the parent may draw a progress bar from a thread.
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(
        self, work: Callable[..., _Result], jobs: Sequence[tuple[_Job, tuple[Any, ...]]]
    ) -> Iterator[tuple[_Job, _Result]]:
        """Results as they come.

        Args:
            work: a module's function.
            jobs: what identifies a job, and the arguments for `work`.

        Raises:
            AttuneError: a process died.
            OSError: and whatever else `work` raises.
        """
        before = {name: os.environ.get(name) for name in _THREAD_SETTINGS}
        os.environ.update(dict.fromkeys(_THREAD_SETTINGS, "1"))
        try:
            futures = {self._pool.submit(work, *arguments): job for job, arguments in jobs}
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise AttuneError(
                "a composing process died, probably for want of memory",
                reason=Reason.FAILED,
                remedy="Run the same command again with --workers 1: it goes on where it stopped",
            ) from error


def _prepare() -> None:
    """In the worker: Ctrl-C is the parent's business, and a parent that was killed takes its workers with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
