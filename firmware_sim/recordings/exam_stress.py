"""The exam stress data set: students' wristbands during three exams each, hours at a time, put on late now and then.

Citation: Amin et al. 2022, "A Wearable Exam Stress Dataset for Predicting Cognitive Performance in Real-World
Settings", PhysioNet 1.0.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from firmware_sim.recordings import e4
from firmware_sim.recordings.recording import Recording
from firmware_sim.recordings.tables import wrong
from models.errors import Reason

__all__ = ["read"]

_LICENCE: Final = "ODC-By 1.0"


def read(folder: Path, person: str, session: str) -> Recording:
    """Read one exam.

    Args:
        folder: of the set, with one folder per person.
        person: such as `S1`.
        session: `Midterm1`, `Midterm2` or `Final`.

    Raises:
        DataError: the set, person or exam is missing, or a file is damaged or malformed.
    """
    place = folder / person / session
    if not place.is_dir():
        there = sorted(f"{path.parent.name} {path.name}" for path in folder.glob("S*/*") if path.is_dir())
        remedy = f"Choose from {', '.join(there)}" if there else "Name the folder of the set with --data"
        raise wrong(place, "does not exist", Reason.MISSING, remedy)
    return e4.read(place, source=f"Exam stress, {person} {session}", licence=_LICENCE)
