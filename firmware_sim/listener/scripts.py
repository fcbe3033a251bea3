"""Scripts of feeling: named ones, TOML files, and lists typed on the command line.

The named ones follow how feelings go in ordinary situations, at their ordinary pace; they are no test pattern.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Final

from firmware_sim.listener.affect import Affect
from firmware_sim.listener.courses import Point, ScriptedCourse
from models.errors import Reason, SettingsError

__all__ = ["SCRIPTS", "load_script"]

_CALM = Affect(0.45, -0.60)
_EXCITED = Affect(0.60, 0.65)
_TENSE = Affect(-0.55, 0.60)
_CONTENT = Affect(0.50, -0.15)
_BORED = Affect(-0.25, -0.55)
_NEUTRAL = Affect(0.05, 0.0)
_TIRED = Affect(-0.15, -0.70)
_SLEEPY = Affect(0.20, -0.85)


def _course(*points: tuple[float, Affect]) -> ScriptedCourse:
    return ScriptedCourse([Point(t_s, affect) for t_s, affect in points], repeats=True)


SCRIPTS: Final[dict[str, ScriptedCourse]] = {
    "steady": _course((0, _NEUTRAL)),
    # Ends excited and stays so: for a demo that is too short for more than one change.
    "calm-then-excited": ScriptedCourse(
        [Point(0, _CALM), Point(100, _CALM), Point(140, _EXCITED), Point(300, _EXCITED)]
    ),
    "four-moods": _course(
        (0, _CALM),
        (100, _CALM),
        (140, _EXCITED),
        (260, _EXCITED),
        (300, _TENSE),
        (420, _TENSE),
        (470, _CONTENT),
        (570, _CONTENT),
        (600, _CALM),
    ),
    "commute": _course(
        (0, _CONTENT),
        (180, _CONTENT),
        (300, _TENSE),
        (480, _TENSE),
        (600, _BORED),
        (1080, _BORED),
        (1260, _NEUTRAL),
        (1500, _CONTENT),
    ),
    "evening": _course(
        (0, _TENSE),
        (300, Affect(-0.30, 0.20)),
        (900, _TIRED),
        (1500, _CONTENT),
        (2400, _CALM),
        (3300, _SLEEPY),
        (3600, _TENSE),
    ),
    "workout": _course(
        (0, _NEUTRAL),
        (240, _EXCITED),
        (1200, Affect(0.40, 0.90)),
        (1500, _EXCITED),
        (1740, _CALM),
        (1800, _NEUTRAL),
    ),
}
"""Named courses by name; all of them begin again after their end."""


def load_script(text: str) -> ScriptedCourse:
    """Find a script: by name, in a TOML file, or written out as `seconds,valence,arousal; seconds,…`.

    A file holds `repeats = true` or `false` (default) and `points = [[0, 0.4, -0.6], [60, 0.6, 0.7]]`.

    Raises:
        SettingsError: there is no such script, or it is not one.
    """
    if text in SCRIPTS:
        return SCRIPTS[text]
    if text.endswith(".toml"):
        return _from_file(Path(text).expanduser())
    if "," in text:
        rows = [[part.strip() for part in row.split(",")] for row in text.split(";") if row.strip()]
        return ScriptedCourse([_point(row, f"point {number}") for number, row in enumerate(rows, start=1)])
    raise SettingsError(
        f"There is no script {text!r}",
        reason=Reason.WRONG_VALUE,
        remedy=f"Use one of {', '.join(SCRIPTS)}, a .toml file, or points such as '0,0.4,-0.6; 60,0.6,0.7'",
    )


def _from_file(path: Path) -> ScriptedCourse:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The script {path} cannot be read: {error.strerror}", reason=Reason.UNREADABLE, remedy="Check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The script {path} is no TOML: {error}", reason=Reason.NOT_TOML, remedy="Correct the file"
        ) from error
    unknown = content.keys() - {"points", "repeats"}
    rows, repeats = content.get("points"), content.get("repeats", False)
    if unknown or not isinstance(rows, list) or not isinstance(repeats, bool):
        raise SettingsError(
            f"The script {path} is not one: " + (f"{min(unknown)!r} is unknown" if unknown else "points are missing"),
            reason=Reason.UNKNOWN_KEY if unknown else Reason.MISSING,
            remedy="Write points = [[seconds, valence, arousal], …] and, if it begins again, repeats = true",
        )
    points = [_point(row, f"{path}: point {number}") for number, row in enumerate(rows, start=1)]
    return ScriptedCourse(points, repeats=repeats)


def _point(row: object, where: str) -> Point:
    """A point from its three numbers, which may still be text."""
    values = row if isinstance(row, list) and len(row) == 3 else []
    try:
        numbers = [math.nan if isinstance(value, bool) else float(value) for value in values]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        remedy = "Write a point as seconds, valence, arousal, three finite numbers"
        raise SettingsError(f"{where} is {row!r}", reason=Reason.WRONG_TYPE, remedy=remedy)
    return Point(numbers[0], Affect(numbers[1], numbers[2]))
