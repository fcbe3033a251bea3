"""Commands of the listener: from a message on `D/command/{verb}` to a typed command, or to the error that answers it.

Rules:

- A command is taken whole or refused whole; what it does not know it refuses.
- A retained command is refused: the broker would repeat it at every connection.
- Every refusal can be answered: `refusal` makes the message for `D/command/{verb}/error`, with the command's id where
  one can be read.
- Nothing here acts; whoever takes the command does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET

from models.errors import AttuneError, Reason, WireError
from models.wire.messages import CommandError, Feeling, GoalCommand, Seek, TrackCommand, Volume, decode

__all__ = ["VERBS", "Body", "Command", "parse", "refusal"]

Body: TypeAlias = TrackCommand | Seek | Volume | Feeling | GoalCommand

VERBS: Final[Mapping[str, type[Body]]] = MappingProxyType(
    {
        "play": TrackCommand,
        "pause": TrackCommand,
        "next": TrackCommand,
        "previous": TrackCommand,
        "like": TrackCommand,
        "dislike": TrackCommand,
        "seek": Seek,
        "volume": Volume,
        "goal": GoalCommand,
        "feeling": Feeling,
    }
)
"""Every verb and what its payload holds."""

_ID: Final = re.compile(r"[a-z0-9-]{1,64}")
_JSON_BLANK: Final = b" \t\r\n"


class Command(msgspec.Struct, frozen=True):
    """A command that was understood.

    Attributes:
        verb: one of `VERBS`.
        body: its payload.
    """

    verb: str
    body: Body

    @property
    def id(self) -> str | None:
        """What the reply is addressed to; None where nobody waits for one."""
        return self.body.id


class _Addressed(msgspec.Struct):
    """As much of a refused command as its answer needs."""

    id: str | None = None


def parse(verb: str, payload: bytes, *, retained: bool) -> Command:
    """Read a command.

    Args:
        verb: the last level of its topic.
        payload: JSON, or nothing for a verb that needs nothing.
        retained: whether the broker had it in store.

    Raises:
        WireError: it is retained, its verb is not known, or its payload is not what the verb takes.
    """
    if retained:
        raise WireError(
            f"the command {verb!r} is retained, so it would be repeated at every connection",
            reason=Reason.RETAINED,
            remedy="Publish it without the retain flag, and an empty retained payload to clear this one",
        )
    kind = VERBS.get(verb)
    if kind is None:
        raise _unknown(verb)
    body = decode(payload.strip(_JSON_BLANK), kind)
    if body.id is not None and not _ID.fullmatch(body.id):
        raise WireError(
            f"the id {body.id!r} cannot stand in a topic",
            reason=Reason.WRONG_VALUE,
            remedy="Use 1 to 64 lower-case letters, digits and hyphens",
        )
    if isinstance(body, GoalCommand):
        _check_goal(body)
    return Command(verb, body)


def refusal(error: AttuneError, payload: bytes = b"") -> CommandError:
    """Make the message for `D/command/{verb}/error`.

    Args:
        error: why the command was refused, here or by who had to carry it out.
        payload: of the command; its id is repeated where it can be read.
    """
    try:
        request = msgspec.json.decode(payload, type=_Addressed).id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        request = None
    if request is not None and not _ID.fullmatch(request):
        request = None
    return CommandError(code=error.reason.value, error=error.message, remedy=error.remedy, id=request)


def _unknown(verb: str) -> WireError:
    near = difflib.get_close_matches(verb, VERBS, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return WireError(
        f"there is no command {verb[:64]!r}",
        reason=Reason.UNKNOWN_VERB,
        remedy=f"{guess}Known commands: {', '.join(VERBS)}",
    )


def _check_goal(goal: GoalCommand) -> None:
    has_target = goal.valence is not UNSET and goal.arousal is not UNSET
    if goal.mode == "lead" and not has_target:
        raise WireError(
            "the goal `lead` says not where to",
            reason=Reason.WRONG_VALUE,
            remedy="Send valence and arousal, each from -1 to 1",
        )
    surplus = [key for key in ("valence", "arousal", "minutes") if getattr(goal, key) is not UNSET]
    if goal.mode != "lead" and surplus:
        raise WireError(
            f"the goal `{goal.mode}` takes no {' and no '.join(surplus)}",
            reason=Reason.WRONG_VALUE,
            remedy='Send the mode alone, or {"mode": "lead"} with a target',
        )
