"""`attune-trainer keys make|propose|sign|accept`: a root that people sign apart from each other."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.publishing.commands.options import (
    ChannelName,
    KeyIdentifiers,
    PassphraseFile,
    RootPassphraseFile,
    key_maker,
    open_channel,
    passphrases_of,
    publishing_settings,
    replaced,
)
from models.errors import DeliveryError, Reason

if TYPE_CHECKING:
    from tuf.api.metadata import Root

    from cloud_trainer.publishing.channel import Channel
    from cloud_trainer.publishing.proposals import Proposal

__all__ = ["accept", "make", "propose", "sign"]

With: TypeAlias = Annotated[
    list[Path] | None, typer.Option("--with", help="Sign with this key file of root; repeatable.", metavar="KEY_FILE")
]


def make(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the two files, such as a drive; else that of the keys.")
    ] = None,
    channel: ChannelName = "stable",
    root_passphrase_file: RootPassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a root key of your own. Its public part, a .pub file, goes to whoever proposes the next root.

    Example: attune-trainer keys make --out /media/drawer
    """
    from cloud_trainer.publishing.folder import write_whole
    from cloud_trainer.publishing.keys import KeyFiles, public_line, short

    settings = publishing_settings(config)
    files = KeyFiles([settings.keys / channel if out is None else out.expanduser()])
    signer = key_maker(files, channel, ["root"], passphrases_of(settings, None, root_passphrase_file))("root")
    key = signer.public_key
    path = files.folder / f"root-{short(key.keyid)}.key"
    public = path.with_suffix(".pub")
    write_whole(public, public_line(key))
    if as_json:
        typer.echo(json.dumps({"channel": channel, "key": key.keyid, "file": str(path), "public": str(public)}))
        return
    typer.echo(f"key     {path}   keep it to yourself, away from this machine")
    typer.echo(f"public  {public}   for whoever proposes the next root")
    typer.echo(f"tell    {key.keyid}   by another way, so that nobody puts a key of theirs in its place")


def propose(
    roles: Annotated[
        list[str] | None, typer.Argument(metavar="[ROLE]…", help="root, targets, snapshot, timestamp; none to renew.")
    ] = None,
    *,
    key: KeyIdentifiers = None,
    new: Annotated[
        list[Path] | None,
        typer.Option("--new", help="Public part of a new root key, from keys make; repeatable.", metavar="PUB_FILE"),
    ] = None,
    sign_with: With = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file; else CHANNEL-root-VERSION.json here.")] = None,
    channel: ChannelName = "stable",
    passphrase_file: PassphraseFile = None,
    root_passphrase_file: RootPassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the next root of a channel into a file that others sign; the channel stays as it is until keys accept.

    With roles, their keys are replaced; without any, the same keys hold for longer. A channel without keys gets its
    first root: name the public parts of its three root keys with --new.

    Example: attune-trainer keys propose targets --with /media/drawer/root-3f2a91bc.key
    """
    from cloud_trainer.publishing.folder import ROLES
    from cloud_trainer.publishing.keys import KeyFiles, open_key, read_public
    from cloud_trainer.publishing.proposals import check_may_sign, signed

    settings = publishing_settings(config)
    replace = replaced(roles or [], key)
    place = open_channel(settings, channel)
    given = [read_public(path.expanduser()) for path in new or ()]
    passphrases = passphrases_of(settings, passphrase_file, root_passphrase_file)
    first = bool(given) and not place.folder.exists()
    if first and replace:
        raise typer.BadParameter(f"the channel {channel} has no keys yet that could be replaced; name no role")
    current = None if first else place.root()
    signers = [open_key(path.expanduser(), passphrases[1]) for path in sign_with or ()]
    old = () if current is None else current.roles["root"].keyids
    version = 1 if current is None else current.version + 1
    for signer in signers:
        check_may_sign(signer, [*old, *(key.keyid for key in given)], version)
    path = Path(f"{channel}-root-{version}.json") if out is None else out.expanduser()
    if path.exists():
        raise DeliveryError(
            f"{path} is there already",
            reason=Reason.WRONG_STATE,
            remedy="Remove it, or name another file with --out: it may hold signatures",
        )
    makes = set(ROLES[1:]) if first else {role for role in replace if not (given and role == "root")}
    make_key = key_maker(KeyFiles([settings.keys / channel]), channel, makes, passphrases)
    if first:
        root = place.draft_first(make_key, given, time.time())
    else:
        draft = place.draft(make_key, replace, time.time(), given)
        root, signers = draft.root, [*signers, *draft.made.get("root", ())]
    _tell(_keep(signed(place.proposal(root), signers), path), path, as_json=as_json)


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="From keys propose.")],
    *,
    sign_with: Annotated[
        list[Path], typer.Option("--with", help="Key file of root to sign with; repeatable.", metavar="KEY_FILE")
    ],
    root: Annotated[
        Path | None,
        typer.Option("--root", help="A root of the channel that you trust, old or new; else that of this machine."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked.")] = False,
    channel: ChannelName = "stable",
    root_passphrase_file: RootPassphraseFile = None,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what a proposed root changes, and add your signature to the file.

    Example: attune-trainer keys sign stable-root-2.json --with /media/drawer/root-3f2a91bc.key --root root.json
    """
    from cloud_trainer.publishing.changes import plain
    from cloud_trainer.publishing.keys import open_key
    from cloud_trainer.publishing.proposals import check_follows, signed

    settings = publishing_settings(config)
    place = open_channel(settings, channel)
    proposal = _read(file.expanduser(), channel)
    check_follows(proposal, _trusted(place, root))
    for line in plain(proposal):
        typer.echo(line, err=as_json)
    _agree(yes=yes)
    passphrases = passphrases_of(settings, passphrase_file, root_passphrase_file)[1]
    signers = [open_key(path.expanduser(), passphrases) for path in sign_with]
    _tell(_keep(signed(proposal, signers), file.expanduser()), file, as_json=as_json, shown=True)


def accept(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Signed; or copies, signed apart.")],
    *,
    channel: ChannelName = "stable",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a root that enough people have signed into the channel, from where refresh sends it to players.

    Example: attune-trainer keys accept stable-root-2.json
    """
    from cloud_trainer.publishing.changes import changes
    from cloud_trainer.publishing.proposals import check_complete, check_follows, merged

    place = open_channel(publishing_settings(config), channel)
    proposal = merged([_read(file.expanduser(), channel) for file in files])
    trusted = place.root() if place.folder.exists() else None
    check_follows(proposal, trusted)
    check_complete(proposal, time.time())
    with place.folder.locked():
        place.accept(proposal.proposed)
    found = changes(proposal)
    gone = [keyid for change in found.roles.values() for keyid in change.go]
    if as_json:
        typer.echo(json.dumps({**_described(proposal), "root_file": str(place.folder.enrolment), "replaced": gone}))
        return
    typer.echo(f"channel {channel}: root {found.version}, good until {found.expires[:10]}")
    for keyid in gone:
        typer.echo(f"replaced *-{keyid[:8]}.key: destroy it")
    if trusted is None:
        typer.echo(f"root    {place.folder.enrolment}   players trust it after: attune-agent enrol FILE")
    following = "publish BUNDLE" if trusted is None else "refresh"
    typer.echo(f"next    attune-trainer {following}" + ("" if channel == "stable" else f" --channel {channel}"))


def _read(path: Path, channel: str) -> Proposal:
    from cloud_trainer.publishing.proposals import read_proposal

    return read_proposal(_content(path), channel, str(path))


def _keep(proposal: Proposal, path: Path) -> Proposal:
    from cloud_trainer.publishing.folder import write_whole
    from cloud_trainer.publishing.proposals import write_proposal

    write_whole(path, write_proposal(proposal))
    return proposal


def _trusted(place: Channel, file: Path | None) -> Root | None:
    from cloud_trainer.publishing.root import read_root

    if file is not None:
        return read_root(_content(file.expanduser()), str(file)).signed
    return place.root() if place.folder.exists() else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeliveryError(
            f"{path} cannot be read: {error.strerror}", reason=Reason.UNREADABLE, remedy="Name a file that is there"
        ) from error


def _agree(*, yes: bool) -> None:
    if yes:
        return
    if not _at_terminal():
        raise DeliveryError(
            "nobody sits at a terminal to agree to this root",
            reason=Reason.REFUSED,
            remedy="Read what it changes, and give the command again with --yes",
        )
    typer.confirm("Sign this root?", abort=True, err=True)


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _tell(proposal: Proposal, path: Path, *, as_json: bool, shown: bool = False) -> None:
    from cloud_trainer.publishing.changes import plain, progress
    from cloud_trainer.publishing.proposals import standing

    if as_json:
        typer.echo(json.dumps({**_described(proposal), "file": str(path)}))
        return
    for line in progress(proposal) if shown else plain(proposal):
        typer.echo(line)
    more = "" if proposal.channel == "stable" else f" --channel {proposal.channel}"
    step = f"accept {path}" if standing(proposal) else f"sign {path} --with KEY_FILE"
    typer.echo(f"next attune-trainer keys {step}{more}")


def _described(proposal: Proposal) -> dict[str, Any]:
    from cloud_trainer.publishing.changes import changes
    from cloud_trainer.publishing.proposals import standing

    result = standing(proposal)
    return {
        "channel": proposal.channel,
        "changes": msgspec.to_builtins(changes(proposal)),
        "signed_by": list(result.signed),
        "missing": {"previous": result.first.missing, "own": result.second.missing},
        "complete": bool(result),
    }
