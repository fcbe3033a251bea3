"""A rollout's phases as they are written on the command line, and its next offer. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from tuf.api.metadata import TargetFile

from cloud_trainer.publishing.content import Content
from models.delivery.offer import Offer, Phase, Rollout
from models.errors import DeliveryError, Reason

__all__ = ["Request", "everyone", "next_offer", "opened_further", "parse_phases", "said"]

_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a publication.

    Attributes:
        phases: to whom, in which order.
        boards, runtimes: what the bundle is for; empty for any.
        older: whether devices may go from a newer version to this one.
        anew: start another rollout of a bundle that is offered already.
    """

    phases: Sequence[Phase]
    boards: Sequence[str] = ()
    runtimes: Sequence[str] = ()
    older: bool = False
    anew: bool = False


def everyone(phase: Phase) -> bool:
    """Whether a phase takes all devices."""
    return not phase.group and phase.percent >= 100.0


def said(phase: Phase) -> str:
    """A phase in words: `everyone`, `10 % of everyone`, `group canary`."""
    who = f"group {phase.group}" if phase.group else "everyone"
    return who if phase.percent >= 100.0 else f"{phase.percent:g} % of {who}"


def parse_phases(text: str, *, success: float, errors: float, least: int) -> list[Phase]:
    """Read phases: `canary, 10%, 50%, all`; `kitchen:25%` is a quarter of a group.

    Args:
        text: names of groups, percentages, or both with a colon; separated by commas.
        success: percentage of a phase that must have confirmed before the next one opens.
        errors: percentage that failed at which everything stops.
        least: devices that must have answered before either is looked at.

    Raises:
        DeliveryError: WRONG_VALUE, with the part that is wrong.
    """
    shares = {"success": success / 100.0, "errors": errors / 100.0, "least": least}
    phases = []
    for part in (part.strip() for part in text.split(",")):
        try:
            phases.append(msgspec.convert({**_parts(part), **shares}, Phase))
        except (ValueError, msgspec.ValidationError) as error:
            raise DeliveryError(
                f"{part!r} is no phase of a rollout: {error}",
                reason=Reason.WRONG_VALUE,
                remedy='Write groups and percentages in order, such as --phases "canary, 10%, 50%, all"',
            ) from error
    return phases


def next_offer(
    content: Content,
    files: Mapping[str, TargetFile],
    request: Request,
    *,
    channel: str,
    current: tuple[Offer, Mapping[str, TargetFile]] | None,
    number: int,
) -> Offer:
    """The offer of a bundle; the one that stands where nothing new is asked for.

    Args:
        content: the bundle.
        files: its targets.
        request: to whom and how.
        channel: its name.
        current: what is offered now, and its files; None for a first bundle.
        number: of the next targets, which makes the rollout's name unique.

    Raises:
        DeliveryError: WRONG_VALUE: the bundle is older than the one that is offered, or has its version but other
            files.
    """
    manifest = content.manifest
    offer = Offer(
        channel=channel,
        version=manifest.version,
        bytes=content.bytes,
        bundle_format=manifest.format,
        feature_schema=manifest.feature_schema,
        boards=list(request.boards),
        runtimes=list(request.runtimes),
        older=request.older,
        rollout=Rollout(id=f"{manifest.version.replace('.', '-')}-{number}", phases=list(request.phases)),
    )
    if current is None:
        return offer
    standing, there = current
    same = _digests(files) == _digests(there)
    _check_version(offer, standing, same=same)
    unchanged = same and msgspec.structs.replace(offer, rollout=standing.rollout) == standing
    begun = standing.rollout.phases[: len(request.phases)] == list(request.phases)
    if unchanged and begun and not request.anew and standing.rollout.status != "aborted":
        return standing
    return offer


def opened_further(rollout: Rollout) -> Rollout:
    """The same rollout with one more phase open; after the last one, everyone.

    Raises:
        DeliveryError: WRONG_STATE: it is open to everyone already, or was aborted.
    """
    if rollout.status == "aborted":
        raise DeliveryError(
            f"rollout {rollout.id} was aborted",
            reason=Reason.WRONG_STATE,
            remedy="Publish the bundle again, which starts another rollout",
        )
    if rollout.opened < len(rollout.phases):
        return msgspec.structs.replace(rollout, opened=rollout.opened + 1)
    if everyone(rollout.phases[-1]):
        raise DeliveryError(
            f"rollout {rollout.id} is open to everyone already",
            reason=Reason.WRONG_STATE,
            remedy="See who is missing with attune-trainer fleet",
        )
    last = msgspec.structs.replace(rollout.phases[-1], group="", percent=100.0)
    return msgspec.structs.replace(rollout, phases=[*rollout.phases, last], opened=rollout.opened + 1)


def _parts(text: str) -> dict[str, str | float]:
    """Group and percentage of `canary`, `10%` or `canary:10%`."""
    group, _, share = text.partition(":") if ":" in text else (_ALL, "", text) if "%" in text else (text, "", "100%")
    if not group or not share.endswith("%"):
        raise ValueError("neither a group, nor a percentage, nor both with a colon")
    return {"group": "" if group == _ALL else group, "percent": float(share[:-1])}


def _digests(files: Mapping[str, TargetFile]) -> dict[str, str]:
    return {path: target.hashes["sha256"] for path, target in files.items()}


def _check_version(offer: Offer, standing: Offer, *, same: bool) -> None:
    new, old = (tuple(int(part) for part in each.version.split(".")) for each in (offer, standing))
    if new == old and not same:
        raise DeliveryError(
            f"{offer.version} is offered already, with other files",
            reason=Reason.WRONG_VALUE,
            remedy="Build the bundle with a version of its own",
        )
    if new < old and not offer.older:
        raise DeliveryError(
            f"the bundle's version {offer.version} is older than {standing.version}, which is offered now; "
            "players refuse to go back",
            reason=Reason.WRONG_VALUE,
            remedy="Build it with a newer version, or say --older to let players go back to it",
        )
