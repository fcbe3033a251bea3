"""Reading the fields of a GATT payload, byte by byte, little-endian throughout.

The medical floats are those of IEEE 11073-20601, as the Bluetooth GATT Specification Supplement takes them over: a
signed mantissa and a signed power of ten, with a handful of mantissas that stand for no number.
"""

from __future__ import annotations

from typing import Final

from models.errors import Reason, WireError

__all__ = ["LARGEST_PAYLOAD", "Fields", "full_uuid"]

LARGEST_PAYLOAD: Final = 512
"""Bytes: no attribute value is longer (Bluetooth Core Specification 5.4, volume 3, part F, section 3.2.9)."""
_NAN: Final = float("nan")
_INFINITE: Final = float("inf")
_REMEDY: Final = "Update the wearable's firmware; a single damaged packet does no harm"


def full_uuid(short: int) -> str:
    """The 128-bit text of a 16-bit UUID of the Bluetooth SIG, as bleak writes it."""
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


class Fields:
    """Takes fields from the front of a payload.

    Args:
        payload: as notified or read.
        what: its name in messages.

    Raises:
        WireError: MALFORMED for an empty payload, OVERSIZED for one that no attribute can hold.
    """

    def __init__(self, payload: bytes, what: str) -> None:
        if len(payload) > LARGEST_PAYLOAD:
            raise WireError(
                f"{what} has {len(payload)} bytes, more than an attribute can hold",
                reason=Reason.OVERSIZED,
                remedy=_REMEDY,
            )
        self._payload, self._what, self._at = payload, what, 0
        if not payload:
            raise self.malformed("is empty")

    def __len__(self) -> int:
        """Bytes that are left."""
        return len(self._payload) - self._at

    def malformed(self, why: str, reason: Reason = Reason.MALFORMED) -> WireError:
        """An error that names the payload."""
        return WireError(f"{self._what} {why}: {self._payload[:24].hex(' ')}", reason=reason, remedy=_REMEDY)

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            WireError: MALFORMED; the payload ends before.
        """
        if count > len(self):
            raise self.malformed(f"ends {count - len(self)} bytes too early")
        self._at += count
        return self._payload[self._at - count : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self))

    def unsigned(self, count: int) -> int:
        """An unsigned integer of `count` bytes; raises as `take`."""
        return int.from_bytes(self.take(count), "little")

    def short_float(self) -> float:
        """A 16-bit SFLOAT: 12 bits of mantissa, 4 of exponent; NaN or infinite where it stands for no number."""
        raw = self.unsigned(2)
        return _medical_float(raw & 0x0FFF, raw >> 12, mantissa_bits=12, exponent_bits=4)

    def long_float(self) -> float:
        """A 32-bit FLOAT: 24 bits of mantissa, 8 of exponent; NaN or infinite where it stands for no number."""
        raw = self.unsigned(4)
        return _medical_float(raw & 0xFFFFFF, raw >> 24, mantissa_bits=24, exponent_bits=8)


def _medical_float(mantissa: int, exponent: int, *, mantissa_bits: int, exponent_bits: int) -> float:
    half = 1 << (mantissa_bits - 1)
    if exponent == 0:
        # NaN, "not at this resolution" and the reserved value are no numbers; the two infinities are out of range.
        special = {half - 1: _NAN, half: _NAN, half + 1: _NAN, half - 2: _INFINITE, half + 2: -_INFINITE}
        if mantissa in special:
            return special[mantissa]
    signed = mantissa - 2 * half if mantissa >= half else mantissa
    power = exponent - (1 << exponent_bits) if exponent >> (exponent_bits - 1) else exponent
    # Dividing by a power of ten is exact where multiplying by its inverse is not: 366e-1 must be 36.6.
    return signed * 10.0**power if power >= 0 else signed / 10.0**-power
