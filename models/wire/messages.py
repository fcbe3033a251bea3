"""The payloads that cross the wire, as types.

Rules:

- Keys that others rely on stand in the design; further keys may be added here, none renamed.
- What comes in as a command is strict: unknown keys are refused. What goes out carries units in its names.
- Valence and arousal lie in [-1, 1] everywhere; `t` is seconds since the epoch.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from models.errors import Reason, WireError

__all__ = [
    "Affect",
    "BundleStatus",
    "Cause",
    "CauseKind",
    "CommandError",
    "FeedbackReport",
    "Feeling",
    "Goal",
    "GoalCommand",
    "Health",
    "Now",
    "NowTrack",
    "Parts",
    "Queue",
    "QueueTrack",
    "Reply",
    "Seek",
    "Source",
    "StreamHealth",
    "TrackCommand",
    "TrackWords",
    "Truth",
    "Volume",
    "decode",
    "encode",
]

Coordinate = Annotated[float, Meta(ge=-1.0, le=1.0, description="in [-1, 1]")]
Share = Annotated[float, Meta(ge=0.0, le=1.0, description="in [0, 1]")]
Timestamp = Annotated[float, Meta(description="seconds since the epoch")]
CauseKind = Literal["sample", "command", "track_end", "bundle", "start", "time"]
RequestId = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}$", description="answers come on D/reply/{id}")]


class Source(msgspec.Struct, frozen=True, omit_defaults=False):
    """The wearable that stands behind one quantity."""

    wearable: str
    quality: Share
    age_s: float


class Affect(msgspec.Struct, frozen=True, omit_defaults=True):
    """D/affect: the affect state, an estimate with its uncertainty."""

    t: Timestamp
    valence: Coordinate
    arousal: Coordinate
    sd: Annotated[tuple[float, float], Meta(description="standard deviations of valence and arousal")]
    rho: Annotated[float, Meta(ge=-1.0, le=1.0, description="correlation of the two errors")]
    quality: Annotated[float, Meta(ge=0.0, le=1.0, description="quality of the streams behind it")]
    calibrated: Annotated[bool, Meta(description="whether the listener's own baseline is known")]
    model: Annotated[str, Meta(description="version of the bundle")]
    sources: dict[str, Source]
    word_age_s: Annotated[float | None, Meta(description="since the listener last said how they feel")] = None


class TrackWords(msgspec.Struct, frozen=True):
    """What the words of a track say by themselves; `valence` and `arousal` of the track are those of its sound."""

    source: Annotated[
        Literal["lyrics", "tags"], Meta(description="`tags`: its genres, where too few words of lyrics are known")
    ]
    valence: Coordinate
    arousal: Coordinate
    dominance: Annotated[Coordinate | None, Meta(description="null where fewer than eight words are known")]
    known: Annotated[int, Meta(ge=1, description="words behind these, each as often as it occurs")]
    language: Annotated[str, Meta(description="in which they were looked up, ISO 639-1")]


class NowTrack(msgspec.Struct, frozen=True):
    """The track that plays."""

    id: str
    title: str
    artist: str
    album: str
    duration_s: float
    valence: Coordinate
    arousal: Coordinate
    words: Annotated[TrackWords | None, Meta(description="null where they say nothing")] = None


class Now(msgspec.Struct, frozen=True):
    """D/now: what plays, where it stands, and why it was chosen."""

    t: Timestamp
    status: Literal["playing", "paused", "stopped"]
    position_s: float
    track: NowTrack | None
    why: str
    volume_percent: float = 100.0
    output: str = ""


class Goal(msgspec.Struct, frozen=True):
    """What the listener asked for."""

    mode: Literal["match", "lead", "hold"]
    valence: Coordinate | None = None
    arousal: Coordinate | None = None
    until: Annotated[float | None, Meta(description="when a lead arrives, seconds since the epoch")] = None


class Parts(msgspec.Struct, frozen=True):
    """The four signals, each in [0, 1]; as weights they sum to 1."""

    audio: float
    emotion: float
    context: float
    collaborative: float


class QueueTrack(msgspec.Struct, frozen=True):
    """A ranked track with its reasons. score = sum of weight * part - penalties."""

    id: str
    title: str
    artist: str
    score: float
    valence: Coordinate
    arousal: Coordinate
    parts: Parts
    why: str
    penalties: dict[str, float] = {}


class Cause(msgspec.Struct, frozen=True):
    """What made the queue be ranked again."""

    kind: Annotated[CauseKind, Meta(description="`time`: nothing came for a while, and the state has grown unsure")]
    t: Timestamp
    latency_ms: Annotated[
        float,
        Meta(description="from the cause's arrival, or from when the next evaluation was due, to this message"),
    ]


class Queue(msgspec.Struct, frozen=True):
    """D/queue: the first ten tracks to come."""

    t: Timestamp
    goal: Goal
    weights: Parts
    tracks: list[QueueTrack]
    cause: Cause


class StreamHealth(msgspec.Struct, frozen=True):
    """One stream of a wearable."""

    wearable: str
    quantity: str
    rate_hz: float
    quality: Share
    age_s: float
    last: float | None = None
    activity: Annotated[
        str | None,
        Meta(description="of an acceleration: still, hand moving, walking or running, where that can be told"),
    ] = None


class Health(msgspec.Struct, frozen=True):
    """D/health: what works, what is degraded, counters since the start."""

    t: Timestamp
    uptime_s: float
    status: Literal["ok", "degraded"]
    degraded: Annotated[dict[str, str], Meta(description="part to reason, where something is not as it should be")]
    counters: Annotated[dict[str, int], Meta(description="counts since the start, by name")]
    streams: list[StreamHealth] = []
    latency_ms: Annotated[dict[str, float], Meta(description="p50 and p99 of the last evaluations")] = {}
    playback: Annotated[dict[str, float], Meta(description="frames, seconds and underruns of the output")] = {}
    tracks: int = 0
    broker: str = ""


class BundleStatus(msgspec.Struct, frozen=True):
    """D/bundle: which bundle runs, and what happens or happened to the last one offered.

    `stage` says what is being done now; `outcome` how the offer named by `offered` and `rollout` ended: `activated`
    runs on probation, `confirmed` has passed it, `refused` never ran, `returned` ran and was taken back. `reason` says
    why in a sentence, `code` for programs. Sent again, a report says the same: it is a state, not an event.
    """

    t: Timestamp
    version: str
    embedding_space: str
    runtime: str
    precision: dict[str, str]
    channel: str
    offered: str | None = None
    outcome: Literal["none", "activated", "confirmed", "refused", "returned"] = "none"
    reason: str = ""
    code: str = ""
    stage: Literal["idle", "waiting", "fetching", "testing", "embedding", "probation"] = "idle"
    progress: Share = 0.0
    rollout: str = ""
    group: str = ""
    bytes_fetched: Annotated[int, Meta(ge=0)] = 0
    bytes_offered: Annotated[int, Meta(ge=0)] = 0


class FeedbackReport(msgspec.Struct, frozen=True):
    """attune/1/feedback/{device}: what a week of listening says, for training; only with the listener's consent.

    `counts[f][m][o]` is how often a track of emotion `m` ended with outcome `o` while the listener felt `f`. `felt` is
    `unknown`, or a quarter of the plane as in `music`; every number has noise and may be negative. Nothing else of the
    listener is in it: no track, no time of day, no state, no reading of a wearable.
    """

    format: int
    week: Annotated[str, Meta(pattern=r"\A\d{4}-W\d{2}\Z", description="ISO 8601 week")]
    bundle: str
    felt: tuple[str, ...]
    music: tuple[str, ...]
    outcome: tuple[str, ...]
    counts: list[list[list[int]]]
    epsilon: Annotated[float, Meta(gt=0.0, description="privacy loss for one day of the listener")]
    events_a_day: Annotated[int, Meta(ge=1, description="so many of a day are counted at most")]


class CommandError(msgspec.Struct, frozen=True, omit_defaults=True):
    """D/command/{verb}/error: why a command was refused, and what to do."""

    code: str
    error: str
    remedy: str
    id: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """D/reply/{id}: the answer to a command that carried an id."""

    id: str
    verb: str
    ok: bool
    t: Timestamp
    result: dict[str, Any] = {}


class Truth(msgspec.Struct, frozen=True):
    """attune/1/sim/{name}/truth: what a simulated listener really felt; for scoring only."""

    t: Timestamp
    valence: Coordinate
    arousal: Coordinate


class _Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: RequestId | None = None


class TrackCommand(_Command, frozen=True):
    """D/command/{play, pause, next, previous, like, dislike}: empty, or the track meant."""

    track: str | None = None


class Seek(_Command, frozen=True):
    """D/command/seek: go to a position of the playing track."""

    seconds: Annotated[float, Meta(ge=0.0)]


class Volume(_Command, frozen=True):
    """D/command/volume."""

    percent: Annotated[float, Meta(ge=0.0, le=100.0)]


class Feeling(_Command, frozen=True):
    """D/command/feeling: the listener's own word, the strongest evidence there is.

    `of` says what it is of: how the listener is, or what the music that plays does to them, which ends with it.
    """

    valence: Coordinate
    arousal: Coordinate
    of: Literal["mood", "music"] = "mood"


class GoalCommand(_Command, frozen=True):
    """D/command/goal: match the mood, lead it to a target within minutes, or hold what the music expresses now."""

    mode: Literal["match", "lead", "hold"]
    valence: Coordinate | UnsetType = UNSET
    arousal: Coordinate | UnsetType = UNSET
    minutes: Annotated[float, Meta(gt=0.0, le=720.0)] | UnsetType = UNSET


T = TypeVar("T")
_MAXIMUM_COMMAND_BYTES: Final = 4096
_encoder = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Write a message as JSON."""
    return _encoder.encode(message)


def decode(payload: bytes, kind: type[T]) -> T:
    """Read a message of the given kind.

    Raises:
        WireError: it is too large, no JSON, or not of this kind; the message names the key.
    """
    if len(payload) > _MAXIMUM_COMMAND_BYTES and issubclass(kind, _Command):
        raise WireError(
            f"the payload has {len(payload)} bytes, more than {_MAXIMUM_COMMAND_BYTES}",
            reason=Reason.OVERSIZED,
            remedy="Send the documented keys only",
        )
    try:
        return msgspec.json.decode(payload or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise WireError(
            f"the payload is not as documented: {error}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Send {', '.join(kind.__struct_fields__)} as docs/asyncapi.json describes",  # type: ignore[attr-defined]
        ) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(
            f"the payload is no JSON: {error}", reason=Reason.MALFORMED, remedy="Send a JSON object in UTF-8"
        ) from error
