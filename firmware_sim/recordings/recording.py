"""A recording as its source has it, and the messages that the wearable would have sent meanwhile."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError, Reason
from models.wire import senml, topics
from models.wire.messages import Truth, encode
from models.wire.session import Entry, Header

__all__ = ["Recording", "Series", "entries", "header"]

_COLLECTED_S: Final[Mapping[str, float]] = {"ppg": 1.0, "ecg": 1.0, "acc": 1.0, "eda": 1.0, "temp": 1.0}
"""How long a wearable collects a dense quantity before it sends; a beat and a heart rate go at once."""
_TIME_DIGITS: Final = 4
"""A tenth of a millisecond is finer than any wearable's clock, and short in JSON."""
_FIRST_MOMENT: Final = 2.0**28
"""Times below are relative on the wire (RFC 8428, section 4.5.3)."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one quantity.

    Attributes:
        times: float64 [n], seconds since the epoch, ascending.
        values: float64 [n] or [n, channels], in the wire's unit.
    """

    times: Array
    values: Array

    @classmethod
    def even(cls, start: float, rate_hz: float, values: Array) -> Series:
        """Samples at a steady rate from `start` on."""
        return cls(start + np.arange(len(values)) / rate_hz, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What one wearable measured of one person.

    Attributes:
        source: which data set and person, for the session's header.
        licence: its terms.
        wearable: the name to send under.
        series: by quantity of the wire.
        marks: moments that the wearer marked, seconds since the epoch.
        truths: what the wearer reported to feel, for scoring alone.
    """

    source: str
    licence: str
    wearable: str
    series: Mapping[str, Series]
    marks: tuple[float, ...] = ()
    truths: tuple[Truth, ...] = field(default=())


def header(recording: Recording) -> Header:
    """The session's header.

    Raises:
        DataError: there is not a single sample (EMPTY), or it is dated before SenML's first absolute time.
    """
    starts = [float(series.times[0]) for series in recording.series.values() if len(series.times)]
    if not starts:
        raise DataError(f"{recording.source} holds no sample", reason=Reason.EMPTY, remedy="Choose another recording")
    if min(starts) < _FIRST_MOMENT:
        raise DataError(
            f"{recording.source} starts at {min(starts)}, which is no time since the epoch",
            reason=Reason.WRONG_VALUE,
            remedy="Check the first line of its files",
        )
    return Header(t=min(starts), source=recording.source, licence=recording.licence, marks=recording.marks)


def entries(recording: Recording, *, listener: str) -> Iterator[Entry]:
    """The messages in the order of their arrival: each pack when its last sample was taken.

    Args:
        recording: what was measured.
        listener: who is said to wear it.
    """
    packs = [
        _packs(topics.sense(listener, recording.wearable, quantity), quantity, series)
        for quantity, series in recording.series.items()
    ]
    truths = (Entry(truth.t, topics.truth(listener), encode(truth)) for truth in recording.truths)
    return heapq.merge(*packs, truths, key=lambda entry: entry.t)


def _packs(topic: str, quantity: str, series: Series) -> Iterator[Entry]:
    times = np.round(series.times, _TIME_DIGITS)
    collected_s = _COLLECTED_S.get(quantity)
    if collected_s is None:
        edges = np.arange(len(times) + 1)
    else:
        # A pack ends where the next whole interval begins; stretches without samples send none.
        interval = np.floor((times - times[:1]) / collected_s)
        edges = np.concatenate(([0], np.flatnonzero(np.diff(interval)) + 1, [len(times)]))
    for number, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        if last > first:
            payload = senml.encode(
                quantity, times[first:last].tolist(), series.values[first:last], sequence=number, cbor=False
            )
            yield Entry(float(times[last - 1]), topic, payload)
