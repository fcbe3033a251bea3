"""The affect plane: valence to the right, arousal upwards, the state as a cloud of what it might be.

The ellipses hold 39 % and 86 % of the estimate's probability: one and two standard deviations of a normal
distribution in two dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from agent.commands.live.canvas import Canvas
from agent.commands.live.observed import View
from agent.commands.live.palette import GROUND, Colour, emotion_colour, mix
from models.wire.messages import Affect

__all__ = ["plane"]

_AXIS: Final[Colour] = (72, 80, 98)
_WORD: Final[Colour] = (150, 158, 176)
_WHITE: Final[Colour] = (255, 255, 255)
_GOAL: Final[Colour] = (255, 214, 102)
_STEPS: Final = 240
_MARGIN: Final = 0.02
"""Free space around the plane, so that a state on its edge is seen whole."""


def plane(view: View, width: int, height: int) -> Canvas:
    """Draw the plane of a view into `width` by `height` cells."""
    canvas = Canvas(width, height, _ground(view.affect))
    _axes(canvas)
    _trail(canvas, view)
    if view.affect is not None:
        for deviations, strength in ((2.0, 0.45), (1.0, 0.85)):
            colour = mix(GROUND, _WHITE, strength)
            for valence, arousal in _ellipse(view.affect, deviations):
                canvas.dot(*_place(valence, arousal), colour)
    _words(canvas)
    _tracks(canvas, view)
    _goal(canvas, view)
    if view.affect is not None:
        canvas.mark(*_place(view.affect.valence, view.affect.arousal), "●", _WHITE)
    return canvas


def _place(valence: float, arousal: float) -> tuple[float, float]:
    """Move a point of the plane into the canvas."""
    scale = 0.5 * (1.0 - 2.0 * _MARGIN)
    return 0.5 + valence * scale, 0.5 + arousal * scale


def _ground(affect: Affect | None) -> Callable[[float, float], Colour]:
    """Tint the ground by emotion, and let it glow where the state probably is."""
    scale = 2.0 / (1.0 - 2.0 * _MARGIN)

    def ground(x: float, y: float) -> Colour:
        valence, arousal = (x - 0.5) * scale, (y - 0.5) * scale
        hue = emotion_colour(valence, arousal)
        tint = 0.05 + 0.13 * min(1.0, math.hypot(valence, arousal))
        if affect is not None:
            tint += 0.42 * _likelihood(affect, valence, arousal)
        return mix(GROUND, hue, min(tint, 1.0))

    return ground


def _likelihood(affect: Affect, valence: float, arousal: float) -> float:
    """Return the estimate's density at a point, 1 at its peak."""
    across, up = (max(deviation, 0.01) for deviation in affect.sd)
    x, y = (valence - affect.valence) / across, (arousal - affect.arousal) / up
    rho = min(max(affect.rho, -0.99), 0.99)
    return math.exp(-0.5 * (x * x - 2.0 * rho * x * y + y * y) / (1.0 - rho * rho))


def _ellipse(affect: Affect, deviations: float) -> Iterator[tuple[float, float]]:
    """Walk along the line of equal likelihood, by the Cholesky factor of the covariance."""
    across, up = affect.sd
    rest = math.sqrt(max(1.0 - affect.rho**2, 0.0))
    for step in range(_STEPS):
        angle = 2.0 * math.pi * step / _STEPS
        x, y = deviations * math.cos(angle), deviations * math.sin(angle)
        yield affect.valence + across * x, affect.arousal + up * (affect.rho * x + rest * y)


def _axes(canvas: Canvas) -> None:
    for step in range(canvas.width):
        canvas.dot((step + 0.5) / canvas.width, 0.5, _AXIS)
    for step in range(canvas.height * 2):
        canvas.dot(0.5, (step + 0.5) / (canvas.height * 2), _AXIS)


def _words(canvas: Canvas) -> None:
    last, right = canvas.height - 1, canvas.width
    for row, words in ((0, ("tense", "excited")), (last, ("sad", "calm"))):
        canvas.write(row, 1, words[0], _WORD)
        canvas.write(row, right - 1 - len(words[1]), words[1], _WORD)
    canvas.write(0, canvas.width // 2 - 3, "arousal", _AXIS)
    canvas.write(canvas.height // 2, right - 8, "valence", _AXIS)


def _trail(canvas: Canvas, view: View) -> None:
    """Draw the way that the state took, older parts fainter, with points between the estimates."""
    pairs = list(zip(view.trail, view.trail[1:], strict=False))
    for number, ((_, v0, a0), (_, v1, a1)) in enumerate(pairs):
        strength = 0.15 + 0.6 * (number + 1) / len(pairs)
        steps = max(1, math.ceil(math.hypot(v1 - v0, a1 - a0) * canvas.width))
        for step in range(steps):
            share = step / steps
            valence, arousal = v0 + (v1 - v0) * share, a0 + (a1 - a0) * share
            canvas.dot(*_place(valence, arousal), mix(GROUND, emotion_colour(valence, arousal), 0.3 + strength * 0.7))


def _tracks(canvas: Canvas, view: View) -> None:
    """Mark where the music of the queue lies, the next track on top, and what plays."""
    tracks = view.queue.tracks if view.queue is not None else []
    for place, track in reversed(list(enumerate(tracks))):
        colour = mix(emotion_colour(track.valence, track.arousal), _WHITE, 0.45 if place == 0 else 0.15)
        canvas.mark(*_place(track.valence, track.arousal), "◆" if place == 0 else "•", colour)
    if view.now is not None and view.now.track is not None:
        playing = view.now.track
        colour = mix(emotion_colour(playing.valence, playing.arousal), _WHITE, 0.6)
        canvas.mark(*_place(playing.valence, playing.arousal), "♪", colour)


def _goal(canvas: Canvas, view: View) -> None:
    goal = view.queue.goal if view.queue is not None else None
    if goal is not None and goal.valence is not None and goal.arousal is not None:
        canvas.mark(*_place(goal.valence, goal.arousal), "◎", _GOAL)
