from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_trainer.data import emopia, emotify, vgmidi
from cloud_trainer.data.pieces import Piece, number, read_rows, shared_groups, split_by_group
from models.errors import DataError

SHARES = {"test": 0.2, "validation": 0.1}


def _piece(name: str, group: str) -> Piece:
    return Piece(
        dataset="set", name=name, group=group, split="train", valence=0.0, arousal=0.0, label="value", file=Path("x")
    )


@given(st.lists(st.integers(0, 20), min_size=1, max_size=80), st.integers(0, 1000))
def test_no_group_stands_on_two_sides(groups: list[int], seed: int):
    pieces = [_piece(str(index), f"group{group}") for index, group in enumerate(groups)]
    assert not shared_groups(split_by_group(pieces, shares=SHARES, seed=seed))


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    pieces = [_piece(str(index), str(index)) for index in range(100)]
    first = split_by_group(pieces, shares=SHARES, seed=1)
    assert first == split_by_group(pieces, shares=SHARES, seed=1)
    assert first != split_by_group(pieces, shares=SHARES, seed=2)


def test_sides_hold_about_their_share():
    pieces = [_piece(str(index), str(index)) for index in range(200)]
    sides = [piece.split for piece in split_by_group(pieces, shares=SHARES, seed=3)]
    assert sides.count("test") == pytest.approx(40, abs=1)
    assert sides.count("validation") == pytest.approx(20, abs=1)


def test_a_leak_between_sides_is_named():
    pieces = [_piece("a", "song"), _piece("b", "song")]
    leaking = [pieces[0], Piece(**{**vars(pieces[1]), "split": "test"})]
    assert shared_groups(leaking) == {"set/song"}


def test_emopia_holds_out_the_official_validation_songs(tiny_data: Path):
    clips = emopia.load(tiny_data, seed=1)
    assert {clip.group for clip in clips if clip.split == "test"} == {"song4", "song5"}
    assert not shared_groups(clips)


def test_arrangements_of_one_theme_form_one_group():
    happy = vgmidi.theme("Banjo-Kazooie_N64_Banjo-Kazooie_Boggys Igloo Happy.mid")
    sad = vgmidi.theme("Banjo-Kazooie_N64_Banjo-Kazooie_Boggys Igloo Sad.mid")
    other = vgmidi.theme("Banjo-Kazooie_N64_Banjo-Kazooie_Click Clock Wood.mid")
    assert happy == sad != other


def test_emotify_keeps_each_genre_on_every_side(tiny_data: Path):
    tracks = emotify.load(tiny_data, seed=1)
    for split in ("train", "test"):
        assert {track.genre for track in tracks if track.split == split} == set(emotify.GENRES)
    training = np.array([(track.valence, track.arousal) for track in tracks if track.split == "train"])
    assert np.abs(training).max(axis=0) == pytest.approx([1.0, 1.0])


def test_real_sets_load_without_a_leak(shared_data: Path):
    for load, count in ((emopia.load, 850), (vgmidi.load, 160), (emotify.load, 320)):
        pieces = load(shared_data, seed=1)
        assert len(pieces) == count
        assert not shared_groups(pieces)
        assert {piece.split for piece in pieces} == {"train", "validation", "test"}


def test_a_missing_column_is_named_with_its_file(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(DataError, match=r"labels\.csv lacks the columns c"):
        list(read_rows(table, ("a", "c")))


def test_a_cell_that_is_no_number_is_named_with_its_row(tmp_path: Path):
    with pytest.raises(DataError, match=r"'x' of .* not a finite number in the row"):
        number({"x": "nan"}, "x", tmp_path)


def test_a_missing_midi_file_is_named(tiny_data: Path):
    clip = emopia.load(tiny_data, seed=1)[0]
    absent = Piece(**{**vars(clip), "member": "none.mid"})
    with pytest.raises(DataError, match=clip.name):
        absent.content()
