"""What the player takes, tells and reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from models.errors import AttuneError

__all__ = [
    "EndCause",
    "Ended",
    "Event",
    "Failed",
    "OutputLost",
    "OutputRestored",
    "Paused",
    "PlaybackSettings",
    "PlaybackStatus",
    "PlayedSpan",
    "Resumed",
    "Sought",
    "Started",
    "Stopped",
    "TrackToPlay",
]


@dataclass(frozen=True, slots=True)
class TrackToPlay:
    """A track as the player needs it. `duration_s` is for display alone; the file decides when it ends."""

    id: str
    path: Path
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackSettings:
    """Where the sound goes, and how far ahead it is prepared.

    Attributes:
        output: `device` (sound card), `file` (real time, into a WAV file) or `silent` (real time, nowhere).
        file: the WAV file; beside it, with `.jsonl` added, lies the log of what it holds.
        device: name of the sound device or a part of it; None for the system's default.
        volume_percent: at the start, 0 to 100.
        sample_rate: of the output in Hz; every track is converted to it.
        ahead_s: seconds of sound kept decoded. So long before a track's end the next one is asked for, and so long may
            everything else hold up the decoder before the music breaks off.
        latency_s: what the sound device is asked to buffer; nobody hears a music player's latency, everybody its gaps.
    """

    output: Literal["device", "file", "silent"] = "device"
    file: Path = Path("played.wav")
    device: str | None = None
    volume_percent: float = 100.0
    sample_rate: int = 44_100
    ahead_s: float = 4.0
    latency_s: float = 0.2


@dataclass(frozen=True, slots=True)
class PlaybackStatus:
    """What plays right now.

    Attributes:
        status: `stopped` means that there is no track, whether or not one is wanted.
        track: the one that is heard.
        position_s: of what is heard, not of what is decoded.
        volume_percent: 0 to 100.
        underruns: how often the music broke off because nothing was decoded in time, or the device was served too late.
        output: name of the output in use; `silent` also while a lost device is waited for.
        output_degraded: whether that is not the one the settings ask for.
        frames_played: frames of music heard since the start.
        sample_rate: of these frames, Hz.
        committed: tracks that are taken already and will play after this one, whatever the queue says.
    """

    status: Literal["playing", "paused", "stopped"]
    track: TrackToPlay | None
    position_s: float
    volume_percent: float
    underruns: int
    output: str
    output_degraded: bool
    frames_played: int
    sample_rate: int
    committed: tuple[TrackToPlay, ...]


@dataclass(frozen=True, slots=True)
class PlayedSpan:
    """A stretch of one track in the output's own time.

    Attributes:
        track_id: the track.
        output: name of the output that got it.
        start_frame: first frame in the output (for `file`: frame of the WAV file).
        end_frame: frame after the last one.
        track_frame: where in the track it begins, in frames of the output's rate.
    """

    track_id: str
    output: str
    start_frame: int
    end_frame: int
    track_frame: int


class EndCause(StrEnum):
    """Why a track ended."""

    COMPLETED = "completed"
    NEXT = "next"
    PREVIOUS = "previous"
    REPLACED = "replaced"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Started:
    """A track begins to be heard."""

    track: TrackToPlay
    t: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A track is heard no longer.

    Attributes:
        track: the one that ended.
        t: seconds since the epoch.
        played_s: how much of it was heard, in seconds of music; seeking back counts twice.
        position_s: where in the track it ended.
        cause: why; `completed` alone means that it was heard to its end.
    """

    track: TrackToPlay
    t: float
    played_s: float
    position_s: float
    cause: EndCause

    @property
    def completed(self) -> bool:
        """Whether the track was played to its end."""
        return self.cause is EndCause.COMPLETED


@dataclass(frozen=True, slots=True)
class Paused:
    """The listener stopped the music for now."""

    t: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """The music is wanted (again)."""

    t: float


@dataclass(frozen=True, slots=True)
class Sought:
    """The track goes on somewhere else."""

    track: TrackToPlay
    t: float
    position_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A track could not be opened or broke off; the next one follows."""

    track: TrackToPlay
    t: float
    error: AttuneError


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing plays any more: no track is offered, or (`gave_up`) too many failed in a row; `play` tries again."""

    t: float
    gave_up: bool


@dataclass(frozen=True, slots=True)
class OutputLost:
    """The sound goes nowhere for now, in real time; the output is tried again every few seconds."""

    t: float
    error: AttuneError


@dataclass(frozen=True, slots=True)
class OutputRestored:
    """The sound goes where it should again."""

    t: float


Event = Started | Ended | Paused | Resumed | Sought | Failed | Stopped | OutputLost | OutputRestored
