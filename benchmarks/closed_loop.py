"""The closed loop over many listeners, faster than real time: does the queue follow what they feel?

Simulated listeners wear a band and feel a course of their own; the agent's session ranks the demo catalogue; tracks
play for as long as they last. Every ten seconds the first ten tracks of the queue are compared with what the listener
truly feels: the mean distance, in the valence-arousal plane, to what those tracks were composed to express. Neither
side comes from the agent.

    python -m benchmarks.closed_loop --music FOLDER --data FOLDER [--seconds 600] [--listeners 8] [--json]

The folders are the demo catalogue and the agent's data of an earlier `attune-sim demo` (`.demo/music-72-v1` and
`.demo/data-1`; the data are only read). Rows: the agent without any wearable, with the wearable alone, and with a word
on the mood every minute; beside them a shuffled queue and the ten nearest tracks that there are. Differences are paired
over listeners, with 95 % bootstrap intervals.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.affect.station import AffectStation
from agent.catalogue.library import Catalogue
from agent.repertoire import Repertoire
from agent.sensing.station import Sensing
from agent.session import Session
from agent.storage.database import Database
from cloud_trainer.evaluation.bootstrap import mean_interval
from firmware_sim.listener.scripts import SCRIPTS
from firmware_sim.settings import ListenerSection, SimulatorSettings
from firmware_sim.simulation import Simulation, intended_by_title
from models.bundle.reader import Bundle, default_bundle
from models.wire.messages import Feeling, Truth, decode

Array = NDArray[np.float64]
START = 1_700_000_000.0
SCORED_EVERY_S = 10.0
PREPARED_S = 5.0
"""The player asks for the next track so long before the end."""
COURSES = ("four-moods", "random", "calm-then-excited")
ROWS = ("no wearable", "wearable alone", "wearable and a word a minute")


@dataclass
class Scores:
    """Of one listener under one condition: distances of the queue, and the state beside the truth."""

    matched: list[float] = field(default_factory=list)
    shuffled: list[float] = field(default_factory=list)
    nearest: list[float] = field(default_factory=list)
    state: list[Array] = field(default_factory=list)
    truth: list[Array] = field(default_factory=list)

    def correlation(self, axis: int) -> float:
        """Of the state with the truth; NaN where either stands still."""
        state, truth = np.array(self.state)[:, axis], np.array(self.truth)[:, axis]
        if state.std() < 1e-6 or truth.std() < 1e-6:
            return float("nan")
        return float(np.corrcoef(state, truth)[0, 1])


class Listening:
    """One listener in front of the session."""

    def __init__(self, repertoire: Repertoire, bundle: Bundle, intended: Array) -> None:
        affect = AffectStation(bundle.model("user_emotion"), now=START)
        self.session = Session(sensing=Sensing("me"), affect=affect, repertoire=repertoire, plays=[], now=START)
        self.scores = Scores()
        self._intended = intended
        self._ends_at = START
        self._next: int | None = None
        self._rows = {track: row for row, track in enumerate(repertoire.catalogue.ids)}

    def play(self, now: float) -> None:
        """Let time pass for the player."""
        session = self.session
        if self._next is None and now >= self._ends_at - PREPARED_S:
            given = session.take_next()
            self._next = self._rows[given.id] if given is not None else None
        if now >= self._ends_at and self._next is not None:
            if session.playing is not None:
                session.ended(session.playing, "completed", now=now)
            session.started(self._next, now=now)
            self._ends_at = now + float(session.repertoire.catalogue.duration_s[self._next])
            session.prepared, self._next = (), None

    def evaluate(self, kind: Literal["sample", "start"], truth: Truth, now: float, *, scored: bool) -> None:
        """Rank, and compare the queue with the truth."""
        found = self.session.evaluate(self.session.observe(now=now), kind, since=now)
        if not scored or found.queue is None:
            return
        felt = np.array((truth.valence, truth.arousal))
        away = np.linalg.norm(self._intended - felt, axis=1)
        queue = [self._rows[track.id] for track in found.queue.tracks]
        self.scores.matched.append(float(away[queue].mean()))
        self.scores.shuffled.append(float(away.mean()))
        self.scores.nearest.append(float(np.sort(away)[: len(queue)].mean()))
        self.scores.state.append(np.array((found.affect.valence, found.affect.arousal)))
        self.scores.truth.append(felt)


def listen(
    repertoire: Repertoire, bundle: Bundle, intended: Array, *, course: str, seed: int, seconds: float, row: str
) -> Scores:
    """Let one listener listen.

    Args:
        repertoire: of the demo catalogue.
        bundle: whose `user_emotion` is asked.
        intended: [N, 2], what each row of the repertoire was composed to express.
        course: of the feeling: a script's name, or `random`.
        seed: who the listener is.
        seconds: how long.
        row: of `ROWS`.
    """
    settings = SimulatorSettings(
        listener=ListenerSection(
            id="me",
            seed=seed,
            course="scripted" if course in SCRIPTS else "random",
            script=course if course in SCRIPTS else "steady",
            fit=course in SCRIPTS,
            reports_every_s=60.0 if "word" in row else 0.0,
        )
    )
    simulation = Simulation(settings, started_at=START, length_s=seconds)
    listening = Listening(repertoire, bundle, intended)
    truth = Truth(t=START, valence=0.0, arousal=0.0)
    evaluated_at = scored_at = float("-inf")
    while simulation.elapsed_s < seconds:
        messages = simulation.next()
        now = START + simulation.elapsed_s
        for message in messages:
            if message.topic.endswith("/truth"):
                truth = decode(message.payload, Truth)
            elif "/sense/" in message.topic and "wearable" in row.removeprefix("no wearable"):
                listening.session.accept(message.topic, message.payload, now=now)
            elif message.topic.endswith("/command/feeling"):
                said = decode(message.payload, Feeling)
                listening.session.feel(said.valence, said.arousal, now=now)
        if now - evaluated_at >= 1.0:
            evaluated_at = now
            scored = now - scored_at >= SCORED_EVERY_S
            scored_at = now if scored else scored_at
            listening.evaluate("sample", truth, now, scored=scored)
            listening.play(now)
    return listening.scores


async def library(data: Path, bundle: Bundle) -> Catalogue:
    """The catalogue that an agent scanned."""
    database = await Database.open(data, read_only=True)
    try:
        return Catalogue.build(await database.load_tracks(), {n: bundle.table(n) for n in ("items", "metadata")})
    finally:
        await database.close()


def measure(
    music: Path, data: Path, *, seconds: float, listeners: int, courses: tuple[str, ...]
) -> list[dict[str, object]]:
    """All rows of all courses."""
    bundle = Bundle.open(default_bundle())
    catalogue = asyncio.run(library(data, bundle))
    repertoire = Repertoire.build(catalogue, bundle, queue_length=50)
    by_title = intended_by_title(music)
    intended = np.array([by_title[pair] for pair in zip(catalogue.title, catalogue.artist, strict=True)], np.float64)
    table: list[dict[str, object]] = []
    for course in courses:
        found: dict[str, list[Scores]] = {row: [] for row in ROWS}
        for seed in range(1, listeners + 1):
            for row in ROWS:
                scores = listen(repertoire, bundle, intended, course=course, seed=seed, seconds=seconds, row=row)
                found[row].append(scores)
            print(f"{course}: listener {seed} of {listeners}", file=sys.stderr, flush=True)
        table += _rows(course, found)
    return table


def _rows(course: str, found: dict[str, list[Scores]]) -> list[dict[str, object]]:
    shuffled = np.array([np.mean(one.shuffled) for one in found[ROWS[0]]])
    without = np.array([np.mean(one.matched) for one in found[ROWS[0]]])
    rows = []
    for row, scores in found.items():
        matched = np.array([np.mean(one.matched) for one in scores])
        rows.append(
            {
                "course": course,
                "row": row,
                "distance": float(matched.mean()),
                "shuffled": float(shuffled.mean()),
                "nearest": float(np.mean([np.mean(one.nearest) for one in scores])),
                "below_shuffled": list(mean_interval(shuffled - matched, seed=1)),
                "below_no_wearable": list(mean_interval(without - matched, seed=1)),
                "correlation": [float(np.nanmean([one.correlation(axis) for one in scores])) for axis in (0, 1)],
            }
        )
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--music", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--listeners", type=int, default=8)
    parser.add_argument("--courses", nargs="+", default=list(COURSES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = measure(
        options.music,
        options.data,
        seconds=options.seconds,
        listeners=options.listeners,
        courses=tuple(options.courses),
    )
    if options.json:
        print(json.dumps(table, indent=1))
        return 0
    for row in table:
        below, gained = row["below_shuffled"], row["below_no_wearable"]
        print(
            f"{row['course']:18} {row['row']:30} {row['distance']:.3f} "
            f"(shuffled {row['shuffled']:.3f}, nearest {row['nearest']:.3f}); "
            f"below shuffled {below[0]:+.3f} [{below[1]:+.3f}, {below[2]:+.3f}]; "
            f"below no wearable {gained[0]:+.3f} [{gained[1]:+.3f}, {gained[2]:+.3f}]; "
            f"r valence {row['correlation'][0]:+.2f}, arousal {row['correlation'][1]:+.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
