"""Runs the demo: music, scan, agent, wearable (and gateway), view, score, in this order, and takes it all down again.

Rules:

- The agent is a child process and a name on the wire; nothing here knows its insides.
- Whatever happens, no child is left, and what happened is told in one sentence.
- The seconds of a demo count from the moment that the listener puts the wearable on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from firmware_sim.demo.children import Child, Children, program
from firmware_sim.demo.enrolment import enrol_when_keys_appear
from firmware_sim.demo.lines import line
from firmware_sim.demo.recording import Recording
from firmware_sim.demo.summary import Sent, Summary, audio_seconds, summarise
from firmware_sim.demo.workspace import DEVICE, LISTENER, Workspace, on_free_port
from firmware_sim.demo.worn import gateway_arguments, pairing_arguments, wearable_arguments
from firmware_sim.link import Link
from firmware_sim.settings import BrokerSection
from firmware_sim.simulation import intended_by_title
from models.errors import AttuneError, Reason

__all__ = ["Options", "run"]

# Models load within seconds; a slow SD card gets a minute.
_ONLINE_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1
# A line for whoever has no terminal.
_LINE_EVERY_S = 5.0
# Feelings take tens of seconds to change: a course of four moods needs two minutes, a shorter demo gets two.
_FOUR_MOODS_FROM_S = 120.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    Attributes:
        seconds: length of the demo; None is until it is stopped.
        script: of the listener's feeling; None takes one that fits the length.
        reports_every_s: how often the listener says how they feel, as a person would with a button, not exactly; 0 is
            never. Nothing else of what the simulator knows reaches the agent.
        output: where the sound goes.
        view: whether there is a terminal for the live view.
    """

    seconds: float | None
    script: str | None
    reports_every_s: float
    output: Literal["device", "file", "silent"]
    view: bool

    @property
    def course(self) -> str:
        """The script that is played."""
        if self.script is not None:
            return self.script
        return "calm-then-excited" if self.seconds and self.seconds < _FOUR_MOODS_FROM_S else "four-moods"


class _Sent(msgspec.Struct, frozen=True):
    """What is read of the wearable's own summary."""

    packs_sent: int = 0


async def run(workspace: Workspace, options: Options, *, stop: asyncio.Event, tell: Tell) -> Summary:
    """Run a demo.

    Args:
        workspace: where everything goes.
        options: what was asked for.
        stop: set from outside to end it early; what was recorded until then is summed up all the same.
        tell: shows a line to whoever watches.

    Raises:
        AttuneError: a step failed, the agent died, or nothing was ranked.
    """
    workspace.write(options.output)
    async with Children() as children:
        demo = _Demo(workspace, options, children, stop, tell)
        await demo.prepare()
        intended = intended_by_title(workspace.music)
        seconds, packs = await demo.perform()
    # The agent has ended: its sound file is complete.
    to_file = options.output == "file"
    summary = summarise(
        demo.recording,
        intended,
        seconds=seconds,
        audio_s=audio_seconds(workspace.wav) if to_file else None,
        sent=Sent(packs, "mqtt" if workspace.air_port is None else "bluetooth"),
        script=options.course,
        reports_every_s=options.reports_every_s,
        seed=workspace.seed,
        output=options.output,
    )
    workspace.summary.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
    if not summary.reranks or summary.match_distance is None:
        raise AttuneError(
            "The agent ranked nothing while the listener was there",
            reason=Reason.FAILED,
            remedy=f"Read {workspace.log('agent')}",
        )
    return summary


class _Demo:
    """The steps of a demo, which share what runs and what was seen."""

    def __init__(
        self, workspace: Workspace, options: Options, children: Children, stop: asyncio.Event, tell: Tell
    ) -> None:
        self._workspace, self._options, self._children = workspace, options, children
        self._stop, self._tell = stop, tell
        self.recording = Recording(DEVICE, LISTENER)

    async def prepare(self) -> None:
        """Make the music and let the agent scan it; what an earlier demo left is used again."""
        music, count = str(self._workspace.music), str(self._workspace.tracks)
        self._tell(f"Composing {count} pieces in {music}")
        await self._step("music", program("attune-sim"), "music", music, "--count", count)
        self._tell("Scanning them: emotion and embedding of every piece")
        await self._step("scan", program("attune-agent"), "scan", "--config", str(self._workspace.config))
        if self._workspace.air_port is not None:
            await self._step("pairing", program("attune-agent"), *pairing_arguments(self._workspace))

    async def perform(self) -> tuple[float, int]:
        """Start the agent, watch it from outside and let the listener come; return how long, and how many packs."""
        self._workspace = on_free_port(self._workspace, self._options.output)
        self._tell("Starting the agent")
        agent = await self._background("agent", program("attune-agent"), "run", "--config", str(self._workspace.config))
        link = Link(
            BrokerSection(port=self._workspace.port),
            client_id=f"attune-demo-{os.getpid()}",
            filters=self.recording.filters,
            on_message=self.recording.see,
            longest_wait_s=1.0,
        )
        connection = asyncio.create_task(link.run(), name="observer")
        try:
            await self._online(agent)
            return await self._listen(agent)
        finally:
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    async def _step(self, name: str, *command: str) -> None:
        child = await self._children.foreground(name, *command)
        await _first(child.wait(), self._stop.wait())
        if self._stop.is_set():
            raise AttuneError("Stopped before the demo began", reason=Reason.FAILED, remedy="Start it again")
        if child.returncode != 0:
            shown = " ".join(command)
            message = f"`{shown}` failed with status {child.returncode}"
            raise AttuneError(message, reason=Reason.FAILED, remedy="Its own message stands above")

    async def _background(self, name: str, *command: str) -> Child:
        return await self._children.background(name, *command, log=self._workspace.log(name))

    async def _online(self, agent: Child) -> None:
        """Wait until the agent says that it is there."""
        waited_s = 0.0
        while not self.recording.online:
            if not agent.running:
                raise self._dead(agent, "ended at once")
            if self._stop.is_set():
                raise AttuneError("Stopped before the demo began", reason=Reason.FAILED, remedy="Start it again")
            if waited_s >= _ONLINE_WITHIN_S:
                raise self._dead(agent, f"did not come online within {_ONLINE_WITHIN_S:.0f} s")
            await asyncio.sleep(_LOOK_EVERY_S)
            waited_s += _LOOK_EVERY_S

    async def _listen(self, agent: Child) -> tuple[float, int]:
        """Let the listener be there for a while."""
        length = f" for {self._options.seconds:.0f} s" if self._options.seconds else "; Ctrl-C ends"
        over = "a wearable" if self._workspace.air_port is None else "a Bluetooth chest strap"
        self._tell(f"A listener puts on {over} ({self._options.course}){length}")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        worn = await self._background("wearable", program("attune-sim"), *self._wearable())
        gateway = await self._gateway()
        view = await self._view() if self._options.view else None
        lines = asyncio.create_task(self._lines(view), name="lines")
        enrolment = asyncio.create_task(self._enrol(view), name="enrolment")
        ends: list[Awaitable[Any]] = [agent.wait(), worn.wait(), self._stop.wait()]
        ends += [gateway.wait()] if gateway is not None else []
        ends += [_closed(view)] if view is not None else []
        await _first(*ends)
        lines.cancel()
        enrolment.cancel()
        seconds = loop.time() - begun
        if not agent.running and not self._stop.is_set():
            raise self._dead(agent, f"died after {seconds:.0f} s")
        if gateway is not None:
            if not gateway.running and not self._stop.is_set():
                raise self._dead(gateway, f"died after {seconds:.0f} s")
            await gateway.stop()
        await worn.stop()
        if worn.returncode != 0:
            remedy = f"Read {self._workspace.log('wearable')}"
            raise AttuneError(f"The wearable failed: {worn.last_words(2)}", reason=Reason.FAILED, remedy=remedy)
        if view is not None:
            await view.stop()
        # The observer is still there to hear the agent's last words on the wire.
        await agent.stop()
        if agent.returncode != 0 and not self._stop.is_set():
            raise self._dead(agent, f"ended with status {agent.returncode} when it was asked to stop")
        return seconds, msgspec.json.decode(worn.output() or b"{}", type=_Sent).packs_sent

    async def _view(self) -> Child:
        return await self._children.foreground(
            "view", program("attune-agent"), "watch", "--config", str(self._workspace.config)
        )

    async def _lines(self, view: Child | None) -> None:
        """Tell every few seconds how it goes, unless the view shows it."""
        while True:
            await asyncio.sleep(_LINE_EVERY_S)
            if view is None or not view.running:
                self._tell(line(self.recording))

    async def _enrol(self, view: Child | None) -> None:
        """Let whoever makes keys on this computer push bundles to the demo's player."""

        def tell(text: str) -> None:
            if view is None or not view.running:
                self._tell(text)

        workspace = self._workspace
        await enrol_when_keys_appear(self._children, workspace.config, workspace.log("enrolment"), tell)

    async def _gateway(self) -> Child | None:
        if self._workspace.air_port is None:
            return None
        return await self._background("gateway", program("attune-agent"), *gateway_arguments(self._workspace))

    def _wearable(self) -> list[str]:
        options = self._options
        return wearable_arguments(
            self._workspace, course=options.course, seconds=options.seconds, reports_every_s=options.reports_every_s
        )

    def _dead(self, child: Child, what: str) -> AttuneError:
        words = child.last_words()
        message = f"The {child.name} {what}" + (f"; its last words:\n{words}\n" if words else "")
        return AttuneError(message, reason=Reason.FAILED, remedy=f"Read {self._workspace.log(child.name)}")


async def _closed(view: Child) -> None:
    """Wait until somebody closes the view; a view that failed is no reason to end."""
    if await view.wait() != 0:
        await asyncio.get_running_loop().create_future()


async def _first(*waits: Awaitable[Any]) -> None:
    """Wait for the first of several, and let go of the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
