"""The station `sensing`: packs in, features out. No I/O, no clock of its own.

Rules:

- `accept` never raises: whatever is wrong with a pack is a reason that is counted.
- A sample more than 5 s ahead of `now` is refused. One more than 60 s old is history: it is handed on in the `Intake`
  for who stores samples, and never drives the state. Samples in between are put in order where they belong, late ones
  too; a sample that is there already, down to time and value, is dropped.
- Memory is bounded: at most `MOST_STREAMS` streams of a minute each. A further one takes the place of that which said
  least among the streams that have been silent for ten minutes, so that guests do not drive out what is worn daily; or
  it is refused.
- Of several wearables the best stream of each quantity counts. It keeps its place until another is clearly better, so
  that two equal ones do not alternate. A stream below `LEAST_QUALITY` counts for nothing; the one that counts is let go
  only clearly below.
- Of a wearable that is not worn nothing counts; and its heart rate counts as far as its beats do.
- Beats come from an ECG, from RR intervals or from a PPG: whichever is best, and has been heard for long enough.
- Time is that of the device's clock. When it is set back, what lies ahead of it is forgotten; when it is set forward,
  what was heard has grown old. No zone and no daylight saving enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.sensing.contact import OFF, Signs, contact, feels_skin
from agent.sensing.quality import Surroundings, plausible
from agent.sensing.sequence import Arrival
from agent.sensing.stream import Stream
from models.errors import WireError
from models.physiology.features import LONGEST_WINDOW_S, features_of_windows
from models.physiology.motion import Activity, Movement
from models.physiology.pulse import Pulse
from models.physiology.windows import Floats, window
from models.wire import senml, topics
from models.wire.messages import Source, StreamHealth
from models.wire.quantities import QUANTITIES
from models.wire.senml import Pack

__all__ = ["LEAST_QUALITY", "MOST_STREAMS", "Intake", "Sensing"]

MOST_STREAMS: Final = 32
"""Five wearables with every quantity: more than a listener wears."""
LEAST_QUALITY: Final = 0.2
_LET_GO: Final = 0.15
"""A wristband's beats, which in six exams (exam-stress) came and went 58 times an hour, do so half as often."""
_AHEAD_S: Final = 5.0
_HISTORY_S: Final = 60.0
_SILENT_S: Final = 600.0
_FORGOTTEN_S: Final = 3600.0
"""A stream that is silent for so long is no longer told: its wearable lies in a drawer."""
_CLEARLY_BETTER: Final = 0.1
_BEATS: Final = {"ecg": 0.1, "rr": 0.05, "ppg": 0.0}
"""What tells beats, with what is added to its quality when they compete: an R peak is sharper than the pulse wave that
it sends, and one found from an ECG here can be looked at, unlike the wearable's own interval."""
_BEATS_S: Final = 30.0
"""Stretch that the beats of a source should cover before it takes the place of another."""
_TOLD_S: Final = 30.0
_TELLS_BEATS_S: Final = 1800.0
"""A wearable that told a beat within this time tells what it is sure of: its silence is doubt. Wristbands keep silent
for half an hour in less than a hundredth of the time they are worn (exam-stress, eight exams)."""
_LEAST_TOLD_S: Final = 8.0
_MOVES_NOTHING: Final = frozenset({"batt", "spo2"})
"""Quantities that no feature is computed from: shown to the listener, never a reason to evaluate the state."""
_NAN: Final = float("nan")


class Intake(msgspec.Struct, frozen=True):
    """What became of a pack.

    Attributes:
        accepted: samples that were new and recent.
        moved: whether they can move a feature, so that the state is worth evaluating.
        refusal: why nothing was taken, a code that `counters` counts too; None when something was.
        wearable: who sent it; empty when the topic did not say.
        pack: what was in it, history included, for who stores samples; None when it was refused.
    """

    accepted: int
    moved: bool
    refusal: str | None
    wearable: str = ""
    pack: Pack | None = None


class Sensing:
    """Streams of all wearables of one listener.

    Args:
        listener: whose wearables are heard; packs of others are refused (some brokers deliver what was not asked for).

    Attributes:
        counters: counts since the start by reason: `packs` and `samples` taken; refused `malformed`, `oversized`,
            `wrong_unit`, `unknown_quantity`, `unsupported`, `foreign`, `empty`, `repeated`, `too_many_streams`; samples
            left out as `future`, `history`, `repeated_samples`; `out_of_order` packs, `implausible` samples (kept, and
            judged by quality), wearables `restarted`, labels and names `ignored`, packs `missing` by their numbers;
            `clock_set_back` times that the device's clock went back.
    """

    def __init__(self, listener: str) -> None:
        self.listener = listener
        self.counters: Counter[str] = Counter()
        self._streams: dict[tuple[str, str], Stream] = {}
        self._best: dict[str, Stream] = {}
        self._beats: Stream | None = None
        self._now = float("-inf")

    def accept(self, topic: str, payload: bytes, *, now: float) -> Intake:
        """Take a message of a sense topic.

        Args:
            topic: as it came.
            payload: as it came.
            now: seconds since the epoch.
        """
        self._watch_clock(now)
        try:
            where = topics.parse_sense(topic)
            if where.listener != self.listener:
                return self._refused("foreign")
            pack = senml.decode(payload, quantity=where.quantity, now=now)
        except WireError as error:
            return self._refused(str(error.reason))
        self.counters["ignored"] += pack.ignored
        if not len(pack.times):
            return self._refused("empty", where.wearable)
        return self._take(where.wearable, pack, now)

    def _watch_clock(self, now: float) -> None:
        if now < self._now - _AHEAD_S:
            self.counters["clock_set_back"] += 1
            for stream in self._streams.values():
                if stream.is_ahead(now) or stream.heard_at > now:
                    stream.forget(now)
        self._now = now

    def _refused(self, reason: str, wearable: str = "") -> Intake:
        self.counters[reason] += 1
        return Intake(0, moved=False, refusal=reason, wearable=wearable)

    def _take(self, wearable: str, pack: Pack, now: float) -> Intake:
        times, values = pack.times, pack.values
        ahead = times > now + _AHEAD_S
        if ahead.any():
            self.counters["future"] += int(ahead.sum())
            if ahead.all():
                self._note_number(wearable, pack)
                return Intake(0, moved=False, refusal="future", wearable=wearable)
            times, values = times[~ahead], values[~ahead]
        stream = self._stream(wearable, pack.quantity, now)
        if stream is None:
            return self._refused("too_many_streams", wearable)
        if self._repeated(stream, pack, float(times.max())):
            return self._refused("repeated", wearable)
        stream.arrived(now)
        self.counters["packs"] += 1
        accepted = self._keep(stream, times, values, now)
        kept = pack if not ahead.any() else Pack(pack.quantity, times, values, pack.sequence, pack.ignored)
        return Intake(
            accepted,
            moved=accepted > 0 and pack.quantity not in _MOVES_NOTHING,
            refusal=None,
            wearable=wearable,
            pack=kept,
        )

    def _note_number(self, wearable: str, pack: Pack) -> None:
        """A pack that is refused for its times came all the same: it is not missing."""
        stream = self._streams.get((wearable, pack.quantity))
        if stream is not None:
            self._repeated(stream, pack, float("-inf"))

    def _repeated(self, stream: Stream, pack: Pack, newest: float) -> bool:
        if pack.sequence is None:
            return False
        before = stream.sequence.missing
        arrival = stream.sequence.arrive(pack.sequence, newer=newest > stream.ring.newest)
        self.counters["missing"] += stream.sequence.missing - before
        self.counters["restarted"] += arrival is Arrival.RESTARTED
        return arrival is Arrival.REPEATED

    def _keep(self, stream: Stream, times: NDArray[np.float64], values: NDArray[np.float64], now: float) -> int:
        """Put the recent samples of a pack into its stream."""
        recent = times >= now - _HISTORY_S
        if not recent.all():
            self.counters["history"] += int((~recent).sum())
            times, values = times[recent], values[recent]
            if not len(times):
                return 0
        late = times[0] < stream.ring.newest
        if len(times) > 1 and (np.diff(times) < 0.0).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
            late = True
        spec = QUANTITIES[stream.quantity]
        self.counters["implausible"] += int(((values < spec.low) | (values > spec.high)).sum())
        accepted = stream.add(times, values)
        self.counters["out_of_order"] += bool(late and accepted)
        self.counters["repeated_samples"] += len(times) - accepted
        self.counters["samples"] += accepted
        return accepted

    def _stream(self, wearable: str, quantity: str, now: float) -> Stream | None:
        """The stream of a wearable's quantity, made if there is room."""
        stream = self._streams.get((wearable, quantity))
        if stream is not None:
            return stream
        if len(self._streams) >= MOST_STREAMS:
            silent = [one for one in self._streams.values() if now - one.heard_at >= _SILENT_S]
            if not silent:
                return None
            least = min(silent, key=lambda one: (one.packs, one.heard_at))
            del self._streams[least.wearable, least.quantity]
            if self._best.get(least.quantity) is least:
                del self._best[least.quantity]
        stream = self._streams[wearable, quantity] = Stream(wearable, quantity, now)
        return stream

    def features(self, now: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The physiological features of this moment.

        Returns:
            `values` float32 [len(PHYSIOLOGY)] in the schema's units, NaN where absent; `present` bool, likewise.
        """
        best = self._choose(now, self._surroundings(now))
        streams: dict[str, tuple[Floats, Floats]] = {}
        pulse: Pulse | None = None
        for quantity, stream in best.items():
            if quantity == "ppg" and stream.beats is not None:
                pulse = stream.beats.pulse(now)
            elif quantity not in _BEATS:
                streams[quantity] = _good(stream, now)
        if self._beats is not None and self._beats.quantity != "ppg":
            streams["rr"] = _intervals(self._beats, now)
        values = features_of_windows(streams, now, pulse=pulse).astype(np.float32)
        return values, np.isfinite(values)

    def sources(self, now: float) -> dict[str, Source]:
        """Per quantity the wearable that the state rests on; of what tells beats only what won."""
        known = self._surroundings(now)
        best = self._choose(now, known)
        lost = {"ecg", "rr"} - {self._beats.quantity if self._beats is not None else ""} | _MOVES_NOTHING
        return {
            quantity: Source(stream.wearable, _share(_quality(stream, now, known)), round(stream.age_s(now), 3))
            for quantity, stream in best.items()
            if quantity not in lost
        }

    def movement(self, now: float) -> Movement | None:
        """What the listener does, from the accelerometer that moves most of those that are worn; None without one."""
        known = self._surroundings(now)
        told = [
            stream.movement(now)
            for stream in self._streams.values()
            if _activity(stream, known[stream.wearable], now) is not None
        ]
        return max(told, key=lambda movement: movement.motion_ms2, default=None)

    def streams(self, now: float) -> list[StreamHealth]:
        """All streams that were heard within the hour, by wearable and quantity."""
        known = self._surroundings(now)
        return [
            StreamHealth(
                wearable=stream.wearable,
                quantity=stream.quantity,
                rate_hz=round(stream.rate_hz(), 3),
                quality=_share(_quality(stream, now, known)),
                age_s=round(stream.age_s(now), 3),
                last=stream.last(),
                activity=_activity(stream, known[stream.wearable], now),
            )
            for _, stream in sorted(self._streams.items())
            if stream.age_s(now) < _FORGOTTEN_S and not stream.is_ahead(now)
        ]

    def _surroundings(self, now: float) -> dict[str, Surroundings]:
        """What is known of each wearable, from the streams that explain others."""
        wearables: dict[str, dict[str, Stream]] = {}
        for stream in self._streams.values():
            wearables.setdefault(stream.wearable, {})
            if len(stream.ring) and not stream.is_ahead(now):
                wearables[stream.wearable][stream.quantity] = stream
        motions = {name: own["acc"].movement(now).motion_ms2 for name, own in wearables.items() if "acc" in own}
        most = max((motion for motion in motions.values() if not np.isnan(motion)), default=_NAN)
        signs = {name: _signs(own, now) for name, own in wearables.items()}
        return {
            name: Surroundings(
                motions.get(name, _NAN),
                most,
                contact(signs[name]),
                felt=feels_skin(signs[name]),
                told=_told(own),
            )
            for name, own in wearables.items()
        }

    def _choose(self, now: float, known: Mapping[str, Surroundings]) -> dict[str, Stream]:
        """The best stream of each quantity, as far as one is good enough, and the best source of beats among them."""
        rated: dict[str, list[tuple[float, Stream]]] = {}
        for stream in self._streams.values():
            incumbent = self._best.get(stream.quantity) is stream
            least = _LET_GO if incumbent else LEAST_QUALITY
            if len(stream.ring) and (rating := _quality(stream, now, known)) >= least:
                rated.setdefault(stream.quantity, []).append((rating + _CLEARLY_BETTER * incumbent, stream))
        self._best = {quantity: max(some, key=lambda one: one[0])[1] for quantity, some in rated.items()}
        self._beats = self._best_beats(now, known)
        return self._best

    def _best_beats(self, now: float, known: Mapping[str, Surroundings]) -> Stream | None:
        """The stream whose beats are the listener's: by quality, by how long it was heard, and by what it is."""

        def rating(stream: Stream) -> float:
            heard = _heard(_intervals(stream, now)[1])
            return (
                _quality(stream, now, known) * heard
                + _BEATS[stream.quantity]
                + _CLEARLY_BETTER * (stream is self._beats)
            )

        candidates = [self._best[quantity] for quantity in _BEATS if quantity in self._best]
        return max(candidates, key=rating, default=None)


def _signs(own: Mapping[str, Stream], now: float) -> Signs:
    """What the streams of a wearable say of its place."""
    said = {quantity: own[quantity].signs(now) for quantity in ("temp", "eda", "acc") if quantity in own}
    none = Signs()
    temp = said.get("temp", none)
    return Signs(temp.cel, temp.cel_per_min, said.get("eda", none).us, said.get("acc", none).ms2)


def _told(own: Mapping[str, Stream]) -> float:
    """Share of the last half minute of a wearable's heart rate that its beats cover.

    Measured against the rates that came, not the clock: a packet that is lost, a pause of the radio or a start takes
    both.

    Returns:
        NaN where it sends no beats, or too little of either came to say.
    """
    if "hr" not in own or "rr" not in own:
        return _NAN
    rates, beats = own["hr"].ring, own["rr"].ring
    if beats.newest < rates.newest - _TELLS_BEATS_S:
        return _NAN
    times, _ = window(rates.times, rates.values, at=rates.newest, seconds=_TOLD_S)
    span = float(times[-1] - times[0])
    if span < _LEAST_TOLD_S:
        return _NAN
    _, intervals = window(beats.times, beats.values, at=rates.newest, seconds=_TOLD_S)
    return min(1.0, float(intervals[plausible("rr", intervals)].sum()) / span)


def _quality(stream: Stream, now: float, known: Mapping[str, Surroundings]) -> float:
    return stream.quality(now, known[stream.wearable])


def _tells(stream: Stream, quantity: str, now: float) -> bool:
    """Whether a stream is of the quantity and fresh enough to speak of now."""
    return stream.quantity == quantity and len(stream.ring) > 0 and not stream.is_ahead(now)


def _activity(stream: Stream, around: Surroundings, now: float) -> Activity | None:
    """What the wearer of an `acc` stream does; a wearable that is not worn knows nothing of that."""
    if not _tells(stream, "acc", now) or around.contact <= OFF:
        return None
    return stream.movement(now).activity


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)


def _good(stream: Stream, now: float) -> tuple[Floats, Floats]:
    """The last minute without what no sensor can mean; whether a temperature is one of skin, its features decide."""
    times, values = stream.window(now, LONGEST_WINDOW_S)
    if stream.quantity == "temp":
        return times, values
    good = plausible(stream.quantity, values)
    return (times, values) if good.all() else (times[good], values[good])


def _intervals(stream: Stream, now: float) -> tuple[Floats, Floats]:
    """Beats and their intervals of the last minute, s; implausible ones stay: they mark the gap that they stand for."""
    if stream.beats is None:
        return stream.window(now, LONGEST_WINDOW_S)
    pulse = stream.beats.pulse(now)
    known = ~np.isnan(pulse.intervals)
    return pulse.times[known], pulse.intervals[known]


def _heard(intervals: Floats) -> float:
    """Share of half a minute that the beats cover."""
    return min(1.0, float(np.add.reduce(intervals, dtype=np.float64)) / _BEATS_S)
