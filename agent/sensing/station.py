"""The station `sensing`: packs in, features out. No I/O, no clock of its own.

Rules:

- `accept` never raises: whatever is wrong with a pack is a reason that is counted.
- A sample more than 5 s ahead of `now` is refused. One more than 60 s old is history: it is handed on in the `Intake`
  for who stores samples, and never drives the state. Samples in between are put in order where they belong, late ones
  too; a sample that is there already, down to time and value, is dropped.
- Memory is bounded: at most `MOST_STREAMS` streams of a minute each. A further one takes the place of a stream that has
  been silent for ten minutes, or is refused.
- Of several wearables the best stream of each quantity counts. It keeps its place until another is clearly better, so
  that two equal ones do not alternate. A stream below `LEAST_QUALITY` counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.sensing.sequence import Arrival
from agent.sensing.stream import Stream
from models.errors import WireError
from models.physiology.features import features_of_windows
from models.physiology.windows import Floats
from models.wire import senml, topics
from models.wire.messages import Source, StreamHealth
from models.wire.quantities import QUANTITIES
from models.wire.senml import Pack

__all__ = ["LEAST_QUALITY", "MOST_STREAMS", "Intake", "Sensing"]

MOST_STREAMS: Final = 32
"""Five wearables with every quantity: more than a listener wears."""
LEAST_QUALITY: Final = 0.2
_AHEAD_S: Final = 5.0
_HISTORY_S: Final = 60.0
_SILENT_S: Final = 600.0
_CLEARLY_BETTER: Final = 0.1
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
            judged by quality), wearables `restarted`, labels and names `ignored`, packs `missing` by their numbers.
    """

    def __init__(self, listener: str) -> None:
        self.listener = listener
        self.counters: Counter[str] = Counter()
        self._streams: dict[tuple[str, str], Stream] = {}
        self._best: dict[str, Stream] = {}

    def accept(self, topic: str, payload: bytes, *, now: float) -> Intake:
        """Take a message of a sense topic.

        Args:
            topic: as it came.
            payload: as it came.
            now: seconds since the epoch.
        """
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
            key, oldest = min(self._streams.items(), key=lambda item: item[1].heard_at)
            if now - oldest.heard_at < _SILENT_S:
                return None
            del self._streams[key]
            if self._best.get(oldest.quantity) is oldest:
                del self._best[oldest.quantity]
        stream = self._streams[wearable, quantity] = Stream(wearable, quantity, now)
        return stream

    def features(self, now: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The physiological features of this moment.

        Returns:
            `values` float32 [len(PHYSIOLOGY)] in the schema's units, NaN where absent; `present` bool, likewise.
        """
        best = self._choose(now)
        streams: dict[str, tuple[Floats, Floats]] = {}
        for quantity, stream in best.items():
            streams[quantity] = _plausible(quantity, stream.ring.times, stream.ring.values)
        pulse = best["ppg"].pulse(now) if "ppg" in best else None
        values = features_of_windows(streams, now, pulse=pulse).astype(np.float32)
        return values, np.isfinite(values)

    def sources(self, now: float) -> dict[str, Source]:
        """Per quantity the wearable that is listened to."""
        motions = self._motions(now)
        return {
            quantity: Source(stream.wearable, _share(_quality(stream, now, motions)), round(stream.age_s(now), 3))
            for quantity, stream in self._choose(now).items()
        }

    def streams(self, now: float) -> list[StreamHealth]:
        """All streams with samples, by wearable and quantity."""
        motions = self._motions(now)
        return [
            StreamHealth(
                wearable=stream.wearable,
                quantity=stream.quantity,
                rate_hz=round(stream.rate_hz(), 3),
                quality=_share(_quality(stream, now, motions)),
                age_s=round(stream.age_s(now), 3),
                last=stream.last(),
            )
            for _, stream in sorted(self._streams.items())
            if len(stream.ring)
        ]

    def _motions(self, now: float) -> dict[str, float]:
        """Motion by wearable, m/s²."""
        return {s.wearable: s.motion_ms2(now) for s in self._streams.values() if s.quantity == "acc" and len(s.ring)}

    def _choose(self, now: float) -> dict[str, Stream]:
        """The best stream of each quantity, as far as one is good enough."""
        motions = self._motions(now)
        rated: dict[str, list[tuple[float, Stream]]] = {}
        for stream in self._streams.values():
            if len(stream.ring) and (rating := _quality(stream, now, motions)) >= LEAST_QUALITY:
                incumbent = self._best.get(stream.quantity) is stream
                rated.setdefault(stream.quantity, []).append((rating + _CLEARLY_BETTER * incumbent, stream))
        self._best = {quantity: max(some, key=lambda one: one[0])[1] for quantity, some in rated.items()}
        return self._best


def _quality(stream: Stream, now: float, motions: dict[str, float]) -> float:
    return stream.quality(now, motions.get(stream.wearable, _NAN))


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)


def _plausible(quantity: str, times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Leave out what no sensor can mean. Beats stay: an implausible interval marks the gap that it stands for."""
    if quantity == "rr":
        return times, values
    spec = QUANTITIES[quantity]
    scale = 1e6 if quantity == "eda" else 1.0
    good = (values >= spec.low * scale) & (values <= spec.high * scale)
    if good.ndim > 1:
        good = good.all(axis=1)
    return (times, values) if good.all() else (times[good], values[good])
