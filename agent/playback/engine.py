"""The player without its thread: commands in, sound into the ring, events out.

Rules:

- Everything here runs in one thread and returns at once, but for the decoding of one block and the opening of one file.
- Tracks follow each other without a gap and without an overlapping sample.
- The next track is asked for when the decoder has come to the end of the present one, that is `ahead_s` before the
  listener does. Once taken, a track is played (or skipped by the listener): a new ranking changes only what is asked
  for afterwards.
- A track that cannot be decoded is reported and skipped; after a number of them in a row the player gives up until it
  is told to play.
- `Started` and `Ended` are about what is heard. Between them lies the whole truth of what was played: the timeline.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from agent.playback.conversion import Converter
from agent.playback.messages import (
    EndCause,
    Ended,
    Event,
    Failed,
    Paused,
    Resumed,
    Sought,
    Started,
    Stopped,
    TrackToPlay,
)
from agent.playback.renderer import Jump, Renderer
from agent.playback.source import OpenAudio, Source
from agent.playback.timeline import Crossing, Play, Span, Timeline
from models.errors import AttuneError, AudioError

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

_PRIME_S = 0.25  # sound in the ring before playing begins: what the first seconds of a busy machine may swallow
_FAILURES = 10  # in a row; a library that is not there at all (a disk not mounted) must not be tried for ever
_GOOD_S = 1.0  # a track that gave so much sound before it failed does not count as one of them
_ASK_AGAIN_S = 1.0  # how often to ask for a track while there is none
_RESTART_S = 3.0  # `previous` later than this starts the track anew instead, as every player does
_HISTORY = 100


class Engine:
    """Decodes, joins, and keeps account.

    Args:
        sample_rate: of the output, Hz.
        ahead_s: how much to keep decoded.
        next_track: gives the next track, or None; called in this thread, must return at once.
        on_event: told what happens; called in this thread, must return at once.
        open_audio: opens a file.
        wall: seconds since the epoch, for the events.

    Attributes:
        committed: tracks that were taken and will follow the one that is heard.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        ahead_s: float,
        next_track: Callable[[], TrackToPlay | None],
        on_event: Callable[[Event], None],
        open_audio: OpenAudio,
        wall: Callable[[], float],
    ) -> None:
        self.sample_rate = sample_rate
        self.renderer = Renderer(sample_rate, ahead_s=ahead_s)
        self.timeline = Timeline()
        self.upcoming: deque[TrackToPlay] = deque()
        self.committed: tuple[TrackToPlay, ...] = ()
        self._next_track = next_track
        self._on_event = on_event
        self._open_audio = open_audio
        self._wall = wall
        self._wanted = False
        self._source: Source | None = None
        self._converter: Converter | None = None
        self._base = 0  # frame of the ring at which the converter began
        self._pending: NDArray[np.float32] = np.empty((0, 2), dtype=np.float32)
        self._cause = EndCause.COMPLETED
        self._failures = 0
        self._ask_at = -np.inf
        self._history: deque[TrackToPlay] = deque(maxlen=_HISTORY)
        self._stopped = True

    # -- commands --------------------------------------------------------------------------------------------------

    def play(self, track: TrackToPlay | None = None) -> None:
        """Play on, or play `track` at once."""
        self._failures = 0
        self._ask_at = -np.inf
        resumed = self.renderer.paused
        self._wanted = True
        self.renderer.paused = False
        if resumed:
            self.tell(Resumed(self._wall()))
        if track is not None:
            self._switch([track], EndCause.REPLACED)

    def pause(self) -> None:
        """Be silent for now."""
        if not self.renderer.paused:
            self.renderer.paused = True
            self.tell(Paused(self._wall()))

    def next(self) -> None:
        """Leave the track that is heard."""
        self._switch([], EndCause.NEXT)

    def previous(self) -> None:
        """Go back to the beginning of the track, or, early in it, to the one before."""
        self.observe()
        current = self.timeline.current
        if current is None:
            return
        if self.timeline.position > _RESTART_S * self.sample_rate or not self._history:
            self.seek(0.0)
        else:
            self._switch([self._history.pop(), current.play.track], EndCause.PREVIOUS)

    def seek(self, seconds: float) -> None:
        """Go to a moment of the track that is heard; past its end is its end."""
        self.observe()
        current = self.timeline.current
        if current is None:
            return
        seconds = max(0.0, seconds)
        self.upcoming.extendleft(reversed(self._drop_ahead()))
        self._flush(fade_in=seconds > 0.0)
        try:
            source = Source(current.play, self._open_audio)
            source.seek(seconds)
        except AudioError as error:
            self._cause = EndCause.FAILED
            self._fail(current.play.track, error)
            return
        self._cause = EndCause.COMPLETED
        self._begin(source)
        self.tell(Sought(current.play.track, self._wall(), seconds))

    def close(self) -> None:
        """Let go of everything; the track that is heard has ended."""
        self.observe()
        self._close_source()
        self._report(self.timeline.finish(EndCause.CLOSED))

    # -- the steady work -------------------------------------------------------------------------------------------

    def step(self, now: float) -> bool:
        """Do one piece of work; returns False when there is nothing to do until sound was taken or a command comes."""
        self.observe()
        busy = self._work(now)
        self.committed = (*self.timeline.ahead, *self._opened(), *self.upcoming)
        return busy

    def _work(self, now: float) -> bool:
        if len(self._pending):
            return self._write()
        if self._source is not None:
            self._decode(self._source)
            return True
        if self._wanted and now >= self._ask_at:
            if (track := self._take()) is not None:
                self._open(track)
                return True
            self._ask_at = now + _ASK_AGAIN_S
        return self._run_out()

    def observe(self) -> None:
        """See how far the output has come, and tell."""
        read = self.renderer.ring.read  # before the marks: see Timeline.advance
        marks = []
        while self.renderer.marks:
            marks.append(self.renderer.marks.popleft())
        self._report(self.timeline.advance(read, marks))
        if self.renderer.ended and self._source is None and read == self.renderer.ring.written:
            self._report(self.timeline.finish(self._cause))
            if not self._stopped:
                self._stopped = True
                self.tell(Stopped(self._wall(), gave_up=not self._wanted))

    def _opened(self) -> list[TrackToPlay]:
        """Return the track that was opened but of which nothing has been decoded yet, if there is one."""
        heard = self.timeline.current
        if self._source is None or self._source.frames or (heard is not None and self._source.play is heard.play):
            return []
        return [self._source.play.track]

    def _take(self) -> TrackToPlay | None:
        if self.upcoming:
            return self.upcoming.popleft()
        try:
            return self._next_track()
        except Exception:  # whatever is wrong with the queue, the player lives and asks again
            logger.exception("no next track")
            return None

    def _open(self, track: TrackToPlay) -> None:
        try:
            source = Source(Play(track), self._open_audio)
        except AudioError as error:
            self._fail(track, error)
            return
        self._begin(source)

    def _begin(self, source: Source) -> None:
        """Let a source follow what has been decoded so far."""
        self._source = source
        if self._converter is None or self._converter.rate_in != source.rate:
            self._finish_converter()
            self._converter = Converter(source.rate, self.sample_rate)
            self._base = self.renderer.ring.written + len(self._pending)
        if self.renderer.ended:
            self.renderer.ready = False
            self.renderer.ended = False
            self._stopped = False

    def _decode(self, source: Source) -> None:
        try:
            block = source.read()
        except AudioError as error:
            if source.frames:
                self._cause = EndCause.FAILED
            self._close_source()
            self._fail(source.play.track, error, counts=source.frames < _GOOD_S * source.rate)
            return
        if not len(block):
            self._failures = 0
            self._close_source()
        elif self._converter is not None:
            if source.frames == len(block):  # the first one: not before now is it sure that the track sounds at all
                offset = round(source.start_s * self.sample_rate)
                self.timeline.add(Span(source.play, self._base + self._converter.due, offset, self._cause))
                self._cause = EndCause.COMPLETED
            self._pending = self._converter.convert(block)

    def _write(self) -> bool:
        renderer = self.renderer
        count = renderer.ring.write(self._pending)
        self._pending = self._pending[count:]
        if not renderer.ready:
            primed = renderer.ring.written - max(renderer.ring.read, renderer.jump.frame)
            renderer.ready = primed >= _PRIME_S * self.sample_rate or not renderer.ring.free
        return count > 0

    def _run_out(self) -> bool:
        """There is no next track: let what is decoded be the end."""
        if self._converter is not None:
            self._finish_converter()
            return True
        self.renderer.ended = True
        self.renderer.ready = True
        return False

    def _finish_converter(self) -> None:
        if self._converter is not None:
            self._pending = np.concatenate([self._pending, self._converter.finish()])
            self._converter = None

    # -- cutting ---------------------------------------------------------------------------------------------------

    def _switch(self, first: Iterable[TrackToPlay], cause: EndCause) -> None:
        """Leave the track that is heard; `first`, then what was committed, then what is asked for, follows."""
        self.observe()
        ahead = self._drop_ahead()
        if self.timeline.current is None and ahead and cause is EndCause.NEXT:
            ahead = ahead[1:]  # it had not begun to be heard; it is what the listener wants to leave
        self.upcoming.extendleft(reversed([*first, *ahead]))
        self._flush(fade_in=False)
        self._cause = cause
        self._ask_at = -np.inf

    def _drop_ahead(self) -> list[TrackToPlay]:
        """Stop decoding; returns the tracks that were taken and not heard, in order."""
        tracks = [*self.timeline.drop_ahead(self.renderer.ring.written), *self._opened()]
        self._close_source()
        return tracks

    def _flush(self, *, fade_in: bool) -> None:
        """Let the output leave out all that was decoded and not yet heard."""
        renderer = self.renderer
        self._pending = self._pending[:0]
        self._converter = None
        renderer.ready = False
        renderer.ended = False
        self._stopped = False
        renderer.jump = Jump(renderer.ring.written, fade_in=fade_in)

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    # -- telling ---------------------------------------------------------------------------------------------------

    def _fail(self, track: TrackToPlay, error: AttuneError, *, counts: bool = True) -> None:
        self._failures = self._failures + 1 if counts else 0
        self.tell(Failed(track, self._wall(), error))
        if self._failures >= _FAILURES:
            self._failures = 0
            self._wanted = False

    def _report(self, crossings: Iterable[Crossing]) -> None:
        for crossing in crossings:
            if crossing.ended is not None:
                track = crossing.ended.track
                if crossing.cause is not EndCause.PREVIOUS:
                    self._history.append(track)
                played_s, position_s = crossing.frames / self.sample_rate, crossing.position / self.sample_rate
                self.tell(Ended(track, self._wall(), played_s, position_s, crossing.cause))
            if crossing.started is not None:
                self.tell(Started(crossing.started.track, self._wall()))

    def tell(self, event: Event) -> None:
        """Hand an event on."""
        try:
            self._on_event(event)
        except Exception:  # a listener's mistake must not end the music
            logger.exception("nobody could be told of %s", event)
