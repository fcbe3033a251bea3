"""Key files: one Ed25519 key each, encrypted with a passphrase, named for its role and its TUF key identifier.

The format is OpenSSH's, because its key derivation (bcrypt) makes trying passphrases slow; PKCS #8 and PKCS #12 stay at
2,048 rounds of PBKDF2 in the `cryptography` library. `ssh-keygen -p -f FILE` changes a passphrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Key, Root

from cloud_trainer.publishing.folder import Role, write_whole
from cloud_trainer.publishing.passphrases import Passphrases, WrongPassphraseError
from models.errors import DeliveryError, Reason

__all__ = ["KeyFiles", "KeyRing", "open_key", "public_line", "read_public", "short"]

_ROUNDS: Final = 24
"""Of bcrypt; OpenSSH's own default, about half a second on a small machine."""
_SHORT: Final = 8
_BCRYPT: Final = "bcrypt"
"""How `cryptography` names the library that it lacks."""


def short(keyid: str) -> str:
    """The part of a key identifier that stands in file names."""
    return keyid[:_SHORT]


class KeyFiles:
    """The key files of a channel.

    Args:
        folders: where they are looked for; new ones go into the first.
        rounds: of the key derivation of new ones.
    """

    def __init__(self, folders: Sequence[Path], *, rounds: int = _ROUNDS) -> None:
        self._folders, self._rounds = tuple(folders), rounds

    @property
    def folder(self) -> Path:
        """Where new ones go."""
        return self._folders[0]

    def create(self, role: Role, passphrase: str) -> CryptoSigner:
        """Make a key and write its file.

        Raises:
            DeliveryError: the folder cannot be written to; UNSUPPORTED: the library of the key derivation is missing.
        """
        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(self._rounds).build(passphrase.encode())
        try:
            content = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)
        except UnsupportedAlgorithm as error:
            raise _unsupported(error) from error
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.folder / f"{role}-{short(signer.public_key.keyid)}.key", content, mode=0o600)
        return signer

    def path(self, key: Key) -> Path | None:
        """The file of a key, or None where it is not in any of the folders."""
        for folder in self._folders:
            found = sorted(folder.glob(f"*-{short(key.keyid)}.key"))
            if found:
                return found[0]
        return None

    def load(self, key: Key, passphrases: Passphrases, *, what: str) -> CryptoSigner:
        """Open the file of a key.

        Args:
            key: its public part, from the root.
            passphrases: where its passphrase comes from.
            what: what the key is, for messages.

        Raises:
            DeliveryError: MISSING, UNREADABLE, CORRUPT; REFUSED: wrong passphrase; UNTRUSTED: another key is in it.
        """
        path = self.path(key)
        if path is None:
            looked = ", ".join(str(folder) for folder in self._folders)
            raise DeliveryError(
                f"the key file *-{short(key.keyid)}.key of {what} is not in {looked}",
                reason=Reason.MISSING,
                remedy="Bring it there, or name its folder with --keys",
            )
        signer = open_key(path, passphrases)
        if signer.public_key.keyval != key.keyval:
            raise DeliveryError(
                f"{path} holds the key {short(signer.public_key.keyid)}, not {short(key.keyid)}",
                reason=Reason.UNTRUSTED,
                remedy="Bring the right file; it is known by its name",
            )
        return signer


class KeyRing:
    """Signs for roles, opening key files as they are needed.

    Args:
        files: where the keys are.
        passphrases: of the online roles' keys.
        root_passphrases: of the root's keys; None for the same.
    """

    def __init__(self, files: KeyFiles, passphrases: Passphrases, root_passphrases: Passphrases | None = None) -> None:
        self.files = files
        self._passphrases = passphrases
        self._root_passphrases = root_passphrases or passphrases
        self._opened: dict[str, CryptoSigner] = {}

    def signers(self, root: Root, role: Role) -> list[CryptoSigner]:
        """As many signers of a role as its threshold asks for.

        Raises:
            DeliveryError: MISSING: fewer key files than that are there; or a file does not open.
        """
        needed = root.roles[role].threshold
        keys = [root.keys[keyid] for keyid in root.roles[role].keyids]
        at_hand = [key for key in keys if key.keyid in self._opened or self.files.path(key) is not None]
        if len(at_hand) < needed:
            absent = ", ".join(f"{role}-{short(key.keyid)}.key" for key in keys if key not in at_hand)
            raise DeliveryError(
                f"{needed} of the {len(keys)} {role} keys are needed, {len(at_hand)} found in {self.files.folder}; "
                f"not there: {absent}",
                reason=Reason.MISSING,
                remedy="Bring the drive with them and name its folder with --keys",
            )
        return [self._open(key, role) for key in at_hand[:needed]]

    def add(self, signer: CryptoSigner) -> None:
        """Keep a key that was just made."""
        self._opened[signer.public_key.keyid] = signer

    def _open(self, key: Key, role: Role) -> CryptoSigner:
        if key.keyid not in self._opened:
            passphrases = self._root_passphrases if role == "root" else self._passphrases
            self._opened[key.keyid] = self.files.load(key, passphrases, what=f"the role {role}")
        return self._opened[key.keyid]


def open_key(path: Path, passphrases: Passphrases) -> CryptoSigner:
    """Open a key file, whosever key it holds.

    Raises:
        DeliveryError: UNREADABLE, CORRUPT; REFUSED: wrong passphrase.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DeliveryError(
            f"the key file {path} cannot be read: {error.strerror}",
            reason=Reason.UNREADABLE,
            remedy="Name a file that is there, and give the command as the user to whom it belongs",
        ) from error
    return passphrases.unlock(path, lambda passphrase: _signer(path, content, passphrase))


def public_line(key: Key) -> bytes:
    """The public part of a key, in OpenSSH's format; `ssh-keygen -y -f FILE` writes the same from a key file."""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n"


def read_public(path: Path) -> Key:
    """Read what `public_line` wrote.

    Raises:
        DeliveryError: UNREADABLE or CORRUPT.
    """
    try:
        public = load_ssh_public_key(path.read_bytes())
    except OSError as error:
        raise _no_public(path, error.strerror or str(error), Reason.UNREADABLE) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_public(path, str(error), Reason.CORRUPT) from error
    if not isinstance(public, Ed25519PublicKey):
        raise _no_public(path, "it holds no Ed25519 key", Reason.CORRUPT)
    return SSlibKey.from_crypto(public)


def _signer(path: Path, content: bytes, passphrase: bytes) -> CryptoSigner:
    try:
        private = load_ssh_private_key(content, passphrase)
    except TypeError as error:  # an empty passphrase
        raise WrongPassphraseError from error
    except ValueError as error:
        # The library tells a wrong passphrase and a damaged file apart by its text alone.
        if "checksum" in str(error):
            raise WrongPassphraseError from error
        raise _corrupt(path, str(error)) from error
    except UnsupportedAlgorithm as error:
        if _BCRYPT in str(error):
            raise _unsupported(error) from error
        raise _corrupt(path, str(error)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _corrupt(path, "it holds no Ed25519 key")
    return CryptoSigner(private)


def _unsupported(error: UnsupportedAlgorithm) -> DeliveryError:
    return DeliveryError(
        f"key files cannot be read or written here: {error}",
        reason=Reason.UNSUPPORTED,
        remedy="Install what they are encrypted with: pip install 'attune[publish]'",
    )


def _no_public(path: Path, why: str, reason: Reason) -> DeliveryError:
    return DeliveryError(
        f"{path} is no public key: {why}",
        reason=reason,
        remedy="Name a file that attune-trainer keys make wrote, root-*.pub",
    )


def _corrupt(path: Path, why: str) -> DeliveryError:
    return DeliveryError(
        f"{path} is no key file of attune-trainer: {why}",
        reason=Reason.CORRUPT,
        remedy="Bring it back from a backup; a lost key is replaced with attune-trainer keys rotate",
    )
