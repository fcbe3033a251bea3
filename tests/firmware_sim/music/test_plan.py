from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.music.artists import ARTISTS
from firmware_sim.music.emotion import quadrant
from firmware_sim.music.plan import CatalogueSettings, PlannedPiece, plan
from firmware_sim.music.tags import tags_of
from firmware_sim.music.titles import MOST_TITLES, titles

SEEDS = range(1, 9)


def quadrants_by(pieces: tuple[PlannedPiece, ...], value: str) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for piece in pieces:
        name = {"artist": piece.artist.name, "genre": piece.artist.genre}[value]
        found.setdefault(name, set()).add(quadrant(piece.emotion.valence, piece.emotion.arousal))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [60, 72, 200])
def test_every_artist_and_every_genre_covers_all_four_quadrants(seed: int, count: int):
    pieces = plan(CatalogueSettings(count=count, seed=seed))
    for value in ("artist", "genre"):
        by_name = quadrants_by(pieces, value)
        assert len(by_name) == len(ARTISTS) == 9
        assert all(quadrants == {1, 2, 3, 4} for quadrants in by_name.values())


@pytest.mark.parametrize("count", [4, 8, 12, 20, 40])
def test_small_catalogues_take_fewer_artists_rather_than_let_an_artist_tell_the_emotion(count: int):
    by_artist = quadrants_by(plan(CatalogueSettings(count=count)), "artist")
    assert len(by_artist) <= max(1, count // 4)
    assert all(len(quadrants) == 4 for quadrants in by_artist.values()) or len(by_artist) == 1


def test_artists_have_equal_shares_of_every_quadrant():
    shares = np.zeros((len(ARTISTS), 4), int)
    for piece in plan(CatalogueSettings()):
        shares[ARTISTS.index(piece.artist), quadrant(piece.emotion.valence, piece.emotion.arousal) - 1] += 1
    assert shares.max(axis=0).tolist() <= (shares.min(axis=0) + 1).tolist()


def test_artists_play_calm_and_excited_pieces_alike():
    arousal: dict[str, list[float]] = {}
    for piece in plan(CatalogueSettings()):
        arousal.setdefault(piece.artist.name, []).append(piece.emotion.arousal)
    for values in arousal.values():
        assert abs(np.mean(values)) < 0.3
        assert min(values) < -0.5
        assert max(values) > 0.5


def test_neither_number_nor_track_nor_date_nor_length_follows_the_emotion():
    correlations = []
    for seed in range(40):
        pieces = plan(CatalogueSettings(seed=seed))
        told = np.array([[p.number, p.track, int(p.date), p.seconds, len(p.title)] for p in pieces], float)
        emotions = np.array([[p.emotion.valence, p.emotion.arousal] for p in pieces])
        correlations.append(np.corrcoef(told.T, emotions.T)[:5, 5:])
    assert np.abs(np.mean(correlations, axis=0)).max() < 0.07  # three standard errors of a mean of 40 at n = 72
    assert np.abs(correlations).max() < 0.5


def test_tags_do_not_change_when_the_emotion_does():
    settings = CatalogueSettings()
    for piece in plan(settings):
        tags = " ".join(tags_of(piece, settings).values()) + piece.file_name
        for number in (piece.emotion.valence, piece.emotion.arousal):
            assert f"{abs(number):.2f}" not in tags
        assert not re.search(r"happy|sad|calm|angry|tense|valence|arousal|mood|joy|tender", tags, re.IGNORECASE)
        assert set(tags_of(piece, settings)) == {
            "title", "artist", "albumartist", "album", "genre", "date", "tracknumber", "tracktotal", "encoded-by",
        }  # fmt: skip


def test_titles_are_drawn_without_the_emotions():
    """The words come from chance of their own: the same whatever the artists and emotions are."""
    pieces = plan(CatalogueSettings(seed=3))
    expected = titles(72, np.random.default_rng([3, 1]))
    assert [piece.title for piece in pieces] == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 999), st.integers(0, 10_000))
def test_every_plan_is_consistent(count: int, seed: int):
    pieces = plan(CatalogueSettings(count=count, seed=seed))
    assert [piece.number for piece in pieces] == list(range(1, count + 1))
    assert len({piece.title for piece in pieces}) == count
    assert len({piece.file_name for piece in pieces}) == count
    for piece in pieces:
        assert re.fullmatch(r"\d{2,3} [A-Z][a-z]+ [A-Z][a-z]+\.flac", piece.file_name)
        assert 1 <= piece.track <= piece.tracks <= 12
        assert abs(piece.emotion.valence) <= 1
        assert abs(piece.emotion.arousal) <= 1
    albums = {(piece.album, piece.track) for piece in pieces}
    assert len(albums) == count


def test_the_same_seed_plans_the_same_catalogue_and_another_seed_another():
    assert plan(CatalogueSettings(seed=2)) == plan(CatalogueSettings(seed=2))
    assert plan(CatalogueSettings(seed=2)) != plan(CatalogueSettings(seed=3))


def test_a_good_part_of_the_catalogue_is_piano_music():
    with_piano = [p for p in plan(CatalogueSettings()) if any(seat.instrument == "piano" for seat in p.artist.seats)]
    assert len(with_piano) >= 36


def test_there_are_titles_for_the_largest_catalogue():
    assert MOST_TITLES > 999
    assert len(set(titles(999, np.random.default_rng(0)))) == 999
