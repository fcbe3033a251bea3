"""How sure the player is, and from what: in words, because a listener reads no standard deviations.

What a heart rate of a wristband says about valence between people is nothing (docs, "What it does not"): the view says
so where it is all that there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from agent.commands.live.observed import View
from agent.commands.live.palette import DIM, TEXT, WARNING, duration, fit

__all__ = ["certainty", "certainty_lines", "origin"]

_WORDS: Final = ((0.15, "well"), (0.27, "roughly"), (0.38, "hardly"))
"""Standard deviation below which a coordinate in [-1, 1] is known so well. A listener whose feelings spread over the
plane as people's do in everyday life has one of 0.4 to 0.5 when nothing is known."""
_BEATS: Final = frozenset({"rr", "ecg", "ppg"})
_SKIN: Final = frozenset({"eda", "temp"})
_WEAK: Final = 0.5
_WIDE: Final = 36
_RECENT_S: Final = 300.0
"""So long a word of the listener's own is what the estimate rests on before all; later one reason among others."""


def certainty(deviation: float) -> str:
    """How well a coordinate is known: `well`, `roughly`, `hardly`, `not`."""
    return next((word for limit, word in _WORDS if deviation <= limit), "not")


def origin(quantities: frozenset[str], quality: float, word_age_s: float | None = None) -> tuple[str, str]:
    """What an estimate rests on and what that is worth, in a long and in a short form.

    Args:
        quantities: those that the state rests on.
        quality: of their signals, [0, 1].
        word_age_s: since the listener last said how they feel; None where they never did.
    """
    if word_age_s is not None and word_age_s < _RECENT_S:
        return f"from your own word, {duration(word_age_s)} ago", "from your own word"
    if not quantities & (_BEATS | _SKIN | {"hr"}):
        return "no wearable: only your usual mood", "only your usual mood"
    if quality < _WEAK:
        return "weak signals: they count for little", "weak signals count less"
    return _of_the_body(quantities)


def _of_the_body(quantities: frozenset[str]) -> tuple[str, str]:
    heart, skin = bool(quantities & (_BEATS | {"hr"})), bool(quantities & _SKIN)
    if heart and skin:
        known = "heartbeats and skin" if quantities & _BEATS else "heart rate and skin"
        return f"from {known}", known
    if skin:
        return "skin only: arousal before valence", "skin: more arousal"
    if quantities & _BEATS:
        return "heartbeats: arousal before valence", "heartbeats: more arousal"
    return "heart rate tells little of valence", "heart rate: not valence"


def certainty_lines(view: View, width: int) -> Iterator[Text]:
    """Two lines where there is an estimate: how sure, and from what."""
    affect = view.affect
    if affect is None:
        return
    valence, arousal = (certainty(deviation) for deviation in affect.sd)
    if valence == arousal:
        told = f"your mood is {valence} known" if valence != "not" else "your mood: a mere guess"
    elif width >= _WIDE:
        told = f"valence {valence} known, arousal {arousal}"
    else:
        told = f"val. {valence}, aro. {arousal}"
    yield Text(fit(told, width).rstrip(), style=TEXT, no_wrap=True)
    long, short = origin(frozenset(affect.sources), affect.quality, affect.word_age_s)
    has_word = affect.word_age_s is not None and affect.word_age_s < _RECENT_S
    weak = not has_word and (affect.quality < _WEAK or not affect.sources)
    said = long if width >= len(long) else short
    yield Text(fit(said, width).rstrip(), style=WARNING if weak else DIM, no_wrap=True)
