"""What a proposed root changes, for programs and in words for whoever is to sign it."""

from __future__ import annotations

import msgspec
from tuf.api.metadata import Root

from cloud_trainer.publishing.folder import ROLES, Role
from cloud_trainer.publishing.keys import short
from cloud_trainer.publishing.proposals import Proposal, lacking, standing

__all__ = ["Changes", "RoleChange", "changes", "plain", "progress"]


class RoleChange(msgspec.Struct, frozen=True):
    """What becomes of a role: identifiers of keys, and how many of them sign."""

    come: list[str]
    go: list[str]
    stay: list[str]
    threshold: int
    threshold_before: int | None


class Changes(msgspec.Struct, frozen=True):
    """All that a proposed root changes."""

    version: int
    previous: int | None
    expires: str
    expires_before: str | None
    roles: dict[Role, RoleChange]


def changes(proposal: Proposal) -> Changes:
    """What the proposed root changes."""
    root, previous = proposal.proposed.signed, proposal.previous
    return Changes(
        version=root.version,
        previous=None if previous is None else previous.version,
        expires=_expiry(root),
        expires_before=None if previous is None else _expiry(previous),
        roles={role: _role_change(root, previous, role) for role in ROLES},
    )


def plain(proposal: Proposal) -> list[str]:
    """The changes in words, a line each. Keys that come are written out, because their beginnings can be forged."""
    found = changes(proposal)
    after = "the first" if found.previous is None else f"after root {found.previous}"
    lines = [f"channel {proposal.channel}: root {found.version}, {after}"]
    for role, change in found.roles.items():
        of = len(change.come) + len(change.stay)
        how = f"{change.threshold} of {of} sign{'s' if change.threshold == 1 else ''}"
        if change.threshold_before not in {None, change.threshold}:
            how += f" instead of {change.threshold_before}"
        quiet = not change.come and not change.go
        lines.append(f"  {role:10} {how}" + ("; no key comes or goes" if quiet else ""))
        lines += [f"             stays {short(keyid)}" for keyid in change.stay if not quiet]
        lines += [f"             goes  {short(keyid)}" for keyid in change.go]
        lines += [f"             comes {keyid}" for keyid in change.come]
    until, before = found.expires[:10], (found.expires_before or found.expires)[:10]
    lines.append(f"  holds until {until}" + ("" if before == until else f" instead of {before}"))
    return lines + progress(proposal)


def progress(proposal: Proposal) -> list[str]:
    """Who has signed so far and whose signatures are lacking, in words."""
    result = standing(proposal)
    lines = [f"  signed by   {', '.join(map(short, result.signed)) or 'nobody yet'}"]
    return lines if result else [*lines, f"  lacks       {lacking(result)}"]


def _role_change(root: Root, previous: Root | None, role: Role) -> RoleChange:
    new, old = root.roles[role].keyids, [] if previous is None else previous.roles[role].keyids
    return RoleChange(
        come=[keyid for keyid in new if keyid not in old],
        go=[keyid for keyid in old if keyid not in new],
        stay=[keyid for keyid in new if keyid in old],
        threshold=root.roles[role].threshold,
        threshold_before=None if previous is None else previous.roles[role].threshold,
    )


def _expiry(root: Root) -> str:
    return f"{root.expires:%Y-%m-%dT%H:%M:%SZ}"
