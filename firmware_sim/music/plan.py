"""The plan of a demo catalogue: which piece, by whom, under what name, for which emotion.

Rules that this module keeps:

- The emotions cover the valence-arousal plane evenly.
- Artist, genre and album say nothing about the emotion: each quadrant's emotions are dealt out like cards, so that
  every artist gets an equal share of every quadrant and, within it, of mild and of intense ones.
- Number, title, album and date are drawn without looking at the emotion, from chance of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.artists import ARTISTS, Artist
from firmware_sim.music.emotion import Emotion, quadrant, spread
from firmware_sim.music.titles import titles

__all__ = ["CatalogueSettings", "PlannedPiece", "plan"]

_TRACKS_PER_ALBUM = 12
# Lengths differ by up to this share, as those of real tracks do.
_LENGTH_VARIETY = 0.15


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """What decides a catalogue.

    Attributes:
        count: number of pieces.
        seconds: their mean length.
        seed: all chance in it.
    """

    count: int = 72
    seconds: float = 50.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PlannedPiece:
    """A piece before it is composed.

    Attributes:
        number: place in the catalogue, from 1; also what its chance is seeded with.
        title, album, date: as in the tags.
        track, tracks: place on the album and the album's length.
        artist: who plays it.
        emotion: what it is composed for.
        seconds: about how long it is to last.
        file_name: relative to the catalogue.
    """

    number: int
    title: str
    album: str
    date: str
    track: int
    tracks: int
    artist: Artist
    emotion: Emotion
    seconds: float
    file_name: str


def plan(settings: CatalogueSettings) -> tuple[PlannedPiece, ...]:
    """The pieces of a catalogue, in the order of their numbers; the same for the same settings."""
    feelings, names, order = (np.random.default_rng([settings.seed, stage]) for stage in range(3))
    points = order.permutation(spread(settings.count, feelings))
    artists = _deal(points, order)
    words = titles(settings.count, names)
    lengths = settings.seconds * names.uniform(1 - _LENGTH_VARIETY, 1 + _LENGTH_VARIETY, settings.count)
    albums = _albums(artists, names)
    digits = max(2, len(str(settings.count)))
    return tuple(
        PlannedPiece(
            number=index + 1,
            title=words[index],
            album=albums[index][0],
            date=albums[index][1],
            track=albums[index][2],
            tracks=albums[index][3],
            artist=ARTISTS[artists[index]],
            emotion=Emotion(float(points[index, 0]), float(points[index, 1])),
            seconds=float(lengths[index]),
            file_name=f"{index + 1:0{digits}d} {words[index]}.flac",
        )
        for index in range(settings.count)
    )


def _deal(points: NDArray[np.float64], rng: np.random.Generator) -> list[int]:
    """Artist of every point: each quadrant's points, from mild to intense, dealt round the table.

    A small catalogue takes fewer artists, so that each of them still plays in every quadrant.
    """
    quadrants = np.array([quadrant(*point) for point in points])
    sizes = [int(np.sum(quadrants == number)) for number in (1, 2, 3, 4)]
    players = int(np.clip(min(sizes), 1, len(ARTISTS)))
    table = rng.permutation(len(ARTISTS))[:players]
    artists = np.zeros(len(points), int)
    seat = 0
    for number in (1, 2, 3, 4):
        hand = np.flatnonzero(quadrants == number)
        hand = hand[np.argsort(np.abs(points[hand, 1]))]
        for first in range(0, len(hand), players):  # as many at a time as there are players, alike in intensity
            for index in rng.permutation(hand[first : first + players]):
                artists[index] = table[seat % players]
                seat += 1
    return [int(artist) for artist in artists]


def _albums(artists: list[int], rng: np.random.Generator) -> list[tuple[str, str, int, int]]:
    """Album, year, track and album length of every piece: an artist's pieces in order, at most twelve an album."""
    discs: dict[tuple[int, int], list[int]] = {}
    seen: dict[int, int] = {}
    for index, artist in enumerate(artists):
        disc = seen.get(artist, 0) // _TRACKS_PER_ALBUM
        seen[artist] = seen.get(artist, 0) + 1
        discs.setdefault((artist, disc), []).append(index)
    albums: list[tuple[str, str, int, int]] = [("", "", 0, 0)] * len(artists)
    for name, members in zip(titles(len(discs), rng), discs.values(), strict=True):
        year = str(rng.integers(2009, 2026))
        for track, index in enumerate(members, start=1):
            albums[index] = (name, year, track, len(members))
    return albums
