"""The agent's settings, as types. `config/agent.toml` shows every key with its default and what it means.

Rules:

- Settings are read once, before anything starts, and never change while the agent runs.
- Every default works on a machine with nothing prepared: an embedded broker, `~/Music`, the bundle that ships.
- What is a matter of the listener's privacy is off.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from models import settings
from models.settings import Section

__all__ = [
    "Affect",
    "AgentSettings",
    "Broker",
    "Bundle",
    "Device",
    "Gateway",
    "Library",
    "Listener",
    "Log",
    "Playback",
    "Privacy",
    "Ranking",
    "Storage",
    "as_dict",
    "load",
]

Name = Annotated[
    str,
    Meta(pattern=r"\A[a-z0-9-]+\Z", max_length=64, description="lower-case letters, digits and hyphens, at most 64"),
]
"""A name that stands in MQTT topics. `\\Z` because `$` would let a line end through."""

Group = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{0,64}\Z", description="as a name, or empty")]

_EMBEDDED_HOST = "127.0.0.1"


class Device(Section, frozen=True):
    """This player."""

    id: Name = "living-room"


class Listener(Section, frozen=True):
    """The person whose music this is."""

    id: Name = "me"


class Broker(Section, frozen=True):
    """The MQTT broker: one by address, or an embedded one on the loopback interface."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: a password without a user, or half of a client certificate.
        """
        if self.password_file and not self.username:
            raise ValueError("password_file needs username beside it")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file go together")

    @property
    def is_embedded(self) -> bool:
        """Whether the agent starts a broker of its own."""
        return not self.host

    @property
    def address(self) -> str:
        """The host that clients connect to, the embedded broker's included."""
        return self.host or _EMBEDDED_HOST


class Library(Section, frozen=True):
    """Where the music lies."""

    folders: tuple[Path, ...] = field(default_factory=lambda: (Path("~/Music").expanduser(),))


class Storage(Section, frozen=True):
    """Where the agent keeps its database, and for how long."""

    folder: Path = field(default_factory=lambda: Path("~/.local/share/attune").expanduser())
    retain_samples_days: Annotated[int, Meta(ge=0, le=3650)] = 0


class Playback(Section, frozen=True):
    """Where the sound goes."""

    output: Literal["device", "file", "silent"] = "device"
    file: Path = Path("played.wav")
    autoplay: bool = True
    device: str | None = None
    volume_percent: Annotated[float, Meta(ge=0.0, le=100.0)] = 80.0


class Bundle(Section, frozen=True):
    """The models and tables."""

    channel: Name = "stable"
    group: Group = ""
    probation_minutes: Annotated[float, Meta(ge=0.1, le=10_080.0)] = 60.0
    folder: Path | None = None
    runtime: Literal["auto", "tflite", "litert"] = "auto"


class Affect(Section, frozen=True):
    """How often the affect state is estimated."""

    evaluate_every_s: Annotated[float, Meta(ge=0.1, le=60.0)] = 1.0
    step_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 5.0


class Gateway(Section, frozen=True):
    """How Bluetooth wearables are read."""

    inside: bool = False
    adapter: Annotated[
        str, Meta(pattern=r"\A(system|hci:.+)\Z", description='"system", or "hci:" and a transport such as "hci:usb:0"')
    ] = "system"
    waveforms: bool = True


class Ranking(Section, frozen=True):
    """How the queue is made."""

    queue_length: Annotated[int, Meta(ge=2, le=100)] = 10


class Privacy(Section, frozen=True):
    """What leaves this device for an external broker. On the embedded one everything is published: it is loopback."""

    publish_affect: bool = False
    publish_streams: bool = False


class Log(Section, frozen=True):
    """What the agent tells on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class AgentSettings(Section, frozen=True):
    """All settings of `attune-agent`."""

    device: Device = Device()
    listener: Listener = Listener()
    broker: Broker = Broker()
    library: Library = field(default_factory=Library)
    storage: Storage = field(default_factory=Storage)
    playback: Playback = Playback()
    bundle: Bundle = Bundle()
    affect: Affect = Affect()
    gateway: Gateway = Gateway()
    ranking: Ranking = Ranking()
    privacy: Privacy = Privacy()
    log: Log = Log()


def load(config: Path | None = None) -> AgentSettings:
    """Read the agent's settings: from `config`, else the user's file, else the defaults.

    Raises:
        SettingsError: see `models.settings.load`.
    """
    return settings.load(AgentSettings, program="agent", config=config)


def as_dict(loaded: AgentSettings) -> dict[str, dict[str, object]]:
    """Return settings as plain values, as a settings file would hold them; what is not set is the empty text."""
    plain: dict[str, dict[str, object]] = msgspec.to_builtins(loaded, enc_hook=str)
    return {
        section: {key: "" if value is None else value for key, value in keys.items()} for section, keys in plain.items()
    }
