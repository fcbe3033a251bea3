"""The table of quantisation and the rule of the choice; and that the shipped bundle keeps both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.evaluation.variant_choice import (
    LARGEST_LOSS,
    LARGEST_RATIO,
    Measured,
    as_figures,
    choose,
    measured_of,
)
from cloud_trainer.quantisation import OPERATOR_LIMITS, Mode, check_operators
from cloud_trainer.report.quantisation import as_text, model_table, read_tables, write_tables
from models.bundle.reader import Bundle, default_bundle
from models.errors import DataError

FLOAT = Measured(ratio=1.0, loss=0.0, difference=0.0, ms={"tflite": 2.0, "litert": 2.0})


def _measured(**changes: Measured) -> dict[Mode, Measured]:
    good = Measured(ratio=0.3, loss=0.001, difference=0.01, ms={"tflite": 4.0, "litert": 1.0})
    half = Measured(ratio=0.5, loss=0.0, difference=1e-4, ms={"tflite": 2.0, "litert": 2.0})
    return {"float32": FLOAT, "dynamic": good, "full": good, "float16": half, **changes}  # type: ignore[return-value]


def test_the_faster_int8_of_two_that_keep_the_budgets_ships():
    faster = Measured(ratio=0.34, loss=0.004, difference=0.2, ms={"tflite": 1.0, "litert": 1.0})
    assert choose(_measured(full=faster)).int8 == "full"
    assert choose(_measured(dynamic=faster)).int8 == "dynamic"


@pytest.mark.parametrize(("loss", "ratio"), [(0.006, 0.3), (0.0, 0.36)])
def test_what_loses_or_weighs_too_much_is_out_of_the_question_however_fast(loss: float, ratio: float):
    fast = Measured(ratio=ratio, loss=loss, difference=0.0, ms={"tflite": 0.1, "litert": 0.1})
    choice = choose(_measured(full=fast))
    assert (choice.int8, choice.preferred) == ("dynamic", "int8")
    assert "full: " in choice.why


def test_float32_is_preferred_where_no_int8_keeps_the_budgets():
    bad = Measured(ratio=0.3, loss=0.2, difference=1.0, ms={})
    worse = Measured(ratio=0.3, loss=0.4, difference=1.0, ms={})
    choice = choose(_measured(dynamic=worse, full=bad))
    assert (choice.int8, choice.preferred) == ("full", "float32")


def test_figures_of_the_manifest_tell_what_was_measured():
    figures = {name: figure.value for name, figure in as_figures(_measured(), rows=7).items()}
    assert measured_of(figures) == _measured()


def _table(values: dict[str, float], **changes: object):
    known = {"origin": "here", "judged": 7, "float32_bytes": 2048, "operators": {"ADD": 1}}
    return model_table("sequence", values=values, **{**known, **changes})


def test_the_text_shows_every_variant_and_marks_what_ships(tmp_path: Path):
    values = {name: figure.value for name, figure in as_figures(_measured(), rows=7).items()}
    table = _table(values)
    path = write_tables([table], tmp_path)
    assert read_tables(tmp_path) == [table]
    lines = path.read_text("utf-8").splitlines()
    assert "| int8, dynamic range ◆ ★ | 1 | 0.300 | +0.0010 | 1.0e-02 | 4.000 | 1.000 |" in lines
    assert any(line.startswith("| float16 | 1 | 0.500") for line in lines)
    assert as_text([table]).splitlines() == lines


def test_times_that_were_taken_again_replace_those_of_the_build():
    values = {name: figure.value for name, figure in as_figures(_measured(), rows=7).items()}
    table = _table(values, ms={"litert": {"float32": 1.0, "full": 0.5}})
    assert {row.mode: row.ms for row in table.rows} == {
        "float32": {"litert": 1.0},
        "dynamic": {},
        "full": {"litert": 0.5},
        "float16": {},
    }


def test_a_model_whose_variants_were_not_measured_is_refused():
    with pytest.raises(DataError, match="without measuring dynamic, full"):
        _table({"r2": 0.5})


def test_a_damaged_table_is_refused_with_its_path(tmp_path: Path):
    (tmp_path / "sequence.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"sequence\.json is no table"):
        read_tables(tmp_path)


@pytest.mark.parametrize("name", ["music_emotion", "user_emotion", "sequence", "hybrid"])
def test_the_shipped_bundle_keeps_size_loss_and_operators(name: str):
    bundle = Bundle.open(default_bundle())
    entry = bundle.manifest.models[name]
    kind = "full" if "int8: full range" in entry.description else "dynamic"
    assert entry.preferred == "int8"
    assert entry.variants["int8"].bytes <= LARGEST_RATIO * entry.variants["float32"].bytes
    assert entry.metrics[f"{kind}.largest_loss"].value <= LARGEST_LOSS
    for precision, file in entry.variants.items():
        versions = check_operators((bundle.folder / file.path).read_bytes())
        assert versions == entry.operators[precision]
        assert versions.get("FULLY_CONNECTED", 0) <= OPERATOR_LIMITS["FULLY_CONNECTED"] == 9


def test_the_command_tells_of_the_variants_of_a_bundle(tmp_path: Path):
    words = ["quantise", "sequence", "--bundle", str(default_bundle()), "--results", str(tmp_path), "--json"]
    result = CliRunner().invoke(cli.app, words)
    [table] = json.loads(result.stdout)
    assert table["preferred"] == "dynamic"
    timed = {row["mode"] for row in table["rows"] if row["ms"]}
    assert timed == {"float32", "dynamic"}
    assert (tmp_path / "quantisation" / "quantisation.md").read_text("utf-8").startswith("# What quantisation costs")
