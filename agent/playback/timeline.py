"""Which track is at which moment of the sound, and what was really heard of it.

Three clocks meet here: frames of a track, frames of the ring (the order in which things were decoded) and frames of the
output. The ring's and the output's part company when something is skipped or silence comes in; the renderer's marks say
where. No I/O; used by the player's thread alone, except for `current`, `heard` and `log`, which anybody may read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agent.playback.messages import EndCause, PlayedSpan, TrackToPlay
from agent.playback.renderer import Mark

__all__ = ["Crossing", "Play", "Span", "Timeline"]

_LOG_SPANS = 10_000  # some weeks of music; a log that is never read must not fill the memory


@dataclass(slots=True, eq=False)
class Play:
    """One playing of a track; `frames` of it were heard."""

    track: TrackToPlay
    frames: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """From frame `start` of the ring on, `play` sounds, beginning at frame `offset` of its track.

    `cause` says why the play before it ends where this one starts.
    """

    play: Play
    start: int
    offset: int
    cause: EndCause = EndCause.COMPLETED


@dataclass(frozen=True, slots=True)
class Crossing:
    """One track stopped being heard and another began; either may be None.

    Attributes:
        ended: the first one.
        cause: why it ended.
        frames: how much of it was heard.
        position: frame at which it ended.
        started: the second one.
    """

    ended: Play | None
    cause: EndCause
    frames: int
    position: int
    started: Play | None


@dataclass(slots=True)
class Timeline:
    """Follows the ring's reader.

    Attributes:
        current: the span that is heard; None when nothing is.
        position: frame of the track up to which it was heard, in frames of the output's rate.
        heard: frames of music that went out.
        output: name of the output in use.
        log: closed stretches, oldest first, not yet those in `open`.
    """

    output: str = ""
    current: Span | None = None
    position: int = 0
    heard: int = 0
    log: list[PlayedSpan] = field(default_factory=list)
    _ahead: deque[Span] = field(default_factory=deque)
    _valid_from: int = 0
    _cursor: int = 0
    _open: PlayedSpan | None = None
    _positions: dict[str, int] = field(default_factory=dict)
    _closed: list[PlayedSpan] = field(default_factory=list)

    def add(self, span: Span) -> None:
        """Note what begins where; in the order of the ring."""
        self._ahead.append(span)

    def drop_ahead(self, frame: int) -> tuple[TrackToPlay, ...]:
        """The reader will jump to `frame`, leaving out what has not begun; returns the tracks of that, in order.

        What begins before `frame` is remembered until the jump is done: the reader may still come across it.
        """
        tracks = self.ahead
        self._ahead = deque(span for span in self._ahead if span.start < frame)
        self._valid_from = frame
        return tracks

    @property
    def ahead(self) -> tuple[TrackToPlay, ...]:
        """Tracks that are decoded, or begun to be, and not yet heard."""
        heard = self.current.play if self.current is not None else None
        return tuple(s.play.track for s in self._ahead if s.start >= self._valid_from and s.play is not heard)

    def advance(self, read: int, marks: Iterable[Mark]) -> Iterator[Crossing]:
        """Follow the reader to frame `read`, which was taken note of before the marks were."""
        for mark in marks:
            yield from self._play_to(mark.read)
            self._cursor = mark.resumed
            while self._ahead and self._ahead[0].start < mark.resumed:
                self._ahead.popleft()
            self._close()
            if mark.silence:
                self._positions[self.output] = self._position + mark.silence
        yield from self._play_to(max(read, self._cursor))

    def finish(self, cause: EndCause) -> Iterator[Crossing]:
        """Everything has been heard, or nothing more will be."""
        if self.current is not None:
            yield self._leave(cause, None)
            self.current = None
            self._close()

    def switch(self, output: str) -> None:
        """From here on another output gets the sound; its own time goes on where it stopped."""
        self._close()
        self.output = output

    def take_closed(self) -> list[PlayedSpan]:
        """Return the stretches that were closed since the last call."""
        closed, self._closed = self._closed, []
        return closed

    def played(self) -> tuple[PlayedSpan, ...]:
        """Return all of the log, the stretch that is still growing included."""
        log, growing = list(self.log), self._open
        return (*log, growing) if growing is not None else tuple(log)

    @property
    def _position(self) -> int:
        return self._positions.get(self.output, 0)

    def _play_to(self, frame: int) -> Iterator[Crossing]:
        while True:
            following = self._ahead[0] if self._ahead and self._ahead[0].start <= frame else None
            self._extend(frame if following is None else following.start)
            if following is None:
                return
            self._ahead.popleft()
            if self.current is None or self.current.play is not following.play:
                yield self._leave(following.cause, following.play)
            self._close()
            self.current = following
            self.position = following.offset

    def _leave(self, cause: EndCause, started: Play | None) -> Crossing:
        if self.current is None:
            return Crossing(None, cause, 0, 0, started)
        play = self.current.play
        crossing = Crossing(play, cause, play.frames, self.position, started)
        play.frames = 0  # it may come back: the listener can seek in the moment in which the track ends
        return crossing

    def _extend(self, frame: int) -> None:
        count = frame - self._cursor
        if count <= 0:
            return
        at, span = self._position, self.current
        if span is not None:
            span.play.frames += count
            self.heard += count
            self.position += count
            if self._open is None:
                self._open = PlayedSpan(span.play.track.id, self.output, at, at + count, self.position - count)
            else:
                grown = self._open
                self._open = PlayedSpan(grown.track_id, grown.output, grown.start_frame, at + count, grown.track_frame)
        self._positions[self.output] = at + count
        self._cursor = frame

    def _close(self) -> None:
        if self._open is None:
            return
        closed, self._open = self._open, None
        self.log.append(closed)
        self._closed.append(closed)
        if len(self.log) > _LOG_SPANS:
            self.log = self.log[_LOG_SPANS // 2 :]
