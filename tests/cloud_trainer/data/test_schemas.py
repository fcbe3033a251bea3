"""What `data check` finds: the file and the row of a wrong cell, a missing column, a damaged archive."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.data.schemas import Schema, problems, row_count, schemas
from cloud_trainer.data.sources import SOURCES, sources
from models.errors import DataError

SCHEMA = Schema(
    used_for="tests",
    rows=["table.csv"],
    tables={"table.csv": {"id": "int", "valence": "float -1 1", "tempo": "number 0 300"}},
    arrays=["*.npz"],
    zips=["midi.zip"],
)
HEAD = "id,valence,tempo\n"


def _table(folder: Path, rows: str, head: str = HEAD) -> list[tuple[str, str]]:
    (folder / "table.csv").write_text(head + rows, "utf-8")
    return list(problems(folder, SCHEMA))


def test_a_table_as_it_should_be_has_no_problem(tmp_path: Path):
    assert _table(tmp_path, "1,0.5,120\n2,-1,\n") == []
    assert row_count(tmp_path, SCHEMA) == 2


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("2,nan,100", "valence is 'nan', not a finite number"),
        ("2,,100", "valence is '', not a finite number"),
        ("2,1.5,100", "valence is 1.5, not within -1 to 1"),
        ("2.5,0,100", "id is '2.5', not a whole number"),
        ("2,0,fast", "tempo is 'fast', not a finite number"),
    ],
)
def test_a_wrong_cell_is_named_by_file_and_row(tmp_path: Path, row: str, told: str):
    [(file, what)] = _table(tmp_path, f"1,0.5,120\n{row}\n")
    assert file == "table.csv"
    assert what == f"row 3 of {tmp_path / 'table.csv'}: {told}"


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path):
    [(_, what)] = _table(tmp_path, "1,0.5\n", head="id,valence\n")
    assert what.endswith("lacks the columns tempo; it has id, valence")


def test_an_array_that_is_not_finite_is_named_with_its_place(tmp_path: Path):
    np.savez(tmp_path / "wrist.npz", rate=np.array([[60.0, 61.0], [np.nan, 62.0]]), steps=np.arange(3))
    assert list(problems(tmp_path, SCHEMA)) == [
        ("wrist.npz", f"{tmp_path / 'wrist.npz'}: rate[1, 0] is no finite number")
    ]


@pytest.mark.parametrize("name", ["wrist.npz", "midi.zip"])
def test_an_archive_cut_short_is_named(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"PK\x03\x04 cut short")
    [(file, _)] = problems(tmp_path, SCHEMA)
    assert file == name


def test_lines_of_a_file_without_columns_are_counted(tmp_path: Path):
    with gzip.open(tmp_path / "sessions.txt.gz", "wt") as stream:
        stream.write("1 2 3\n4 5\n")
    schema = Schema(used_for="", rows=["sessions.txt.gz"])
    assert row_count(tmp_path, schema) == 2
    assert row_count(tmp_path / "nowhere", schema) is None


def test_every_data_set_has_a_schema():
    assert set(schemas()) == set(SOURCES)


def test_a_folder_may_tell_that_its_data_is_other_than_the_research_data(tmp_path: Path):
    assert sources(tmp_path) is SOURCES
    (tmp_path / "sources.json").write_text('{"emopia": {"description": "generated", "licence": "CC0"}}', "utf-8")
    assert sources(tmp_path)["emopia"].licence == "CC0"
    assert sources(tmp_path)["vgmidi"] == SOURCES["vgmidi"]
    (tmp_path / "sources.json").write_text("[]", "utf-8")
    with pytest.raises(DataError, match="does not tell what the data sets are"):
        sources(tmp_path)


def test_the_shared_data_is_as_the_schemas_say(shared_data: Path):
    found = {name: list(problems(shared_data / name, schema)) for name, schema in schemas().items()}
    assert not any(found.values())
    counts = {name: row_count(shared_data / name, schema) for name, schema in schemas().items()}
    assert (counts["emopia"], counts["hku956"], counts["situnes"]) == (851, 790, 1497)


def test_the_command_names_a_wrong_row_even_where_the_checksum_was_written_anew(tiny_data: Path, tmp_path: Path):
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    labels = data / "emopia" / "labels.csv"
    lines = labels.read_text("utf-8").splitlines()
    lines[4] = lines[4].replace(",4,", ",5,", 1)
    labels.write_text("\n".join(lines) + "\n", "utf-8")
    listing = data / "SHA256SUMS"
    digest = hashlib.sha256(labels.read_bytes()).hexdigest()
    sums = [f"{digest}  ./emopia/labels.csv" if "labels" in line else line for line in listing.read_text().splitlines()]
    listing.write_text("\n".join(sums) + "\n", "utf-8")
    result = CliRunner().invoke(cli.app, ["data", "check", "emopia", "--data", str(data), "--json"])
    assert result.exit_code == 1
    wrong = json.loads(result.stdout)["wrong"]
    assert "row 5 of" in wrong["emopia/labels.csv"]
    assert "quadrant is 5, not within 1 to 4" in wrong["emopia/labels.csv"]
