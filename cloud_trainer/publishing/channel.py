"""A channel's signed state: made, changed and kept fresh on the disk, without the network.

Rules:

- Each file is written in the order in which it is trusted: root, targets, snapshot, timestamp. Cut anywhere, the next
  `settle` goes on from there, because it signs whatever does not yet follow from what stands above it.
- An expired root signs nothing any more.
- Nothing is signed on a day before the last one: it would have expired already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Key, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

from cloud_trainer.publishing import roles
from cloud_trainer.publishing.content import offer_of, targets_for
from cloud_trainer.publishing.folder import ROLES, ChannelFolder, Role, channels
from cloud_trainer.publishing.keys import KeyRing, short
from cloud_trainer.publishing.outdating import note
from cloud_trainer.publishing.proposals import Proposal
from cloud_trainer.publishing.root import (
    ROOT_KEYS,
    check_successor,
    expiry,
    first_root,
    next_root,
    read_root,
    sign_root,
)
from cloud_trainer.publishing.settings import PublishingSection
from models.delivery.offer import Offer
from models.errors import DeliveryError, Reason

__all__ = ["Channel", "Draft"]

_DAY_S: Final = 86_400.0
_Online = Literal["targets", "snapshot", "timestamp"]


@dataclass(frozen=True, slots=True)
class Draft:
    """The next root before anybody has signed it.

    Attributes:
        root: it.
        made: signers of the keys that were made for it, by role.
        gone: identifiers of the keys that are no longer used.
    """

    root: Root
    made: Mapping[Role, Sequence[CryptoSigner]]
    gone: list[str]


class Channel:
    """A channel on the disk.

    Args:
        folder: where it lies; the caller holds its lock while it changes anything.
        settings: for how long what is signed holds.
        ring: opens the keys; None for a look only.
    """

    def __init__(self, folder: ChannelFolder, settings: PublishingSection, ring: KeyRing | None = None) -> None:
        self.folder, self._settings, self._ring = folder, settings, ring

    @property
    def name(self) -> str:
        """Of the channel."""
        return self.folder.channel

    # -- what is there -----------------------------------------------------------------------------------------------

    def root(self) -> Root:
        """The newest root.

        Raises:
            DeliveryError: MISSING: the channel has no keys, or an older root is lost; MALFORMED or UNTRUSTED.
        """
        versions = self.folder.versions("root")
        if not versions:
            known = ", ".join(channels(self.folder.path.parent))
            raise DeliveryError(
                f"the channel {self.name} has no keys",
                reason=Reason.MISSING,
                remedy=f"Make them with attune-trainer keys init --channel {self.name}"
                + (f", or name one of the channels that are there: {known}" if known else ""),
            )
        file = f"{versions[-1]}.root.json"
        if gaps := sorted(set(range(1, versions[-1])) - set(versions)):
            raise DeliveryError(
                f"the channel {self.name} lacks {gaps[0]}.root.json, over which players come to {file}",
                reason=Reason.MISSING,
                remedy="Bring it back from a backup or from the broker",
            )
        return read_root(self.folder.read(file), file).signed

    def targets(self) -> Metadata[Targets]:
        """The newest targets.

        Raises:
            DeliveryError: WRONG_STATE: nothing was published yet; MALFORMED.
        """
        versions = self.folder.versions("targets")
        if not versions:
            raise DeliveryError(
                f"the channel {self.name} offers no bundle yet",
                reason=Reason.WRONG_STATE,
                remedy=f"Publish one: attune-trainer publish BUNDLE --channel {self.name}",
            )
        file = f"{versions[-1]}.targets.json"
        return roles.read(self.folder.read(file), Targets, file)

    def offer(self) -> Offer:
        """What is offered now.

        Raises:
            DeliveryError: as `targets`.
        """
        offer = offer_of(self.targets().signed)
        if offer is None:
            raise DeliveryError(
                f"the newest targets of the channel {self.name} hold no offer",
                reason=Reason.MALFORMED,
                remedy="Publish the bundle again",
            )
        return offer

    def snapshot(self) -> Metadata[Snapshot] | None:
        """The newest snapshot."""
        versions = self.folder.versions("snapshot")
        file = f"{versions[-1]}.snapshot.json" if versions else ""
        return roles.read(self.folder.read(file), Snapshot, file) if versions else None

    def timestamp(self) -> Metadata[Timestamp] | None:
        """The timestamp."""
        file = "timestamp.json"
        return roles.read(self.folder.read(file), Timestamp, file) if file in self.folder.files() else None

    def expiries(self) -> dict[Role, datetime]:
        """Until when what is signed holds, by role."""
        found: dict[Role, datetime] = {"root": self.root().expires}
        if self.folder.versions("targets"):
            found["targets"] = self.targets().signed.expires
        if (snapshot := self.snapshot()) is not None:
            found["snapshot"] = snapshot.signed.expires
        if (timestamp := self.timestamp()) is not None:
            found["timestamp"] = timestamp.signed.expires
        return found

    # -- keys --------------------------------------------------------------------------------------------------------

    def refuse_second_keys(self) -> None:
        """Make sure that the channel has no keys yet.

        Raises:
            DeliveryError: WRONG_STATE.
        """
        if self.folder.exists():
            raise DeliveryError(
                f"the channel {self.name} has keys already",
                reason=Reason.WRONG_STATE,
                remedy="Replace some with attune-trainer keys rotate, or name another channel with --channel",
            )

    def create(self, make: Callable[[Role], CryptoSigner], now: float) -> Root:
        """Make the channel's keys and its first root.

        Args:
            make: makes a key for a role and writes its file.
            now: seconds since the epoch.

        Raises:
            DeliveryError: WRONG_STATE: it has keys already.
        """
        self.refuse_second_keys()
        signers = [make("root") for _ in range(ROOT_KEYS)]
        root = self.draft_first(make, [signer.public_key for signer in signers], now)
        self.accept(sign_root(root, signers))
        return root

    def draft_first(self, make: Callable[[Role], CryptoSigner], root_keys: Sequence[Key], now: float) -> Root:
        """Make the keys of the roles below root, and a first root that is not yet signed.

        Raises:
            DeliveryError: WRONG_STATE: the channel has keys already; WRONG_VALUE: these are not three different keys.
        """
        self.refuse_second_keys()
        _check_given(root_keys, ROOT_KEYS, ())
        keys = {role: list(root_keys) if role == "root" else [make(role).public_key] for role in ROLES}
        return first_root(keys, expiry(now, self._settings.root_days))

    def draft(
        self,
        make: Callable[[Role], CryptoSigner],
        replace: Mapping[Role, Sequence[str]],
        now: float,
        given: Sequence[Key] = (),
    ) -> Draft:
        """Make the keys of the next root, which is not yet signed; with nothing to replace, the same hold for longer.

        Args:
            make: makes a key for a role and writes its file.
            replace: per role the (beginnings of) identifiers of keys to be replaced; none for all of the role.
            now: seconds since the epoch.
            given: the new keys of root, where others made them.

        Raises:
            DeliveryError: WRONG_VALUE: no such key, or not as many different keys were given as are replaced.
        """
        current = self.root()
        leaving = {role: _chosen(current, role, wanted) for role, wanted in replace.items()}
        if given:
            _check_given(given, len(leaving.get("root", ())), current.keys)
        made = {role: [] if given and role == "root" else [make(role) for _ in gone] for role, gone in leaving.items()}
        keys = {
            role: [current.keys[keyid] for keyid in current.roles[role].keyids if keyid not in gone]
            + [signer.public_key for signer in made[role]]
            + (list(given) if role == "root" else [])
            for role, gone in leaving.items()
        }
        root = next_root(current, keys, expiry(now, self._settings.root_days))
        return Draft(root, made, [keyid for gone in leaving.values() for keyid in gone])

    def rotate(
        self, make: Callable[[Role], CryptoSigner], replace: Mapping[Role, Sequence[str]], now: float
    ) -> tuple[Root, list[str]]:
        """Replace keys and sign the next root at once, with keys that are at hand; arguments are those of `draft`.

        Returns:
            The new root and the identifiers of the keys that are no longer used.

        Raises:
            DeliveryError: MISSING: too few of the root's keys are at hand; WRONG_VALUE: no such key; or a key file does
                not open. Nothing is changed then.
        """
        current = self.root()
        for role, wanted in replace.items():
            _chosen(current, role, wanted)
        old = self.ring.signers(current, "root")
        draft = self.draft(make, replace, now)
        signers = {signer.public_key.keyid: signer for signer in (*old, *draft.made.get("root", ()))}
        self.accept(sign_root(draft.root, signers.values()))
        for signer in (signer for signers in draft.made.values() for signer in signers):
            self.ring.add(signer)
        return draft.root, draft.gone

    def accept(self, signed: Metadata[Root]) -> None:
        """Put the next root into the channel.

        Raises:
            DeliveryError: UNTRUSTED: a signature is missing, or it is not the next version. Nothing is changed then.
        """
        check_successor(self.root() if self.folder.exists() else None, signed)
        self.folder.write(f"{signed.signed.version}.root.json", roles.as_bytes(signed))

    def proposal(self, root: Root) -> Proposal:
        """A root that others are to sign, behind all roots so far."""
        files = [f"{version}.root.json" for version in self.folder.versions("root")]
        before = [read_root(self.folder.read(file), file) for file in files]
        return Proposal(self.name, (*before, Metadata(root)))

    # -- what is offered ---------------------------------------------------------------------------------------------

    def put(self, targets: Mapping[str, TargetFile], offer: Offer, now: float) -> None:
        """Sign these files with this offer as the next targets, unless the newest ones say just that.

        Raises:
            DeliveryError: EXPIRED: the root; or the key file of the targets does not open.
        """
        root = self._fresh_root(now)
        wanted = targets_for(dict(targets), offer)
        versions = self.folder.versions("targets")
        if versions and roles.signed_by(root, newest := self.targets()) and newest.signed.targets == wanted:
            return
        self._sign_targets(root, wanted, now)

    def change(self, offer: Offer, now: float) -> None:
        """Sign another offer of the same files."""
        self.put(self.targets().signed.targets, offer, now)

    def settle(self, now: float, *, timestamp: bool = True) -> list[Role]:
        """Sign whatever does not follow from what stands above it or has less than half of its time left.

        Args:
            now: seconds since the epoch.
            timestamp: sign a new timestamp in any case.

        Returns:
            The roles that were signed anew.

        Raises:
            DeliveryError: EXPIRED: the root; WRONG_STATE: nothing was published yet; or a key file does not open.
        """
        root = self._fresh_root(now)
        signed: list[Role] = []
        targets = self.targets()
        if self._targets_due(root, targets, now):
            targets = self._sign_targets(root, targets.signed.targets, now)
            signed.append("targets")
        snapshot = self.snapshot()
        named = None if snapshot is None else snapshot.signed.meta["targets.json"].version
        if snapshot is None or named != targets.signed.version or self._due(root, snapshot, "snapshot", now):
            snapshot = self._sign_snapshot(root, targets, now)
            signed.append("snapshot")
        old = self.timestamp()
        named = None if old is None else old.signed.snapshot_meta.version
        if timestamp or old is None or named != snapshot.signed.version or self._due(root, old, "timestamp", now):
            self._sign_timestamp(root, snapshot, 0 if old is None else old.signed.version, now)
            signed.append("timestamp")
        note(self.folder, now)
        return signed

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def ring(self) -> KeyRing:
        """What signs.

        Raises:
            DeliveryError: this channel was opened for a look only.
        """
        if self._ring is None:
            raise DeliveryError("no keys were opened", reason=Reason.WRONG_STATE)
        return self._ring

    def _fresh_root(self, now: float) -> Root:
        root = self.root()
        if root.is_expired(datetime.fromtimestamp(now, UTC)):
            raise DeliveryError(
                f"the root of the channel {self.name} expired on {root.expires:%Y-%m-%d}; players take nothing from it",
                reason=Reason.EXPIRED,
                remedy=f"Sign it again with two root keys: attune-trainer keys renew --channel {self.name}",
            )
        signed = self.folder.state().signed
        if now < signed - _DAY_S:
            raise DeliveryError(
                f"the clock says {_day(now)}, but the channel {self.name} was signed on {_day(signed)}",
                reason=Reason.WRONG_STATE,
                remedy="Set the clock: what is signed now would have expired already",
            )
        return root

    def _targets_due(self, root: Root, targets: Metadata[Targets], now: float) -> bool:
        """Old but valid targets wait for their key: a timer that only has the others' still does its work."""
        if not roles.signed_by(root, targets) or targets.signed.is_expired(datetime.fromtimestamp(now, UTC)):
            return True
        at_hand = any(self.ring.files.path(root.keys[keyid]) for keyid in root.roles["targets"].keyids)
        return at_hand and self._due(root, targets, "targets", now)

    def _due(
        self,
        root: Root,
        signed: roles.Online,
        role: _Online,
        now: float,
    ) -> bool:
        if not roles.signed_by(root, signed):
            return True
        left_s = signed.signed.expires.timestamp() - now
        return left_s < 0.5 * self._days(role) * _DAY_S

    def _days(self, role: _Online) -> float:
        settings = self._settings
        return {
            "targets": settings.targets_days,
            "snapshot": settings.snapshot_days,
            "timestamp": settings.timestamp_days,
        }[role]

    def _sign_targets(self, root: Root, targets: Mapping[str, TargetFile], now: float) -> Metadata[Targets]:
        version = max(self.folder.versions("targets"), default=0) + 1
        signers = self.ring.signers(root, "targets")
        signed = roles.make_targets(version, targets, expiry(now, self._days("targets")), signers)
        self.folder.write(f"{version}.targets.json", roles.as_bytes(signed))
        return signed

    def _sign_snapshot(self, root: Root, targets: Metadata[Targets], now: float) -> Metadata[Snapshot]:
        version = max(self.folder.versions("snapshot"), default=0) + 1
        signers = self.ring.signers(root, "snapshot")
        signed = roles.make_snapshot(version, targets, expiry(now, self._days("snapshot")), signers)
        self.folder.write(f"{version}.snapshot.json", roles.as_bytes(signed))
        return signed

    def _sign_timestamp(self, root: Root, snapshot: Metadata[Snapshot], old: int, now: float) -> None:
        signers = self.ring.signers(root, "timestamp")
        signed = roles.make_timestamp(old + 1, snapshot, expiry(now, self._days("timestamp")), signers)
        self.folder.write("timestamp.json", roles.as_bytes(signed))


def _day(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def _chosen(root: Root, role: Role, wanted: Sequence[str]) -> list[str]:
    """Identifiers of a role's keys that begin so; all where none is named."""
    keyids = root.roles[role].keyids
    if not wanted:
        return list(keyids)
    chosen = [keyid for keyid in keyids if keyid.startswith(tuple(wanted))]
    if len(chosen) != len(wanted):
        raise DeliveryError(
            f"{', '.join(wanted)} names {len(chosen)} keys of {role}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Its keys are {', '.join(short(keyid) for keyid in keyids)}",
        )
    return chosen


def _check_given(given: Sequence[Key], count: int, known: Collection[str]) -> None:
    """Make sure that keys that others made are as many as are needed, all different, and new."""
    keyids = [key.keyid for key in given]
    if len(keyids) != count:
        raise DeliveryError(
            f"{count} new root keys are needed, {len(keyids)} were given",
            reason=Reason.WRONG_VALUE,
            remedy="Name each with --new; attune-trainer keys make writes one",
        )
    if twice := [keyid for keyid in keyids if keyids.count(keyid) > 1 or keyid in known]:
        raise DeliveryError(
            f"the key {short(twice[0])} is there already",
            reason=Reason.WRONG_VALUE,
            remedy="Have each person make a key of their own: attune-trainer keys make",
        )
