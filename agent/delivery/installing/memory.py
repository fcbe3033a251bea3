"""Whether this device has the memory for two bundles at once, and giving back what is not needed any more."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

from models.errors import DeliveryError, Reason

__all__ = ["available_bytes", "require_memory", "trim"]

_MEMINFO: Final = Path("/proc/meminfo")
_SPARE_BYTES: Final = 48 << 20
"""For the catalogue of a second bundle (20 MB at 10,000 tracks) and for what else the device does meanwhile."""


def require_memory(more_bytes: int, *, meminfo: Path = _MEMINFO) -> None:
    """Refuses to begin a swap that this device has not the memory for now.

    Args:
        more_bytes: of the bundle's models; as much again is reckoned for its tables.
        meminfo: where the system tells.

    Raises:
        DeliveryError: FAILED: it has not, now.
    """
    available = available_bytes(meminfo)
    needed = 2 * more_bytes + _SPARE_BYTES
    if available is not None and available < needed:
        raise DeliveryError(
            f"{available >> 20} MiB of memory are free, {needed >> 20} MiB are needed for two bundles at once",
            reason=Reason.FAILED,
            remedy="It is tried again later; the bundle in use stays",
        )


def available_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """Memory that programs can still get without swapping; None where the system does not tell."""
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return None
    return None


def trim() -> None:
    """Gives memory that was freed back to the system, where the C library can; takes some milliseconds.

    A catalogue of 10,000 tracks is read through 30 MB of short-lived rows, which glibc else keeps for ever.
    """
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)
