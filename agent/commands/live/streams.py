"""The panel of the streams: one line each, those that the state rests on first where there is no room for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from rich.text import Text

from agent.commands.live.observed import View
from agent.commands.live.palette import ACCENT, DIM, FAINT, TEXT, WARNING, duration, fit, shade_of_quality
from models.wire.messages import StreamHealth

__all__ = ["stream_lines", "streams_title"]

_QUANTITIES: Final = {
    "hr": ("heart rate", "rate", "{:.0f} bpm", 1.0),
    "rr": ("intervals", "beats", "{:.0f} ms", 1000.0),
    "ecg": ("ECG", "ECG", "{:.2f} mV", 1000.0),
    "ppg": ("pulse wave", "pulse", "{:.2f}", 1.0),
    "eda": ("skin cond.", "skin", "{:.2f} µS", 1e6),
    "temp": ("skin temp.", "temp", "{:.1f} °C", 1.0),
    "acc": ("movement", "motion", "{:.1f} m/s²", 1.0),
    "spo2": ("oxygen", "oxygen", "{:.0f} %", 1.0),
    "batt": ("battery", "battery", "{:.0f} %", 1.0),
}
"""What a quantity is called, in short where the wearable stands beside it, and how its last value is shown: format,
factor from the wire's unit."""
_ACTIVITIES: Final = {"still": "still", "hand moving": "hand", "walking": "walking", "running": "running"}
_OLD_AFTER_S: Final = {"batt": 600.0}
_OLD_S: Final = 10.0
_MARK_CELLS: Final = 2


class _Columns(NamedTuple):
    """Cells of the parts of a line; the rest is the name's. 0 leaves a part out."""

    quality: int
    value: int
    rate: int
    age: int

    @property
    def name(self) -> int:
        """Cells that the other parts take, with the spaces between them."""
        return _MARK_CELLS + 1 + sum(self)


class _Shown(NamedTuple):
    """A stream as it stands now."""

    stream: StreamHealth
    age_s: float
    is_used: bool


def streams_title(view: View) -> str:
    """Whose streams they are, and with whose figures they are compared."""
    wearables = {each.stream.wearable for each in _streams(view)}
    name = f"streams of {wearables.pop()}" if len(wearables) == 1 else "streams"
    if view.affect is None:
        return name
    return f"{name} · {'own baseline' if view.affect.calibrated else 'no baseline yet'}"


def stream_lines(view: View, width: int, height: int) -> Iterator[Text]:
    """One line a stream: a mark where the state rests on it, its name, quality, last value or activity, rate and age.

    Args:
        view: what is known.
        width: cells of a line.
        height: lines at most; the last one says how many streams are left out.
    """
    shown = _streams(view)
    if not shown:
        yield Text("No wearable is heard.", style=DIM)
    several = len({each.stream.wearable for each in shown}) > 1
    if len(shown) > height:
        shown = sorted(shown, key=lambda each: not each.is_used)
    room = len(shown) if len(shown) <= height else max(height - 1, 0)
    for each in shown[:room]:
        yield _line(each, several=several, width=width)
    if room < len(shown):
        yield Text(fit(f"  and {len(shown) - room} more", width).rstrip(), style=DIM, no_wrap=True)


def _streams(view: View) -> list[_Shown]:
    """The streams in the order of the quantities, with their ages by now."""
    streams = view.health.streams if view.health is not None else []
    sources = view.affect.sources if view.affect is not None else {}
    if not streams:
        streams = [StreamHealth(each.wearable, name, 0.0, each.quality, each.age_s) for name, each in sources.items()]
    shown = []
    for stream in sorted(streams, key=_order):
        source = sources.get(stream.quantity)
        age = stream.age_s + max(view.clock - view.health.t, 0.0) if view.health is not None else stream.age_s
        is_used = source is not None and source.wearable == stream.wearable
        if source is not None and is_used and view.affect is not None:
            age = min(age, source.age_s + max(view.clock - view.affect.t, 0.0))
        shown.append(_Shown(stream, age, is_used))
    return shown


def _order(stream: StreamHealth) -> tuple[int, str, str]:
    names = list(_QUANTITIES)
    return names.index(stream.quantity) if stream.quantity in names else len(names), stream.quantity, stream.wearable


def _columns(width: int, *, several: bool) -> _Columns:
    """What there is room for: a name that tells the wearables apart comes before rate and age."""
    if width >= 40:
        return _Columns(quality=3, value=9, rate=7, age=7)
    if width >= 36:
        return _Columns(quality=3, value=9, rate=7, age=0)
    return _Columns(quality=3, value=9, rate=0 if several else 7, age=0)


def _line(shown: _Shown, *, several: bool, width: int) -> Text:
    stream = shown.stream
    columns = _columns(width, several=several)
    _, _, form, factor = _QUANTITIES.get(stream.quantity, (stream.quantity, stream.quantity, "{:g}", 1.0))
    usual = 3.0 / stream.rate_hz if stream.rate_hz else 0.0
    is_old = shown.age_s > max(_OLD_AFTER_S.get(stream.quantity, _OLD_S), usual)
    value = "" if stream.last is None else form.format(stream.last * factor)
    if stream.activity in _ACTIVITIES:
        # Gravity is most of an acceleration and the same for all: what its wearer does says more.
        value = _ACTIVITIES[stream.activity]
    rate = _rate(stream.rate_hz)
    if is_old and not columns.age:
        # Where there is no room for both, how old a value is matters more than how fast others came.
        value, rate = (value, _age(shown.age_s)) if columns.rate else (_age(shown.age_s), "")
    text = TEXT if not is_old else DIM
    told = WARNING if is_old else DIM
    line = Text(no_wrap=True)
    line.append("● " if shown.is_used else "· ", ACCENT if shown.is_used else FAINT)
    line.append(f"{fit(_name(stream, width - columns.name, several=several), width - columns.name)} ", text)
    good = round(stream.quality * columns.quality)
    line.append("━" * good, FAINT if is_old else shade_of_quality(stream.quality))
    line.append("─" * (columns.quality - good), FAINT)
    line.append(f"{value:>{columns.value}}", text if columns.rate else told if is_old else text)
    if columns.rate:
        line.append(f"{rate:>{columns.rate}}", DIM if columns.age else told)
    if columns.age:
        line.append(f"{_age(shown.age_s):>{columns.age}}", told)
    return line


def _name(stream: StreamHealth, room: int, *, several: bool) -> str:
    name, short, *_ = _QUANTITIES.get(stream.quantity, (stream.quantity, stream.quantity))
    if several:
        return f"{short} {stream.wearable}"
    return name if room >= len(name) else stream.quantity


def _rate(rate_hz: float) -> str:
    return f"{rate_hz:.0f} Hz" if rate_hz >= 9.95 else f"{rate_hz:.1f} Hz" if rate_hz >= 0.1 else ""


def _age(age_s: float) -> str:
    return f"{age_s:.1f} s" if age_s < 9.95 else f"{age_s:.0f} s" if age_s < 99.5 else duration(age_s)
