"""Titles and album names out of neutral words.

A title must not tell the mood, so the words are materials, directions, places and things; none is drawn with knowledge
of the piece that it will name.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MOST_TITLES", "titles"]

_FIRST = (
    "Amber", "Basalt", "Birch", "Brass", "Canvas", "Cedar", "Chalk", "Clay", "Cobalt", "Copper", "Coral",
    "Cotton", "Eastern", "Fennel", "Flint", "Garnet", "Granite", "Harbour", "Hazel", "Indigo", "Inland",
    "Juniper", "Lateral", "Linen", "Maple", "Marble", "Meridian", "Mineral", "Northern", "Ochre", "Olive",
    "Paper", "Pewter", "Quarry", "Saffron", "Second", "Seventh", "Southern", "Teal", "Timber", "Umber",
    "Upland", "Walnut", "Western", "Willow", "Zinc",
)  # fmt: skip
_SECOND = (
    "Almanac", "Arcade", "Archive", "Atlas", "Avenue", "Basin", "Bridge", "Cabinet", "Canal", "Catalogue",
    "Chapter", "Compass", "Corridor", "Courtyard", "Diagram", "Estuary", "Ferry", "Field", "Gallery", "Gate",
    "Index", "Junction", "Kiosk", "Ladder", "Lantern", "Ledger", "Library", "Map", "Market", "Mill",
    "Observatory", "Orchard", "Parcel", "Passage", "Pavilion", "Platform", "Postcard", "Quay", "Register",
    "Ridge", "Sketch", "Station", "Terrace", "Timetable", "Valley", "Viaduct", "Window", "Workshop",
)  # fmt: skip

MOST_TITLES = len(_FIRST) * len(_SECOND)


def titles(count: int, rng: np.random.Generator) -> list[str]:
    """Different titles of two words.

    Args:
        count: how many, at most `MOST_TITLES`.
        rng: chooses.
    """
    chosen = rng.choice(MOST_TITLES, size=count, replace=False)
    return [f"{_FIRST[int(index) // len(_SECOND)]} {_SECOND[int(index) % len(_SECOND)]}" for index in chosen]
