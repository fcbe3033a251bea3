"""Where passphrases of key files come from: a file, a variable, or somebody at the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path
from typing import Final, TypeVar

from models.errors import DeliveryError, Reason

__all__ = ["SHORTEST", "VARIABLE", "Passphrases", "WrongPassphraseError", "choose", "terminal"]

VARIABLE: Final = "ATTUNE_PASSPHRASE"
SHORTEST: Final = 8
"""Characters. The key files are stretched (bcrypt), but shorter ones are found by trying all the same."""
_ATTEMPTS: Final = 3

Ask = Callable[[str], str]
T = TypeVar("T")


class WrongPassphraseError(Exception):
    """A key file does not open with a passphrase."""


class Passphrases:
    """Opens key files with what is known, or asks.

    Args:
        known: from a file or a variable; None where there is neither.
        ask: asks at the terminal; None where there is none.
    """

    def __init__(self, known: str | None = None, ask: Ask | None = None) -> None:
        self._known, self._ask = known, ask

    @classmethod
    def find(cls, file: Path | None, variable: str = VARIABLE, ask: Ask | None = None) -> Passphrases:
        """Look for a passphrase in a file, else in a variable of the environment.

        Raises:
            DeliveryError: the file cannot be read or is empty.
        """
        if file is None:
            return cls(os.environ.get(variable) or None, ask)
        try:
            lines = file.expanduser().read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DeliveryError(
                f"the passphrase cannot be read from {file}: {error}",
                reason=Reason.UNREADABLE,
                remedy="Name a readable file that holds the passphrase in its first line",
            ) from error
        if not lines or not lines[0]:
            raise DeliveryError(
                f"{file} holds no passphrase", reason=Reason.EMPTY, remedy="Write the passphrase into its first line"
            )
        return cls(lines[0], ask)

    @property
    def known(self) -> str | None:
        """What was found, or last opened a file."""
        return self._known

    def unlock(self, path: Path, opens: Callable[[bytes], T]) -> T:
        """Open a key file.

        Args:
            path: of the file, for messages.
            opens: opens it with a passphrase, or raises `WrongPassphraseError`.

        Raises:
            DeliveryError: REFUSED: no passphrase at hand, or a wrong one.
        """
        if self._known is not None:
            try:
                return opens(self._known.encode())
            except WrongPassphraseError:
                if self._ask is None:
                    raise _wrong(path) from None
        if self._ask is None:
            raise DeliveryError(
                f"there is no passphrase for {path}, and no terminal to ask at",
                reason=Reason.REFUSED,
                remedy=f"Set the variable {VARIABLE}, or name a file with --passphrase-file",
            )
        for _ in range(_ATTEMPTS):
            given = self._ask(f"Passphrase of {path.name}: ")
            try:
                opened = opens(given.encode())
            except WrongPassphraseError:
                continue
            self._known = given
            return opened
        raise _wrong(path)


def choose(passphrases: Passphrases, ask: Ask | None, what: str) -> str:
    """A passphrase for new key files: what is known, else asked for twice.

    Raises:
        DeliveryError: there is none, it is too short, or the two differ.
    """
    given = passphrases.known
    if given is None:
        if ask is None:
            raise DeliveryError(
                f"there is no passphrase for {what}, and no terminal to ask at",
                reason=Reason.REFUSED,
                remedy=f"Set the variable {VARIABLE}, or name a file with --passphrase-file",
            )
        given = ask(f"Passphrase for {what}, {SHORTEST} characters at least: ")
        if len(given) >= SHORTEST and ask("The same once more: ") != given:
            raise DeliveryError("the two differ", reason=Reason.WRONG_VALUE, remedy="Give the command again")
    if len(given) < SHORTEST:
        raise DeliveryError(
            f"the passphrase for {what} has {len(given)} characters",
            reason=Reason.WRONG_VALUE,
            remedy=f"Choose one of {SHORTEST} at least; several words are easier to keep than one with signs",
        )
    return given


def terminal() -> Ask | None:
    """What asks at the terminal, or None where nobody sits at one."""
    return getpass if sys.stdin.isatty() else None


def _wrong(path: Path) -> DeliveryError:
    return DeliveryError(
        f"the passphrase does not open {path}",
        reason=Reason.REFUSED,
        remedy=f"Check the passphrase file or {VARIABLE}; a lost one is replaced with attune-trainer keys rotate",
    )
