"""The quantities that wearables send: their units, channels and plausible ranges.

Units are those of the SenML registry (RFC 8428, section 12.1). `beat/min` is discouraged there for new work; it is what
every tool understands (docs/decisions/0002-beats-per-minute.md).
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["QUANTITIES", "Quantity"]


class Quantity(NamedTuple):
    """What one quantity is on the wire.

    Attributes:
        unit: SenML unit of every record.
        channels: names of the records that form one sample; empty for a single channel that needs no name.
        low: smallest value that a sensor can mean; below it the sample is an artefact or a fill value.
        high: largest such value.
        rate_hz: usual rate; per beat for rr.
        qos: MQTT quality of service.
    """

    unit: str
    channels: tuple[str, ...]
    low: float
    high: float
    rate_hz: float
    qos: int


QUANTITIES: Final[dict[str, Quantity]] = {
    # 25 and 240 beats a minute bound what a living listener's heart does; 0 and 255 are fill values of wristbands.
    "hr": Quantity("beat/min", (), 25.0, 240.0, 1.0, 1),
    "rr": Quantity("s", (), 0.25, 2.4, 1.2, 1),
    # Arbitrary linear units: any finite number.
    "ppg": Quantity("/", (), -1e9, 1e9, 64.0, 0),
    # Volts between two electrodes. A wet electrode's offset alone may reach 0.3 V (IEC 60601-2-47); the heart adds
    # millivolts to it, which the beat detector, not the range, has to find.
    "ecg": Quantity("V", (), -0.5, 0.5, 130.0, 0),
    # Siemens. Skin conductance lies below 100 microsiemens (Boucsein 2012, section 3.3).
    "eda": Quantity("S", (), 0.0, 1e-4, 4.0, 0),
    # A sensor that is not worn shows the room: it is a value, its quality says that it is no skin.
    "temp": Quantity("Cel", (), -20.0, 60.0, 1.0, 0),
    # 16 g, the widest range of wrist-worn accelerometers.
    "acc": Quantity("m/s2", ("x", "y", "z"), -160.0, 160.0, 32.0, 0),
    # Per cent of the haemoglobin that carries oxygen. Below 50 no pulse oximeter is calibrated (ISO 80601-2-61 asks for
    # 70 to 100), so that a value there is a finger that left the sensor; it is judged by quality, not refused.
    "spo2": Quantity("%", (), 0.0, 100.0, 1.0, 1),
    "batt": Quantity("%EL", (), 0.0, 100.0, 1 / 60, 0),
}
