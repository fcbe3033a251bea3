"""A listener with their wearables, without clock and network: one call lives a quarter of a second.

Rules:

- Everything random comes from the seed. With a scripted or random course two runs send the same samples; with a
  followed one they depend on what the player does and when.
- The truth goes to a topic of its own, for scoring; no wearable sees it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from firmware_sim.link import Outgoing
from firmware_sim.listener.affect import Affect
from firmware_sim.listener.behaviour import Behaviour, Habits
from firmware_sim.listener.courses import Course, FollowingCourse, RandomCourse
from firmware_sim.listener.scripts import load_script
from firmware_sim.music.sidecar import load_intended
from firmware_sim.physiology.body import BLOCK_S, Block, Body
from firmware_sim.physiology.person import Person
from firmware_sim.settings import ListenerSection, SimulatorSettings
from firmware_sim.wearable.wearable import Wearable
from models.errors import Reason, SettingsError
from models.wire import topics
from models.wire.messages import Now, Truth, encode

__all__ = ["Report", "Simulation", "intended_by_title"]

_TRUTH_EVERY_S = 1.0


class Report(msgspec.Struct, frozen=True):
    """What a simulation did.

    Attributes:
        seconds: simulated.
        packs: sent, by wearable and quantity.
        samples: in those packs, by wearable and quantity.
        gaps: packs that the radio lost, by wearable.
        faults: how often each fault came, by wearable.
        commands: given by the listener, by verb.
        person: the body that was drawn.
    """

    seconds: float
    packs: dict[str, dict[str, int]]
    samples: dict[str, dict[str, int]]
    gaps: dict[str, int]
    faults: dict[str, dict[str, int]]
    commands: dict[str, int]
    person: dict[str, float]

    @property
    def packs_sent(self) -> int:
        """All packs of all wearables."""
        return sum(sum(packs.values()) for packs in self.packs.values())


def intended_by_title(folder: Path) -> dict[tuple[str, str], Affect]:
    """The intended emotion of every piece of a demo catalogue, by title and artist.

    Raises:
        DataError: the folder is no demo catalogue.
    """
    return {
        (track.title, track.artist): Affect(track.valence, track.arousal) for track in load_intended(folder).values()
    }


class Worn(Protocol):
    """What a simulation asks of what is worn.

    Attributes:
        name: on the wire.
        packs: sent, by quantity.
        samples: sent, by quantity.
    """

    name: str
    packs: Counter[str]
    samples: Counter[str]

    @property
    def gaps(self) -> int:
        """Stretches that were lost on the way."""
        ...

    @property
    def faults(self) -> dict[str, int]:
        """What was done wrong on purpose, by kind."""
        ...

    def next(self, block: Block) -> list[Outgoing]:
        """What is sent of a block of the body's life."""
        ...


class Simulation:
    """A listener and their wearables.

    Args:
        settings: who, what they wear, and how they feel.
        started_at: seconds since the epoch at which it begins.
        length_s: how long it will run, where known: a course with `fit` is stretched to it.

    Raises:
        SettingsError: a script, fault or quantity is wrong, or `follow` lacks its catalogue.
        DataError: the library folder is no demo catalogue.
        WireError: a name cannot stand in a topic.
    """

    def __init__(self, settings: SimulatorSettings, *, started_at: float, length_s: float | None = None) -> None:
        listener = settings.listener
        intended = intended_by_title(settings.library.folder) if settings.library.folder else {}
        self._started_at = started_at
        self._device = topics.DeviceTopics(settings.device.id)
        self._truth = topics.truth(listener.id)
        self._body = Body(Person.drawn(listener.seed), listener.seed)
        self._behaviour = Behaviour(Habits(listener.skips, listener.reports_every_s), intended, listener.seed)
        self._course = _course(listener, intended, length_s)
        self._commands: Counter[str] = Counter()
        self._blocks = 0
        self.wearables: list[Worn] = [
            Wearable(worn, listener=listener.id, seed=listener.seed, started_at=started_at)
            for worn in settings.wearables
        ]
        names = [wearable.name for wearable in self.wearables]
        if len(set(names)) < len(names):
            raise SettingsError(
                f"Two wearables share a name: {', '.join(names)}",
                reason=Reason.WRONG_VALUE,
                remedy="Give every wearable a name of its own",
            )

    @property
    def elapsed_s(self) -> float:
        """Seconds lived."""
        return self._blocks * BLOCK_S

    def see(self, now: Now) -> None:
        """Let the listener notice what plays."""
        self._behaviour.see(now, self.elapsed_s)
        if isinstance(self._course, FollowingCourse):
            self._course.hear(self._behaviour.emotion_of(now))

    def next(self) -> list[Outgoing]:
        """Live one block; return what goes out at its end."""
        start_s = self.elapsed_s
        felt = self._course.at(start_s)
        block = self._body.next(felt)
        self._blocks += 1
        messages = [message for wearable in self.wearables for message in wearable.next(block)]
        if math.isclose(start_s % _TRUTH_EVERY_S, 0.0, abs_tol=1e-9):
            truth = Truth(t=self._started_at + start_s, valence=felt.valence, arousal=felt.arousal)
            messages.append(Outgoing(self._truth, encode(truth)))
        for action in self._behaviour.act(felt, self.elapsed_s):
            self._commands[action.verb] += 1
            messages.append(Outgoing(self._device.command(action.verb), action.payload, qos=1))
        return messages

    def report(self) -> Report:
        """What was done so far."""
        return Report(
            seconds=self.elapsed_s,
            packs={worn.name: dict(worn.packs) for worn in self.wearables},
            samples={worn.name: dict(worn.samples) for worn in self.wearables},
            gaps={worn.name: worn.gaps for worn in self.wearables},
            faults={worn.name: worn.faults for worn in self.wearables if worn.faults},
            commands=dict(self._commands),
            person=_rounded(self._body.person),
        )


def _rounded(person: Person) -> dict[str, float]:
    numbers: dict[str, Any] = msgspec.to_builtins(person)
    return {name: round(value, 4) for name, value in numbers.items()}


def _course(listener: ListenerSection, intended: Mapping[tuple[str, str], Affect], length_s: float | None) -> Course:
    if listener.course == "scripted":
        script = load_script(listener.script)
        return script.stretched(length_s) if listener.fit and length_s else script
    if listener.course == "random":
        return RandomCourse(listener.seed)
    if not intended:
        raise SettingsError(
            "A listener who follows the music needs its intended emotions",
            reason=Reason.MISSING,
            remedy="Name the demo catalogue: [library] folder, or --music DIR",
        )
    return FollowingCourse(RandomCourse(listener.seed), listener.susceptibility)
