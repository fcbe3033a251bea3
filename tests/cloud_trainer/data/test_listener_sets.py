"""Readers of HetRec, SiTunes, HKU956, WESAD and Deezer: what they give, and how they refuse what is damaged."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cloud_trainer.data import deezer, hetrec, hku956, situnes, wesad
from cloud_trainer.data.tables import grouped_rows, positions, read_table
from models.errors import DataError, Reason


@pytest.fixture
def copied(listener_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(listener_data, tmp_path / "data"))


def test_hetrec_leaves_out_tags_before_last_fm_and_of_unlisted_artists(listener_data: Path):
    data = hetrec.load(listener_data)
    assert data.users == 60
    assert len(data.artists) == 40
    assert len(data.play_user) == 60 * 12
    assert len(data.tag_user) == 60 * 18
    assert data.tag_month.min() >= 2008 * 12
    assert data.tags[data.tag_word[0]] in {"rock", "80s", "german", "soundtrack", "ambient", "hip-hop"} | set(data.tags)


def test_deezer_joins_its_parts_and_scales_its_labels(listener_data: Path):
    songs = deezer.load(listener_data)
    assert len(songs.artist) == len(songs.title) == len(songs.emotion) == 60
    assert np.abs(songs.emotion).max() <= 1


def test_situnes_is_in_time_order_and_says_what_is_unknown(listener_data: Path):
    data = situnes.load(listener_data)
    assert np.all(np.diff(data.daily.time) >= 0)
    assert np.isnan(data.emotion[7]).all()
    assert np.nanmin(data.emotion) >= -1
    unrecorded = np.isnan(data.daily.heart_rate)
    assert unrecorded.sum() == 8 * 10
    assert np.isnan(data.daily.activity[unrecorded]).all()
    assert np.isnan(data.lab.before).all()
    assert set(data.daily.hour) == {10.0, 15.0, 22.0}
    assert set(data.daily.rain) == {0.0, 1.0}


def test_hku956_gives_listenings_in_order_with_their_signals(listener_data: Path):
    sessions = hku956.load(listener_data)
    assert [listening.order for listening in sessions["hku0"]] == [0, 1, 2, 3]
    first = sessions["hku0"][0]
    assert set(first.signals) == set(hku956.SIGNALS)
    assert len(first.signals["BVP"]) == 30 * 64
    assert np.abs(first.felt).max() <= 1


def test_wesad_gives_slopes_per_minute(listener_data: Path):
    data = wesad.load(listener_data)
    assert len(data.pulse.subject) == len(data.skin.subject) == 8 * 17
    table = read_table(listener_data / "wesad-features" / "e4_resp_std.csv.gz", {"TEMP_slope": "float"})
    assert data.skin.columns["temperature_slope"] == pytest.approx(table["TEMP_slope"] * 240)


LOADERS = [hetrec.load, deezer.load, situnes.load, hku956.load, wesad.load]


@pytest.mark.parametrize("load", LOADERS)
def test_an_empty_folder_is_refused_with_a_remedy(load: Callable[[Path], object], tmp_path: Path):
    with pytest.raises(DataError, match="missing") as refused:
        load(tmp_path)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("load", "file"),
    [
        (hetrec.load, "hetrec-lastfm/user_artists.csv.gz"),
        (deezer.load, "deezer-mood/validation.csv.gz"),
        (situnes.load, "situnes/stage2_wrist.npz"),
        (situnes.load, "situnes/stage2_env.json"),
        (hku956.load, "hku956/signals/hku0.npz"),
        (wesad.load, "wesad-features/ppg_hrv_120s.csv.gz"),
    ],
)
def test_a_damaged_file_is_named(load: Callable[[Path], object], file: str, copied: Path):
    content = (copied / file).read_bytes()
    (copied / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=Path(file).name) as refused:
        load(copied)
    assert refused.value.reason is Reason.CORRUPT


def test_a_cell_that_is_no_number_is_named_with_its_row(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3,x\n")
    with pytest.raises(DataError, match=r"row 3 of .*table.csv: b is 'x'"):
        read_table(path, {"a": "int", "b": "float"})


def test_a_fraction_is_no_whole_number_and_an_empty_cell_is_nan_only_where_allowed(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1.5,\n")
    with pytest.raises(DataError, match="whole number"):
        read_table(path, {"a": "int"})
    with pytest.raises(DataError, match="finite number"):
        read_table(path, {"b": "float"})
    assert np.isnan(read_table(path, {"b": "number"})["b"]).all()


def test_missing_columns_are_listed(tmp_path: Path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(DataError, match="lacks the columns c, d"):
        read_table(path, {"c": "int", "d": "int"})


def test_the_word_null_is_text(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("name\nnull\nNA\n")
    assert read_table(path, {"name": "text"})["name"].tolist() == ["null", "NA"]


def test_an_identifier_that_is_not_defined_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"row 3 of .* userID 9 is not defined"):
        positions(np.array([1, 9]), np.array([1, 2]), tmp_path, "userID")


def test_rows_are_grouped_in_their_order():
    assert [rows.tolist() for rows in grouped_rows(np.array([2, 0, 2]), 3)] == [[1], [], [0, 2]]


def test_the_real_sets_have_the_sizes_that_their_documentation_states(shared_data: Path):
    assert len(hetrec.load(shared_data).play_user) == 74294
    assert len(deezer.load(shared_data).artist) == 15130
    assert len(situnes.load(shared_data).daily.user) == 897
    assert sum(map(len, hku956.load(shared_data).values())) == 790
    assert len(wesad.load(shared_data).pulse.subject) == 706
