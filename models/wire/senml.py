"""SenML packs (RFC 8428) to arrays and back.

Rules:

- CBOR where the first byte is 0x80–0x9F (an array), else JSON. Both resolve the same way.
- Base fields are resolved as section 4 says: name and unit inherited, time and value added. A resolved time below
  2**28 is relative to now (section 4.5.3). A unit that is absent is the quantity's own.
- Unknown labels are ignored and counted, unless they end in `_`: then the pack is refused (section 4.4). So is a pack
  of a version above 10.
- The topic decides the quantity. Of a record's resolved name only the last part after `:` or `/` counts; none means the
  topic's quantity; `seq` counts packs; any other name is ignored and counted.
- A pack is accepted or refused as a whole; nothing in it is repaired.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import cbor2
import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import Reason, WireError
from models.wire.quantities import QUANTITIES, Quantity

__all__ = ["MAXIMUM_BYTES", "Pack", "decode", "encode"]

MAXIMUM_BYTES: Final = 256 * 1024
"""A pack of this size holds minutes of the densest stream; what is larger is a mistake or an attack."""

_RELATIVE_BELOW: Final = 2.0**28
_VERSION: Final = 10
_LABELS: Final = ("bn", "bt", "bu", "bv", "bver", "n", "u", "v", "t", "bs", "vs", "vb", "vd", "s", "ut")
# RFC 8428, table 4: the integers that stand for the labels in CBOR, in the order of _LABELS.
_CBOR_LABELS: Final = (-2, -3, -4, -5, -1, 0, 1, 2, 6, -6, 3, 4, 8, 5, 7)
_JSON_KNOWN: Final = frozenset(_LABELS)
_CBOR_KNOWN: Final = frozenset(_CBOR_LABELS)
_REMEDY: Final = "Send a SenML pack as RFC 8428 describes"


@dataclass(frozen=True, slots=True)
class Pack:
    """One resolved pack.

    Attributes:
        quantity: from the topic.
        times: float64 [n], seconds since the epoch, in the order of the records.
        values: float64 [n], or [n, channels] for a quantity of several channels, in the quantity's unit.
        sequence: the pack's number since the wearable started, where it says so.
        ignored: labels, names and incomplete samples that were left out.
    """

    quantity: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    sequence: int | None
    ignored: int


def _malformed(message: str, reason: Reason = Reason.MALFORMED, remedy: str = _REMEDY) -> WireError:
    return WireError(message, reason=reason, remedy=remedy)


def _parse(payload: bytes) -> tuple[list[Any], tuple[Any, ...], frozenset[Any]]:
    """Bytes to records, with the labels of the encoding that they came in."""
    if len(payload) > MAXIMUM_BYTES:
        raise _malformed(
            f"the pack has {len(payload)} bytes, more than {MAXIMUM_BYTES}",
            Reason.OVERSIZED,
            "Send smaller packs more often",
        )
    if not payload:
        raise _malformed("the pack is empty")
    labels: tuple[Any, ...]
    known: frozenset[Any]
    try:
        if 0x80 <= payload[0] <= 0x9F:
            stream = BytesIO(payload)
            records = cbor2.CBORDecoder(stream).decode()
            if stream.tell() != len(payload):
                raise _malformed("bytes follow the CBOR array")
            labels, known = _CBOR_LABELS, _CBOR_KNOWN
        else:
            records = msgspec.json.decode(payload)
            labels, known = _LABELS, _JSON_KNOWN
    except (
        cbor2.CBORDecodeError,
        msgspec.DecodeError,
        RecursionError,
        MemoryError,
        ValueError,
        OverflowError,
    ) as error:
        raise _malformed(f"the pack is neither CBOR nor JSON: {error}") from error
    if not isinstance(records, list) or not records:
        raise _malformed("the pack is no array of records")
    return records, labels, known


def _number(value: Any, label: str) -> float:  # noqa: ANN401 - what came over the wire may be anything
    if type(value) is float or type(value) is int:
        number = float(value) if abs(value) < 1e300 else math.inf
        if math.isfinite(number):
            return number
    raise _malformed(f"{label} is {str(value)[:40]!r}, not a finite number")


def _text(value: Any, label: str) -> str:  # noqa: ANN401 - likewise
    if isinstance(value, str):
        return value
    raise _malformed(f"{label} is {str(value)[:40]!r}, not text")


class _Resolver:
    """Carries the base fields from record to record."""

    def __init__(self, quantity: str, spec: Quantity, now: float) -> None:
        self.quantity, self.spec, self.now = quantity, spec, now
        self.name, self.unit, self.time, self.value = "", "", 0.0, 0.0
        self.channels: dict[str, tuple[list[float], list[float]]] = {c: ([], []) for c in spec.channels or (quantity,)}
        self.sequence: int | None = None
        self.ignored = 0

    def base(self, record: Mapping[Any, Any], labels: tuple[Any, ...]) -> None:
        bn, bt, bu, bv, bver = labels[:5]
        if bver in record and _number(record[bver], "bver") != _VERSION:
            raise _malformed(f"bver is {record[bver]!r}, this program reads version {_VERSION}", Reason.UNSUPPORTED)
        if bn in record:
            self.name = _text(record[bn], "bn")
        if bu in record:
            self.unit = _text(record[bu], "bu")
        if bt in record:
            self.time = _number(record[bt], "bt")
        if bv in record:
            self.value = _number(record[bv], "bv")

    def add(self, record: Mapping[Any, Any], labels: tuple[Any, ...]) -> None:
        n, u, v, t = labels[5:9]
        if v not in record:
            if any(label in record for label in labels[10:13]):
                raise _malformed(f"a record of {self.quantity} has a value that is no number")
            return
        value = _number(record[v], "v") + self.value
        name = self.name + (_text(record[n], "n") if n in record else "")
        part = name[max(name.rfind(":"), name.rfind("/")) + 1 :]
        unit = _text(record[u], "u") if u in record else self.unit
        if part == "seq":
            self._count(value, unit if u in record else "count")
            return
        series = self.channels.get(part or self.quantity)
        if series is None:
            self.ignored += 1
            return
        if unit and unit != self.spec.unit:
            raise _malformed(
                f"{self.quantity} came in {unit!r}, not {self.spec.unit!r}",
                Reason.WRONG_UNIT,
                f"Send {self.quantity} in {self.spec.unit}",
            )
        time = self.time + (_number(record[t], "t") if t in record else 0.0)
        series[0].append(time + self.now if time < _RELATIVE_BELOW else time)
        series[1].append(value)

    def _count(self, value: float, unit: str) -> None:
        if unit != "count" or value < 0 or value != int(value):
            raise _malformed(f"seq is {value!r} {unit!r}, not a count")
        self.sequence = int(value)

    def pack(self) -> Pack:
        if not self.spec.channels:
            times, values = (np.array(series, dtype=np.float64) for series in self.channels[self.quantity])
            return Pack(self.quantity, times, values, self.sequence, self.ignored)
        columns = list(self.channels.values())
        if any(times != columns[0][0] for times, _ in columns):
            columns = self._joined(columns)
        values = np.array([series for _, series in columns], dtype=np.float64).T
        return Pack(self.quantity, np.array(columns[0][0], dtype=np.float64), values, self.sequence, self.ignored)

    def _joined(self, columns: list[tuple[list[float], list[float]]]) -> list[tuple[list[float], list[float]]]:
        """Keep the samples of which every channel came."""
        by_time = [dict(zip(times, values, strict=True)) for times, values in columns]
        whole = sorted(set.intersection(*(set(series) for series in by_time)))
        self.ignored += sum(len(times) for times, _ in columns) - len(whole) * len(columns)
        return [(whole, [series[time] for time in whole]) for series in by_time]


def decode(payload: bytes, *, quantity: str, now: float) -> Pack:
    """Read one pack.

    Args:
        payload: what came over the wire.
        quantity: from the topic.
        now: seconds since the epoch, to which relative times refer.

    Returns:
        The resolved samples; `times` may be empty when the pack held none of the quantity.

    Raises:
        WireError: with reason MALFORMED, OVERSIZED, WRONG_UNIT, UNKNOWN_QUANTITY or UNSUPPORTED.
    """
    spec = QUANTITIES.get(quantity)
    if spec is None:
        raise _malformed(
            f"the quantity {quantity[:40]!r} is unknown",
            Reason.UNKNOWN_QUANTITY,
            f"Send one of {', '.join(QUANTITIES)}",
        )
    records, labels, known = _parse(payload)
    resolver = _Resolver(quantity, spec, now)
    for record in records:
        if not isinstance(record, dict):
            raise _malformed("a record is no object")
        if not record.keys() <= known:
            unknown = [str(label) for label in record if label not in known]
            if any(label.endswith("_") for label in unknown):
                raise _malformed(f"the label {max(unknown)[:40]!r} must be understood and is not", Reason.UNSUPPORTED)
            resolver.ignored += len(unknown)
        resolver.base(record, labels)
        resolver.add(record, labels)
    return resolver.pack()


def encode(
    quantity: str,
    times: Sequence[float] | NDArray[np.float64],
    values: ArrayLike,
    *,
    sequence: int | None = None,
    cbor: bool = True,
) -> bytes:
    """Write one pack.

    Args:
        quantity: what is sent; decides the unit and the channels' names.
        times: [n], seconds since the epoch.
        values: [n], or [n, channels] for a quantity of several channels.
        sequence: the pack's number since the wearable started.
        cbor: CBOR if true, else JSON.

    Raises:
        WireError: the quantity is unknown, the pack is empty or the shapes disagree.
    """
    spec = QUANTITIES.get(quantity)
    if spec is None or not len(times):
        raise _malformed(f"cannot write {len(times)} samples of {quantity!r}")
    array = np.asarray(values, dtype=np.float64).reshape(len(times), -1)
    if array.shape[1] != max(1, len(spec.channels)):
        raise _malformed(f"cannot write {array.shape} values of {quantity!r} at {len(times)} times")
    start = float(times[0])
    records: list[dict[str, Any]] = []
    for time, row in zip(times, array.tolist(), strict=True):
        # Microseconds are finer than any wearable's clock; rounding keeps JSON short.
        offset = round(float(time) - start, 6)
        for channel, value in zip(spec.channels or ("",), row, strict=True):
            record: dict[str, Any] = {"n": channel} if channel else {}
            record["v"] = value
            if offset:
                record["t"] = offset
            records.append(record)
    records[0] = {"bt": start, "bu": spec.unit, **records[0]}
    if sequence is not None:
        records.append({"n": "seq", "u": "count", "v": sequence})
    if not cbor:
        return msgspec.json.encode(records)
    to_integer = dict(zip(_LABELS, _CBOR_LABELS, strict=True))
    return _write_cbor([{to_integer[label]: value for label, value in record.items()} for record in records])


def _write_cbor(records: list[dict[int, Any]]) -> bytes:
    try:
        return bytes(cbor2.dumps(records))
    except (cbor2.CBOREncodeError, struct.error) as error:
        raise _malformed(f"the pack cannot be written as CBOR: {error}") from error
