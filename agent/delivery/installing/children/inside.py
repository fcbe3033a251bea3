"""What a child does first: reads its job, gives up what it must not have, and watches its parent."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["Report", "end_first", "limit_memory", "limit_time", "read_job", "resident_bytes"]

_GRACE_S: Final = 5
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Report:
    """Speaks to the parent in lines of JSON, over what was standard output; what models print goes elsewhere."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def __call__(self, kind: str, value: Any) -> None:  # noqa: ANN401 - anything that JSON holds
        """Sends one line."""
        self._stream.write(msgspec.json.encode({kind: value}) + b"\n")


def read_job() -> bytes:
    """Reads the job, and from then on ends this process when the parent is gone."""
    stream = sys.stdin.buffer
    job = stream.read(int(stream.readline()))
    threading.Thread(target=_end_with_parent, args=(stream.fileno(),), daemon=True).start()
    return job


def _end_with_parent(descriptor: int) -> None:
    # Not through the buffered reader: its lock, held here, would abort the interpreter's orderly end.
    os.read(descriptor, 1)
    os._exit(1)


def limit_time(seconds: float) -> None:
    """Lets the system end this process after so much computing; and leaves no core file when something crashes."""
    whole = max(1, round(seconds))
    # The hard limit later: at it the system sends SIGKILL, which would look like a want of memory.
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + _GRACE_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_first() -> None:
    """Asks the system to end this process before any other when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def limit_memory(more_bytes: int) -> None:
    """Bounds the address space to what there is now and so much more."""
    pages = _statm()
    if pages:
        limit = pages[0] * _PAGE + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not tell."""
    pages = _statm()
    return pages[1] * _PAGE if pages else 0


def _statm() -> list[int]:
    try:
        return [int(field) for field in Path("/proc/self/statm").read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
