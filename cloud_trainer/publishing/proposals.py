"""A root on its way: proposed at one place, signed at others, accepted when enough have signed. Without I/O.

The file that is carried holds every root of the channel and, as the last one, the proposed root with its signatures so
far.

Rules:

- What changes is told against a root that the reader trusts already. From there the roots in the file lead to the one
  before the proposed, as a player would follow them; what the file says of itself counts for nothing.
- Nobody signs what was not shown: a root that differs in anything but keys, thresholds, version and expiry is refused.
- A key signs once. Its identifier follows from the key, so that no key stands in a root under two names.
- A signature that does not fit is an error, not a gap: the file was changed after it was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta
from securesystemslib.signer import CryptoSigner, Key, SSlibKey
from tuf.api.metadata import Metadata, Root, RootVerificationResult, VerificationResult
from tuf.api.serialization import DeserializationError

from cloud_trainer.publishing import roles
from cloud_trainer.publishing.keys import short
from cloud_trainer.publishing.root import check_successor, first_root
from models.errors import DeliveryError, Reason

__all__ = [
    "Proposal",
    "check_complete",
    "check_follows",
    "check_may_sign",
    "lacking",
    "merged",
    "read_proposal",
    "signed",
    "standing",
    "write_proposal",
]

FORMAT: Final = 1
_LARGEST: Final = 4_194_304
"""Bytes of a file: more than a thousand roots."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A root that is to be signed.

    Attributes:
        channel: whose it is.
        roots: those before it, from version 1 on, and then itself.
    """

    channel: str
    roots: tuple[Metadata[Root], ...]

    @property
    def proposed(self) -> Metadata[Root]:
        """What is to be signed, with the signatures so far."""
        return self.roots[-1]

    @property
    def previous(self) -> Root | None:
        """The root before it; None for the first."""
        return self.roots[-2].signed if len(self.roots) > 1 else None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    channel: Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,64}\Z")]
    roots: Annotated[list[msgspec.Raw], Meta(min_length=1)]


def write_proposal(proposal: Proposal) -> bytes:
    """The file that is carried."""
    raw = [msgspec.Raw(roles.as_bytes(root)) for root in proposal.roots]
    return msgspec.json.encode(_File(FORMAT, proposal.channel, raw)) + b"\n"


def read_proposal(content: bytes, channel: str, where: str) -> Proposal:
    """Read a file that was carried; whom it follows is another question (`check_follows`).

    Args:
        content: of the file.
        channel: whose it must be.
        where: it was found, for messages.

    Raises:
        DeliveryError: OVERSIZED, MALFORMED or UNSUPPORTED: it is no such file; WRONG_VALUE: it is another channel's;
            TAMPERED: a signature does not fit; UNSUPPORTED: the root changes what is not shown.
    """
    if len(content) > _LARGEST:
        raise _no_proposal(f"{where} has {len(content)} bytes", Reason.OVERSIZED)
    try:
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_proposal(f"{where} is no proposed root: {str(error)!a}", Reason.MALFORMED) from error
    if file.format != FORMAT:
        raise _no_proposal(f"{where} has format {file.format}, not {FORMAT}", Reason.UNSUPPORTED)
    if file.channel != channel:
        raise DeliveryError(
            f"{where} proposes a root of the channel {file.channel}, not of {channel}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Give the command with --channel {file.channel} if that is the one you mean",
        )
    roots = tuple(_root(bytes(raw), where) for raw in file.roots)
    if [root.signed.version for root in roots] != list(range(1, len(roots) + 1)):
        raise _no_proposal(f"{where} does not hold the roots from 1 on without a gap", Reason.MALFORMED)
    proposal = Proposal(channel, roots)
    _check_root(proposal, where)
    _check_signatures(proposal, where)
    return proposal


def check_follows(proposal: Proposal, trusted: Root | None) -> None:
    """Make sure that the proposed root follows from one that is trusted.

    Args:
        proposal: that somebody brought.
        trusted: any older root of the channel; None only where the channel has none yet.

    Raises:
        DeliveryError: ROLLED_BACK: it is not newer; UNTRUSTED: it does not follow from that root; MISSING: nothing is
            trusted, but it is not the channel's first.
    """
    version = proposal.proposed.signed.version
    if trusted is None:
        if version > 1:
            raise DeliveryError(
                f"root {version} of the channel {proposal.channel} follows others, and none of them is trusted here",
                reason=Reason.MISSING,
                remedy="Name with --root the root.json that you kept with your key; an older one will do",
            )
        return
    if version <= trusted.version:
        raise DeliveryError(
            f"root {version} is proposed, but the channel {proposal.channel} is at root {trusted.version}",
            reason=Reason.ROLLED_BACK,
            remedy="Propose again from the newest root: attune-trainer keys propose",
        )
    chain = proposal.roots[trusted.version - 1 : -1]
    if chain[0].signed != trusted:
        raise DeliveryError(
            f"the file's root {trusted.version} is not the one of the channel {proposal.channel} that is trusted here",
            reason=Reason.UNTRUSTED,
            remedy="Do not sign it; it is another channel's, or somebody made it up",
        )
    try:
        for before, after in pairwise(chain):
            check_successor(before.signed, after)
    except DeliveryError as error:
        raise _refused(error.message, Reason.UNTRUSTED) from error


def standing(proposal: Proposal) -> RootVerificationResult:
    """Who has signed: of the root before (`first`) and of the proposed one itself (`second`)."""
    proposed = proposal.proposed
    return proposed.signed.get_root_verification_result(proposal.previous, proposed.signed_bytes, proposed.signatures)


def lacking(result: RootVerificationResult) -> str:
    """Whose signatures would still help, in words; empty where enough have signed."""
    halves = [result.first] if result.first == result.second else [result.first, result.second]
    wanted = [f"{half.missing} of {', '.join(map(short, half.unsigned))}" for half in halves if half.missing]
    return " and ".join(dict.fromkeys(wanted))


def check_may_sign(signer: CryptoSigner, keyids: Iterable[str], version: int) -> None:
    """Make sure that a key is among those whose signature counts.

    Raises:
        DeliveryError: UNTRUSTED.
    """
    known = sorted(set(keyids))
    if signer.public_key.keyid not in known:
        raise DeliveryError(
            f"the key {short(signer.public_key.keyid)} is no root key, neither of root {version} nor of the one before",
            reason=Reason.UNTRUSTED,
            remedy=f"Sign with one of {', '.join(map(short, known))}",
        )


def signed(proposal: Proposal, signers: Iterable[CryptoSigner]) -> Proposal:
    """Add signatures; the proposal that was given stays as it is.

    Raises:
        DeliveryError: UNTRUSTED: no root key, neither old nor new; WRONG_STATE: it has signed already.
    """
    proposed = deepcopy(proposal.proposed)
    now = standing(proposal)
    for signer in signers:
        keyid = signer.public_key.keyid
        check_may_sign(signer, [*now.signed, *now.unsigned], proposed.signed.version)
        if keyid in proposed.signatures:
            raise DeliveryError(
                f"the key {short(keyid)} has signed root {proposed.signed.version} already, and counts once",
                reason=Reason.WRONG_STATE,
                remedy=f"Have another one sign: {lacking(now) or 'nobody is missing'}",
            )
        proposed.sign(signer, append=True)
    return replace(proposal, roots=(*proposal.roots[:-1], proposed))


def merged(proposals: Sequence[Proposal]) -> Proposal:
    """Copies of one proposal, signed apart from each other, as one.

    Raises:
        DeliveryError: WRONG_VALUE: they propose different roots.
    """
    first, *others = proposals
    proposed = deepcopy(first.proposed)
    for other in others:
        if other.proposed.signed != proposed.signed:
            raise DeliveryError(
                "the files propose different roots",
                reason=Reason.WRONG_VALUE,
                remedy="Name copies of one file; a signature counts for the root alone that was signed",
            )
        proposed.signatures.update(other.proposed.signatures)
    return replace(first, roots=(*first.roots[:-1], proposed))


def check_complete(proposal: Proposal, now: float) -> None:
    """Make sure that every player that trusts the root before will trust the proposed one.

    Args:
        proposal: that follows from a trusted root.
        now: seconds since the epoch.

    Raises:
        DeliveryError: UNTRUSTED: too few have signed; EXPIRED: it came too late.
    """
    root, result = proposal.proposed.signed, standing(proposal)
    if not result:
        lacks = [f"{each.missing} of the keys of {of}" for each, of in _sides(proposal, result) if each.missing]
        raise DeliveryError(
            f"root {root.version} of the channel {proposal.channel} lacks signatures: {', '.join(lacks)}",
            reason=Reason.UNTRUSTED,
            remedy=f"Have it signed (attune-trainer keys sign) by {lacking(result)}",
        )
    if root.is_expired(datetime.fromtimestamp(now, UTC)):
        raise DeliveryError(
            f"root {root.version} of the channel {proposal.channel} expired on {root.expires:%Y-%m-%d}",
            reason=Reason.EXPIRED,
            remedy="Check the clock, or propose again: attune-trainer keys propose",
        )


def _sides(proposal: Proposal, result: RootVerificationResult) -> list[tuple[VerificationResult, str]]:
    """Both halves of a result with the roots whose keys they count; one where there is no root before."""
    version = proposal.proposed.signed.version
    own = (result.second, f"root {version}")
    return [own] if proposal.previous is None else [(result.first, f"root {version - 1}"), own]


def _check_root(proposal: Proposal, where: str) -> None:
    root = proposal.proposed.signed
    like = proposal.previous or first_root({}, root.expires)
    if _unshown(root) != _unshown(like):
        raise _refused(f"the root in {where} changes more than keys, thresholds and expiry", Reason.UNSUPPORTED)
    for keyid, key in root.keys.items():
        if keyid != _identifier(key):
            raise _refused(f"the key {keyid[:80]!a} in {where} has another key's identifier", Reason.TAMPERED)
    for name, role in root.roles.items():
        if not 1 <= role.threshold <= len(role.keyids):
            raise _refused(f"{role.threshold} of {len(role.keyids)} {name} keys are to sign", Reason.WRONG_VALUE)
        if lost := set(role.keyids) - set(root.keys):
            raise _refused(f"{where} lacks {len(lost)} keys of {name}", Reason.MALFORMED)


def _root(content: bytes, where: str) -> Metadata[Root]:
    try:
        root = Metadata[Root].from_bytes(content)
    except DeserializationError as error:
        raise _no_proposal(f"{where} holds what is no TUF metadata", Reason.MALFORMED) from error
    if not isinstance(root.signed, Root):
        raise _no_proposal(f"{where} holds {root.signed.type} where a root belongs", Reason.MALFORMED)
    return root


def _unshown(root: Root) -> dict[str, Any]:
    """What of a root is not shown as one of its changes."""
    content: dict[str, Any] = root.to_dict()
    # The version of TUF that it was written for says nothing of trust; python-tuf refuses those that it cannot read.
    for shown in ("version", "expires", "keys", "spec_version"):
        del content[shown]
    content["roles"] = {name: role.unrecognized_fields for name, role in root.roles.items()}
    return content


def _identifier(key: Key) -> str | None:
    """The identifier that follows from a key; None where it is no key that attune-trainer makes."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    except (KeyError, TypeError, ValueError):
        return None
    made = SSlibKey.from_crypto(public)
    return made.keyid if made.to_dict() == key.to_dict() else None


def _check_signatures(proposal: Proposal, where: str) -> None:
    fitting = standing(proposal).signed
    if wrong := [keyid for keyid in proposal.proposed.signatures if keyid not in fitting]:
        raise _refused(
            f"the signature of {short(wrong[0])!a} in {where} does not fit: the root was changed after it was signed, "
            "or this is no root key",
            Reason.TAMPERED,
        )


def _no_proposal(what: str, reason: Reason) -> DeliveryError:
    return DeliveryError(what, reason=reason, remedy="Name a file that attune-trainer keys propose wrote")


def _refused(what: str, reason: Reason) -> DeliveryError:
    return DeliveryError(what, reason=reason, remedy="Do not sign it; have the root proposed again")
