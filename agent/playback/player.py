"""The player's thread and what the rest of the agent sees of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Self, TextIO

from agent.playback.clock import Clock, SystemClock
from agent.playback.engine import Engine
from agent.playback.messages import (
    Event,
    OutputLost,
    OutputRestored,
    PlaybackSettings,
    PlaybackStatus,
    PlayedSpan,
    TrackToPlay,
)
from agent.playback.outputs import SilentOutput, make_output
from agent.playback.outputs.base import Output
from agent.playback.outputs.switch import OutputSwitch
from agent.playback.source import OpenAudio
from models.errors import PlaybackError

__all__ = ["Player"]

logger = logging.getLogger(__name__)

_IDLE_S = 0.1  # how often to look how far the output has come; also how late an event may be
_CURVE = 3.0  # loudness is felt roughly as the cube root of amplitude: half of the range then feels half as loud


class Player:
    """Plays what `next_track` gives, one track after the other, until closed; a context manager.

    Its methods may be called from any thread and return at once; what they ask for happens in the player's thread
    within a tenth of a second, in the order of the calls.

    Args:
        settings: where the sound goes.
        next_track: returns the track to play after those already taken, or None; called in the player's thread, at most
            once a second while it has none. It must return at once and may be told by `status().committed` what
            was taken.
        on_event: told what happens; called in the player's thread (`loop.call_soon_threadsafe` hands it on).
        open_audio: opens a file; default `agent.decoding.open_audio`.
        clock: the pace of outputs without a sound card, and when this thread looks around.
        output: takes the sound instead of the one that the settings name.
        wall: seconds since the epoch, for the events.
    """

    def __init__(
        self,
        settings: PlaybackSettings,
        *,
        next_track: Callable[[], TrackToPlay | None],
        on_event: Callable[[Event], None],
        open_audio: OpenAudio | None = None,
        clock: Clock | None = None,
        output: Output | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._wall = wall
        self._engine = Engine(
            sample_rate=settings.sample_rate,
            ahead_s=settings.ahead_s,
            next_track=next_track,
            on_event=on_event,
            open_audio=open_audio or _default_open_audio(),
            wall=wall,
        )
        self._volume_percent = 0.0
        self.set_volume(settings.volume_percent)
        self._outputs = OutputSwitch(
            output or make_output(settings, clock=self._clock),
            SilentOutput(settings.sample_rate, clock=self._clock),
            render=self._engine.renderer.render,
            on_switch=self._on_switch,
            on_lost=self._on_lost,
            on_restored=self._on_restored,
        )
        self._commands: deque[Callable[[], None]] = deque()
        self._waker = self._clock.waker()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="playback", daemon=True)

    def start(self) -> None:
        """Start the thread and the output; nothing plays before `play`."""
        self._thread.start()

    def close(self) -> None:
        """End the playing track, finish the output and wait for the thread."""
        self._closing = True
        self._waker.wake()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # -- commands --------------------------------------------------------------------------------------------------

    def play(self, track: TrackToPlay | None = None) -> None:
        """Play on, or leave what plays for `track` at once."""
        self._do(lambda: self._engine.play(track))

    def pause(self) -> None:
        """Be silent until `play`."""
        self._do(self._engine.pause)

    def next(self) -> None:
        """Leave the present track for the next one."""
        self._do(self._engine.next)

    def previous(self) -> None:
        """Start the present track anew; in its first 3 s, go back to the one before it."""
        self._do(self._engine.previous)

    def seek(self, seconds: float) -> None:
        """Go to a moment of the present track; past its end means the next track."""
        self._do(lambda: self._engine.seek(seconds))

    def enqueue(self, track: TrackToPlay) -> None:
        """Play `track` after those already taken, before `next_track` is asked again."""
        self._do(lambda: self._engine.upcoming.append(track))

    def set_volume(self, percent: float) -> None:
        """Set the volume, 0 to 100 (what is beyond is clipped); amplitude follows the cube of it."""
        self._volume_percent = min(100.0, max(0.0, percent))
        self._engine.renderer.volume = (self._volume_percent / 100.0) ** _CURVE

    def status(self) -> PlaybackStatus:
        """Return what is heard right now, as of a tenth of a second ago at most."""
        engine, timeline = self._engine, self._engine.timeline
        span, position = timeline.current, timeline.position
        paused = engine.renderer.paused
        rate = engine.sample_rate
        latency = self._outputs.current.latency_s if not paused else 0.0
        return PlaybackStatus(
            status="stopped" if span is None else "paused" if paused else "playing",
            track=span.play.track if span is not None else None,
            position_s=max(position / rate - latency, min(span.offset, position) / rate) if span is not None else 0.0,
            volume_percent=self._volume_percent,
            underruns=engine.renderer.underruns + self._outputs.underruns,
            output=self._outputs.current.name,
            output_degraded=self._outputs.degraded,
            frames_played=timeline.heard,
            sample_rate=rate,
            committed=engine.committed,
        )

    def played(self) -> tuple[PlayedSpan, ...]:
        """Return what was played, stretch by stretch, the present one included; old ones are forgotten after weeks."""
        return self._engine.timeline.played()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._waker.wake()

    def _run(self) -> None:
        log = self._open_log()
        try:
            self._outputs.start(self._clock.now())
            while not self._closing:
                while self._commands:
                    self._commands.popleft()()
                busy = self._engine.step(self._clock.now())
                self._outputs.check(self._clock.now())
                self._write_log(log)
                if not busy:
                    self._waker.wait(self._clock.now() + _IDLE_S)
        finally:
            self._outputs.stop()
            self._engine.close()
            self._engine.timeline.switch("")
            self._write_log(log)
            if log is not None:
                log.close()
            self._waker.close()

    def _on_switch(self, output: str) -> None:
        self._engine.observe()
        self._engine.timeline.switch(output)

    def _on_lost(self, error: PlaybackError) -> None:
        logger.warning("%s Playing on in silence.", error)
        self._engine.tell(OutputLost(self._wall(), error))

    def _on_restored(self) -> None:
        logger.info("sound is back")
        self._engine.tell(OutputRestored(self._wall()))

    def _open_log(self) -> TextIO | None:
        if self._settings.output != "file":
            return None
        path = self._settings.file
        with suppress(OSError):  # the output tells what is wrong with the folder
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.with_name(path.name + ".jsonl").open("w", encoding="utf-8")
        return None

    def _write_log(self, log: TextIO | None) -> None:
        closed = self._engine.timeline.take_closed()
        if log is None or not closed:
            return
        with suppress(OSError):  # a full disk: the output tells; the log in memory goes on
            log.writelines(json.dumps(asdict(span)) + "\n" for span in closed)
            log.flush()


def _default_open_audio() -> OpenAudio:
    from agent.decoding import open_audio  # brings libav along: not before it is needed

    return open_audio
