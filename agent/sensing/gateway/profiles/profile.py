"""What every profile is: payloads in, readings out.

Rules:

- A profile does no I/O and knows no clock; when a payload arrived is told with it.
- `take` raises WireError for a payload that does not follow its specification; whoever calls it counts that under
  `{profile}.{reason}`. What is well-formed but says nothing (a fill value, no skin contact) the profile leaves out
  and counts itself, under a name that its docstring gives.
- Values that are merely implausible are handed on: sensing judges them, and lowers the stream's quality.
- A profile object lives as long as its wearable is served, and is told of every new connection: what hangs on the
  connection begins anew, so nothing is carried over a gap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Count", "Dialogue", "Profile", "Readings", "readings"]

Count = Callable[[str], None]
"""Counts one event by its name within the profile."""
Dialogue: TypeAlias = Generator[bytes, bytes | None, None]
"""Requests to a control point: each is yielded and answered with the packet that came back, None when none came in
time. An empty request writes nothing and asks for the next packet."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a payload said about one quantity.

    Attributes:
        quantity: of the wire; decides the unit.
        times: float64 [n], seconds since the epoch, ascending.
        values: float64 [n] or [n, channels], in the quantity's unit, all finite.
    """

    quantity: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]


def readings(quantity: str, times: ArrayLike, values: ArrayLike) -> list[Readings]:
    """Readings of one quantity, as a list that is empty where there are none.

    Args:
        quantity: of the wire.
        times: [n] or a single one.
        values: [n], [n, channels] or a single one.
    """
    stamped = np.atleast_1d(np.asarray(times, dtype=np.float64))
    return [Readings(quantity, stamped, np.atleast_1d(np.asarray(values, dtype=np.float64)))] if len(stamped) else []


class Profile(ABC):
    """One GATT service as the gateway uses it.

    Args:
        count: counts what is left out.
        waveforms: whether raw waveforms are wanted, for a profile that is asked for them.

    Attributes:
        name: stands in counters.
        service: UUID of the service, in bleak's writing.
        notifies: characteristics to subscribe to, as far as the wearable has them.
        reads: characteristics that are read once after connecting and handed to `take` as well.
        control: characteristic of requests and answers, which `dialogue` then uses; None for most.
        silent_s: so long without any notification means that the connection is dead; None where silence is normal.
    """

    name: ClassVar[str]
    service: ClassVar[str]
    notifies: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ()
    control: ClassVar[str | None] = None
    silent_s: ClassVar[float | None] = None

    def __init__(self, count: Count, *, waveforms: bool = True) -> None:
        self._count = count
        self._waveforms = waveforms

    def begin(self) -> None:  # noqa: B027 - most keep nothing that a connection ends
        """A connection has been made: forget what held for the one before."""

    @abstractmethod
    def take(self, characteristic: str, payload: bytes, arrived: float) -> list[Readings]:
        """Read one payload.

        Args:
            characteristic: UUID of where it came from.
            payload: as it came.
            arrived: seconds since the epoch.

        Raises:
            WireError: it does not follow the specification.
        """

    def dialogue(self, features: bytes) -> Dialogue:
        """What to ask at the control point once the notifications are on.

        Args:
            features: what a read of the control point gave.

        Raises:
            WireError: from the generator; the features or an answer do not follow the specification.
        """
        del features
        yield from ()
