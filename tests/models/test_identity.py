from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identity import key, ladder, normalise, normalise_isrc, normalise_mbid

MBID = "f27ec8db-af05-4f36-916e-3d57f91ecf5e"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "Beatles, The"),
        ("BEYONCÉ", "Beyonce"),
        ("R.E.M.", "REM"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("Here Comes the Sun - 2009 Remaster", "Here comes the sun (Remastered 2009)"),
        ("Umbrella (feat. JAY-Z)", "Umbrella ft. Jay-Z"),
        ("Ｐｅｒｆｕｍｅ", "perfume"),
        ("Motörhead", "Motorhead"),
        ("Björk", "Bjo\u0308rk"),
        ("Røyksopp", "Royksopp"),
    ],
)
def test_usual_ways_to_write_one_name_are_one_name(one: str, other: str):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Song (Live)", "Song"),
        ("が", "か"),
        ("की", "का"),
        ("Song (Instrumental)", "Song"),
        ("방탄소년단", "소녀시대"),
    ],
)
def test_what_sounds_different_stays_different(one: str, other: str):
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("name", ["!!!", "The", "The The", "+/-", "(feat.)", "???"])
def test_names_of_little_but_noise_stay_names(name: str):
    assert normalise(name)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_and_no_separator_is_left(text: str):
    once = normalise(text)
    assert normalise(once) == once
    assert ":" not in once
    assert "|" not in once


def test_the_key_is_frozen_because_trained_tables_hold_it():
    assert key("artist", "The Beatles") == 17261265935750256979
    assert key("artist_title", "The Beatles", "Help!") == 8780952574919629274


def test_the_kind_and_the_borders_of_the_parts_count():
    assert key("artist", "a b") != key("metadata", "a b")
    assert key("artist_title", "a b", "c") != key("artist_title", "a", "b c")


def test_a_ladder_goes_from_the_recording_to_the_artist():
    assert ladder(MBID, "GBAYC9900012", "Artist", "Title") == [
        key("mbid", MBID),
        key("isrc", "GB-AYC-99-00012"),
        key("artist_title", "artist", "title"),
        key("artist", "ARTIST"),
    ]


def test_malformed_or_absent_identities_are_left_out():
    assert ladder("not-an-id", "GB123", None, "Title") == []
    assert ladder(None, None, "Artist", "  ") == [key("artist", "Artist")]


@given(st.text(max_size=40))
def test_identifiers_are_well_formed_or_empty(text: str):
    assert normalise_mbid(text) == "" or len(normalise_mbid(text)) == 36
    assert normalise_isrc(text) == "" or len(normalise_isrc(text)) == 12
