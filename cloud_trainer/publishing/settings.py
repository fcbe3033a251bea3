"""The section `[publishing]` of the trainer's settings; `config/trainer.toml` explains every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, field

from models.delivery.chunks import CHUNK_BYTES
from models.delivery.places import channels_folder
from models.settings import Section

__all__ = ["PublishingSection"]

Days = Annotated[float, Meta(gt=0.0, le=3660.0)]


class PublishingSection(Section, frozen=True):
    """Where bundles are published, with which keys, and for how long what is signed holds."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    folder: Path = field(default_factory=channels_folder)
    keys: Path = field(default_factory=lambda: Path("~/.config/attune/keys").expanduser())
    passphrase_file: Path | None = None
    feedback: Path = field(default_factory=lambda: Path("~/.local/share/attune/feedback").expanduser())
    root_days: Days = 730.0
    targets_days: Days = 365.0
    snapshot_days: Days = 60.0
    timestamp_days: Days = 14.0
    keep_days: Annotated[float, Meta(ge=0.0, le=3660.0)] = 7.0
    chunk_bytes: Annotated[int, Meta(ge=1024, le=262_144)] = CHUNK_BYTES
