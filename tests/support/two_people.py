"""Two people who sign a root apart, each on a computer of their own, with key files and passphrases of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root
from typer.testing import CliRunner, Result

from cloud_trainer import cli
from models.errors import AttuneError, DeliveryError, Reason

__all__ = ["RUNNER", "Person", "Two", "content", "forge", "refused"]

RUNNER = CliRunner()


class Person:
    """Somebody with a computer of their own: settings, channels, keys, a passphrase."""

    def __init__(self, folder: Path, name: str, port: int = 1883) -> None:
        self.folder = folder / name
        self.passphrase = f"{name} knows this one"
        self.channels, self.keys = self.folder / "channels", self.folder / "keys"
        self.config = self.folder / "trainer.toml"
        self.folder.mkdir(parents=True)
        self.config.write_text(
            f'[publishing]\nport = {port}\nfolder = "{self.channels}"\nkeys = "{self.keys}"\n'
        )  # fmt: skip

    def types(self, *words: object, code: int = 0) -> Result:
        """Gives a command that must end with `code`; an error of ours is raised."""
        line = [*map(str, words), "--config", str(self.config)]
        result = RUNNER.invoke(cli.app, line, env={"ATTUNE_PASSPHRASE": self.passphrase})
        if isinstance(result.exception, AttuneError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def told(self, *words: object) -> dict[str, Any]:
        """The answer to a command in JSON."""
        answer: dict[str, Any] = json.loads(self.types(*words, "--json").stdout)
        return answer

    def key(self, out: Path | None = None) -> Path:
        """Makes a root key and returns its file."""
        made = self.told("keys", "make", "--out", out or self.folder / "drive")
        assert Path(made["public"]).exists()
        return Path(made["file"])

    def state(self) -> dict[str, bytes]:
        """Every file of every channel but for the locks."""
        paths = sorted(path for path in self.channels.rglob("*") if path.is_file() and path.name != "lock")
        return {str(path.relative_to(self.channels)): path.read_bytes() for path in paths}

    def root(self, version: int) -> Path:
        return self.channels / "stable" / "metadata" / f"{version}.root.json"


class Two:
    """Anna, who publishes, and Ben, who holds the second key; the third lies in a safe."""

    def __init__(self, folder: Path, port: int = 1883, channel: str = "stable") -> None:
        self.carried = folder / "carried"
        self.carried.mkdir(parents=True)
        self.anna, self.ben = Person(folder, "anna", port), Person(folder, "ben", port)
        self.annas, self.bens = self.anna.key(), self.ben.key()
        self.safe = self.anna.key(folder / "safe")
        news = [word for key in (self.annas, self.bens, self.safe) for word in ("--new", key.with_suffix(".pub"))]
        file = self.carried / "first.json"
        self.of = ("--channel", channel)
        self.anna.types("keys", "propose", *news, "--with", self.annas, "--out", file, *self.of)
        self.ben.types("keys", "sign", file, "--with", self.bens, "--yes", *self.of)
        self.anna.types("keys", "accept", file, *self.of)
        self.kept = self.ben.folder / "root.json"
        shutil.copy(self.anna.channels / channel / "root.json", self.kept)

    def propose(self, *words: object, name: str = "next.json") -> Path:
        file = self.carried / name
        self.anna.types("keys", "propose", *words, "--out", file, *self.of)
        return file

    def sign(self, file: Path, *keys: Path) -> Result:
        """Ben signs."""
        words = [word for key in keys or (self.bens,) for word in ("--with", key)]
        return self.ben.types("keys", "sign", file, *words, "--root", self.kept, "--yes", *self.of)

    def accept(self, *files: Path) -> Result:
        return self.anna.types("keys", "accept", *files, *self.of)


def refused(reason: Reason, does: Callable[[], object], *, says: str) -> DeliveryError:
    with pytest.raises(DeliveryError, match=says) as caught:
        does()
    assert caught.value.reason is reason
    assert caught.value.remedy
    return caught.value


def content(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def forge(file: Path, change: Callable[[Root], object], *signers: CryptoSigner) -> None:
    """Changes the proposed root as somebody might who holds the file; signatures are those of these keys alone."""
    held = content(file)
    proposed = Metadata[Root].from_bytes(json.dumps(held["roots"][-1]).encode())
    change(proposed.signed)
    proposed.signatures.clear()
    for signer in signers:
        proposed.sign(signer, append=True)
    held["roots"][-1] = proposed.to_dict()
    file.write_text(json.dumps(held))
