"""The demo's folder: music, settings and data of an agent of its own."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from models.errors import AttuneError, Reason

__all__ = ["DEVICE", "LISTENER", "Workspace", "free_port", "on_free_port"]

DEVICE = "demo"
LISTENER = "demo-listener"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything of a demo lies. Nothing is written outside of `folder`.

    Attributes:
        folder: absolute.
        port: of the agent's embedded broker.
        tracks: size of the demo catalogue; each has a folder of its own, because pieces of two do not mix.
        seed: of the listener; each has data of their own, because a baseline learned on one misleads about another.
        air_port: of the virtual Bluetooth link; None where the wearable speaks MQTT itself.
    """

    folder: Path
    port: int
    tracks: int
    seed: int
    air_port: int | None = None

    @property
    def music(self) -> Path:
        """The demo catalogue; a newer composer starts anew instead of refusing what an older one made."""
        from firmware_sim.music.tags import COMPOSER_VERSION

        return self.folder / f"music-{self.tracks}-v{COMPOSER_VERSION}"

    @property
    def config(self) -> Path:
        """The agent's settings."""
        return self.folder / "agent.toml"

    @property
    def wav(self) -> Path:
        """What was played, where the output is a file."""
        return self.folder / "played.wav"

    @property
    def summary(self) -> Path:
        """The demo's result."""
        return self.folder / "summary.json"

    def log(self, name: str) -> Path:
        """What a child process told on standard error."""
        return self.folder / f"{name}.log"

    def write(self, output: Literal["device", "file", "silent"]) -> None:
        """Make the folder and write the agent's settings.

        Raises:
            AttuneError: the folder cannot be written to.
        """
        data = self.folder / f"data-{self.seed}"
        sections: dict[str, dict[str, object]] = {
            "device": {"id": DEVICE},
            "listener": {"id": LISTENER},
            "broker": {"host": "", "port": self.port},
            "library": {"folders": [str(self.music)]},
            "storage": {"folder": str(data)},
            "playback": {"output": output, "file": str(self.wav), "autoplay": True},
            # A bundle that is pushed to the demo proves itself while somebody watches.
            "bundle": {"probation_minutes": 0.5},
        }
        if self.air_port is not None:
            sections["gateway"] = {"adapter": f"hci:tcp-client:{_LOOPBACK}:{self.air_port}"}
        lines = ["# Written by `attune-sim demo` at every start; changes are lost."]
        for name, keys in sections.items():
            lines += ["", f"[{name}]"]
            # JSON's texts, numbers, booleans and lists of texts are TOML's too.
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
        try:
            data.mkdir(parents=True, exist_ok=True)
            self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
            # A file from an earlier run would be taken for this one's.
            self.wav.unlink(missing_ok=True)
            self.summary.unlink(missing_ok=True)
        except OSError as error:
            raise AttuneError(
                f"The demo cannot write to {self.folder}: {error.strerror}",
                reason=Reason.READ_ONLY,
                remedy="Name another folder with --folder",
            ) from error


def on_free_port(workspace: Workspace, output: Literal["device", "file", "silent"]) -> Workspace:
    """The workspace on a port that is free now: another program may have taken its own while the music was made."""
    port = free_port(workspace.port)
    if port == workspace.port:
        return workspace
    moved = replace(workspace, port=port)
    moved.write(output)
    return moved


def free_port(wished: int) -> int:
    """The wished port where nobody on this machine listens on it, else a free one."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AttuneError("There is no free port", reason=Reason.PORT_IN_USE, remedy="Close other programs")
