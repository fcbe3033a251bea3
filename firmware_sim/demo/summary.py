"""What a demo showed: the figures, from the recording alone, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_sim.demo import scoring
from firmware_sim.demo.recording import Recording
from firmware_sim.listener.affect import Affect
from models.wire.messages import Queue

__all__ = ["Sent", "Summary", "audio_seconds", "summarise"]

_FIRST = 10
"""Tracks of a queue that count."""


class Sent(NamedTuple):
    """What the wearables sent.

    Attributes:
        packs: how many; notifications, where they speak Bluetooth.
        carrier: how they came to the agent: "mqtt", or "bluetooth" through the gateway.
    """

    packs: int
    carrier: str


class Summary(msgspec.Struct, frozen=True):
    """The result of a demo; `None` where there was nothing to compute it from.

    Attributes:
        seconds: from the wearable's start to the end.
        tracks: in the demo catalogue.
        reranks: queues that were published.
        latency_ms: from a sample's arrival at the agent to its queue, `p50` and `p99`.
        match_distance: mean distance between the true state and the intended emotion of the queue's tracks.
        shuffled_distance: the same with tracks drawn at random.
        best_distance: the same with the nearest tracks that there are.
        audio_s: seconds of sound that left the player.
        underruns: times that the player had none ready.
        correlation: of the estimated with the true valence and arousal.
        estimate_distance: mean distance of the estimated from the true state.
        packs: sent by the wearables; notifications, where they speak Bluetooth.
        carrier: how they came to the agent: "mqtt", or "bluetooth" through the gateway.
        played: titles, in order.
        unscored: tracks in queues that are not of the demo catalogue.
        script: the course of the listener's feeling.
        reports_every_s: how often the listener said how they feel; 0 for never.
        seed: of the listener.
        output: where the sound went.
    """

    seconds: float
    tracks: int
    reranks: int
    latency_ms: dict[str, float | None]
    match_distance: float | None
    shuffled_distance: float | None
    best_distance: float | None
    audio_s: float | None
    underruns: int | None
    correlation: dict[str, float | None]
    estimate_distance: float | None
    packs: int
    carrier: str
    played: list[str]
    unscored: int
    script: str
    reports_every_s: float
    seed: int
    output: str

    def _words(self) -> str:
        return f"own word every {self.reports_every_s:g} s" if self.reports_every_s else "no word of their own"

    def text(self) -> str:
        """The figures in words, one a line."""
        number = _number
        sent = f"{self.packs} packs over MQTT" if self.carrier == "mqtt" else f"{self.packs} notices over Bluetooth"
        rows = {
            "listener": f"{self.seed}, {self.script}, {self.seconds:.0f} s, {sent}, {self._words()}",
            "re-ranked": f"{self.reranks} times; from sample to queue {number(self.latency_ms['p50'], 1)} ms (median), "
            f"{number(self.latency_ms['p99'], 1)} ms (99 %)",
            "distance": f"{number(self.match_distance)} from listener to queue; shuffled "
            f"{number(self.shuffled_distance)}, nearest possible {number(self.best_distance)}",
            "estimate": f"{number(self.estimate_distance)} from the truth; correlation "
            f"{number(self.correlation['arousal'])} in arousal, {number(self.correlation['valence'])} in valence",
            "sound": f"{number(self.audio_s, 1)} s to {self.output}, {number(self.underruns, 0)} underruns",
            "played": ", ".join(self.played) or "nothing",
        }
        return "\n".join(f"{name:<10} {told}" for name, told in rows.items())


def summarise(
    recording: Recording,
    intended: Mapping[tuple[str, str], Affect],
    *,
    seconds: float,
    audio_s: float | None,
    sent: Sent,
    script: str,
    reports_every_s: float,
    seed: int,
    output: str,
) -> Summary:
    """Compute the figures of a demo.

    Args:
        recording: what was seen on the wire.
        intended: the emotion that each piece was composed for, by title and artist.
        seconds: how long the listener was there.
        audio_s: seconds of sound in the file that was written; None to take the player's word.
        sent: by the wearables.
        script: the course of the listener's feeling.
        reports_every_s: how often the listener said how they feel; 0 for never.
        seed: of the listener.
        output: where the sound was meant to go.
    """
    truth = recording.truth()
    catalogue: NDArray[np.float64] = np.array(list(intended.values()), dtype=np.float64).reshape(-1, 2)
    queues = [(queue.t, _emotions(queue, intended)) for queue in recording.queues]
    playback = recording.health.playback if recording.health is not None else {}
    estimates = [
        float(np.hypot(*(np.array([affect.valence, affect.arousal]) - state)))
        for affect in recording.affects
        if (state := truth.at(affect.t)) is not None
    ]
    return Summary(
        seconds=round(seconds, 1),
        tracks=len(intended),
        reranks=len(recording.queues),
        latency_ms=scoring.percentiles([q.cause.latency_ms for q in recording.queues if q.cause.kind == "sample"]),
        match_distance=scoring.match_distance(queues, truth),
        shuffled_distance=scoring.shuffled_distance(queues, catalogue, truth, seed=seed),
        best_distance=scoring.best_distance(queues, catalogue, truth),
        audio_s=audio_s if audio_s is not None else playback.get("seconds"),
        underruns=int(playback["underruns"]) if "underruns" in playback else None,
        correlation={
            "valence": scoring.correlation([(a.t, a.valence) for a in recording.affects], truth, 0),
            "arousal": scoring.correlation([(a.t, a.arousal) for a in recording.affects], truth, 1),
        },
        estimate_distance=float(np.mean(estimates)) if estimates else None,
        packs=sent.packs,
        carrier=sent.carrier,
        played=recording.tracks_played(),
        unscored=sum(
            (track.title, track.artist) not in intended for queue in recording.queues for track in queue.tracks[:_FIRST]
        ),
        script=script,
        reports_every_s=reports_every_s,
        seed=seed,
        # The player falls back to silence where there is no sound device, and says so.
        output=(recording.plays[-1].output if recording.plays else "") or output,
    )


def audio_seconds(path: Path) -> float | None:
    """Length of a sound file, seconds; None where there is none that can be read."""
    import soundfile

    try:
        return float(soundfile.info(str(path)).duration)
    except (soundfile.LibsndfileError, OSError):
        return None


def _emotions(queue: Queue, intended: Mapping[tuple[str, str], Affect]) -> NDArray[np.float64]:
    known = [intended.get((track.title, track.artist)) for track in queue.tracks[:_FIRST]]
    return np.array([emotion for emotion in known if emotion is not None], dtype=np.float64).reshape(-1, 2)


def _number(value: float | None, digits: int = 2) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"
