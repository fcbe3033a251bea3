"""The simulator's settings; `config/sim.toml` explains every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from models.settings import Section

__all__ = [
    "BleKind",
    "BleSection",
    "BleWearableSection",
    "BrokerSection",
    "Course",
    "DeviceSection",
    "Format",
    "Kind",
    "LibrarySection",
    "ListenerSection",
    "SimulatorSettings",
    "WearableSection",
]

Name = Annotated[str, Meta(pattern="^[a-z0-9-]+$")]
"""A name that may stand in a topic."""
NotNegative = Annotated[float, Meta(ge=0.0, le=1e6)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Course = Literal["scripted", "random", "follow"]
"""Where the latent feeling comes from."""
Kind = Literal["band", "strap"]
"""What is worn: an optical wristband, or an electric chest strap."""
BleKind = Literal["strap", "polar", "sense", "oximeter", "thermometer"]
"""What is worn over Bluetooth: a plain heart-rate strap, a Polar H10, a Polar Verity Sense, and two medical sensors."""
Format = Literal["cbor", "json"]
QuantityName = Literal["hr", "rr", "ppg", "eda", "temp", "acc", "batt"]


class BrokerSection(Section, frozen=True):
    """The MQTT broker."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def address(self) -> str:
        """The host to connect to: an agent's embedded broker where none is named."""
        return self.host or "127.0.0.1"


class DeviceSection(Section, frozen=True):
    """The player that the listener hears."""

    id: Name = "living-room"


class LibrarySection(Section, frozen=True):
    """The demo catalogue, for its sidecar of intended emotions."""

    folder: Path | None = None


class ListenerSection(Section, frozen=True):
    """Who wears the sensors, and how they feel."""

    id: Name = "me"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1
    course: Course = "random"
    script: str = "four-moods"
    fit: bool = False
    susceptibility: Share = 0.5
    skips: bool = False
    reports_every_s: NotNegative = 0.0


class WearableSection(Section, frozen=True):
    """One wearable."""

    name: Name = "band"
    kind: Kind = "band"
    quantities: tuple[QuantityName, ...] = ()
    format: Format = "cbor"
    sequence: bool = True
    noise: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    clock_offset_s: Annotated[float, Meta(ge=-1e6, le=1e6)] = 0.02
    clock_ppm: Annotated[float, Meta(ge=-1e5, le=1e5)] = 20.0
    gaps_per_hour: NotNegative = 6.0
    gap_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 4.0
    faults: tuple[str, ...] = ()


class BleWearableSection(Section, frozen=True):
    """One wearable on the virtual Bluetooth link."""

    name: Name = "strap"
    kind: BleKind = "strap"
    noise: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    clock_offset_s: Annotated[float, Meta(ge=-2e9, le=2e9)] = 0.02
    clock_ppm: Annotated[float, Meta(ge=-1e5, le=1e5)] = 20.0
    gaps_per_hour: NotNegative = 6.0
    gap_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 4.0
    faults: tuple[str, ...] = ()


class BleSection(Section, frozen=True):
    """The virtual Bluetooth link, and who is on it."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 6402
    wearables: tuple[BleWearableSection, ...] = (BleWearableSection(),)


class SimulatorSettings(Section, frozen=True):
    """All settings of `attune-sim`."""

    broker: BrokerSection = BrokerSection()
    device: DeviceSection = DeviceSection()
    library: LibrarySection = LibrarySection()
    listener: ListenerSection = ListenerSection()
    wearables: tuple[WearableSection, ...] = (WearableSection(),)
    ble: BleSection = BleSection()
