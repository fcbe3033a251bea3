"""The root of a channel: which keys it trusts. Pure functions over python-tuf's metadata.

Rules (TUF 1.0.34, 5.3 and 6.1):

- A root is signed by the threshold of its own root keys, and from the second on also by the threshold of the one
  before, so that a device on any older root follows version by version.
- Two of three root keys sign: one may be lost, and none alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Final

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Key, Metadata, Root
from tuf.api.serialization import DeserializationError

from cloud_trainer.publishing.folder import ROLES, Role
from models.errors import DeliveryError, Reason

__all__ = ["ROOT_KEYS", "THRESHOLD", "check_successor", "expiry", "first_root", "next_root", "read_root", "sign_root"]

ROOT_KEYS: Final = 3
THRESHOLD: Final = 2
"""Of the root's keys; the other roles have one key each."""


def expiry(now: float, days: float) -> datetime:
    """The end of `days` from `now` (seconds since the epoch), in whole seconds, as TUF writes it."""
    return datetime.fromtimestamp(int(now), UTC) + timedelta(seconds=int(days * 86_400))


def first_root(keys: Mapping[Role, Sequence[Key]], expires: datetime) -> Root:
    """Root version 1 with these keys, not yet signed."""
    root = Root(expires=expires, consistent_snapshot=True)
    _set_keys(root, keys)
    return root


def next_root(current: Root, keys: Mapping[Role, Sequence[Key]], expires: datetime) -> Root:
    """The version after `current`, in which the named roles have these keys instead; not yet signed."""
    root = deepcopy(current)
    root.version += 1
    root.expires = expires
    _set_keys(root, keys)
    return root


def sign_root(root: Root, signers: Iterable[CryptoSigner]) -> Metadata[Root]:
    """Sign a root with keys of its own and of the one before."""
    signed = Metadata(root)
    for signer in signers:
        signed.sign(signer, append=True)
    return signed


def read_root(content: bytes, where: str) -> Metadata[Root]:
    """Read a root that is signed by the threshold of its own keys.

    Args:
        content: of the file.
        where: it was found, for the message.

    Raises:
        DeliveryError: MALFORMED or UNTRUSTED.
    """
    try:
        signed = Metadata[Root].from_bytes(content)
        if not isinstance(signed.signed, Root):
            raise _untrusted(f"{where} is no root, but {signed.signed.type}")
        signed.signed.verify_delegate(Root.type, signed.signed_bytes, signed.signatures)
    except DeserializationError as error:
        raise DeliveryError(
            f"{where} is no TUF metadata: {error}",
            reason=Reason.MALFORMED,
            remedy="Bring it back from a backup or from a device's enrolment",
        ) from error
    except (RepositoryError, ValueError) as error:
        raise _untrusted(f"{where} is not signed by its own keys: {error}") from error
    return signed


def check_successor(previous: Root | None, successor: Metadata[Root]) -> None:
    """Make sure that a device that trusts `previous` will trust `successor`.

    Args:
        previous: the root before; None for a channel's first.
        successor: the one after it.

    Raises:
        DeliveryError: UNTRUSTED: a signature is missing, or it is not the next version.
    """
    root = successor.signed
    try:
        result = root.get_root_verification_result(previous, successor.signed_bytes, successor.signatures)
    except ValueError as error:
        raise _untrusted(str(error)) from error
    if previous is None and (root.version != 1 or not result):
        raise _untrusted(f"root {root.version} is no first root, or its own keys have not signed it")
    if not result:
        of_old = (
            "" if previous is None else f"{result.first.missing} signatures of the keys of root {previous.version} and "
        )
        raise _untrusted(f"root {root.version} lacks {of_old}{result.second.missing} of its own")


def _set_keys(root: Root, keys: Mapping[Role, Sequence[Key]]) -> None:
    for role in ROLES:
        if role not in keys:
            continue
        for keyid in list(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        for key in keys[role]:
            root.add_key(key, role)
        root.roles[role].threshold = THRESHOLD if role == "root" else 1


def _untrusted(what: str) -> DeliveryError:
    return DeliveryError(
        what, reason=Reason.UNTRUSTED, remedy="Sign it with two root keys: attune-trainer keys rotate or keys renew"
    )
