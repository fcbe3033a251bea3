from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from cloud_trainer.report.more import attention_section, quantisation_section, search_section
from cloud_trainer.report.page import write_report
from cloud_trainer.report.quantisation import ModelTable, VariantRow
from cloud_trainer.report.text import as_text, duration, sentences
from cloud_trainer.report.verdicts import against, verdicts
from cloud_trainer.search.frozen import winner
from cloud_trainer.search.log import Confirmation, RivalLog, SearchLog, Trial
from cloud_trainer.tables.results import (
    FORMAT,
    ClaimResult,
    ColumnResult,
    Figure,
    Interval,
    PeerResult,
    RowResult,
    TableResult,
    Worst,
    as_json,
    read_all,
    write_whole,
)
from models.errors import DataError


def row(name: str, value: float, difference: Interval | None) -> RowResult:
    figure = Figure(Interval(value, value - 0.1, value + 0.1), difference, Worst("anna", "RMSE", 0.9))
    return RowResult(name, f"{name} <it>", "", {}, difference is None, {"fit": figure}, 61.0, {"f": {"penalty": 3}})


def table(*, target: float | None = 0.5, difference: Interval | None = None, value: float = 0.45) -> TableResult:
    difference = difference or Interval(0.1, 0.02, 0.2)
    return TableResult(
        format=FORMAT,
        table="moods",
        title="Moods & more",
        question="How well?",
        protocol="Leave one person out.",
        group="person",
        groups=12,
        exam=False,
        seed=1,
        draws=2000,
        configuration="abc",
        data={"set": "0" * 64},
        unchecked=[],
        libraries={"numpy": "1.26"},
        columns=[ColumnResult("fit", "R²", "", True, target, [PeerResult("elder", 0.4, "a paper")], 120)],
        rows=[row("peer", 0.35, None), row("ours", value, difference)],
        reference="peer",
        ours="ours",
        claims=[ClaimResult("It helps", "ours", "peer", {"fit": difference})],
        notes=["A note."],
    )


@pytest.mark.parametrize(
    ("difference", "word"),
    [
        (Interval(0.1, 0.02, 0.2), "better than"),
        (Interval(0.1, -0.02, 0.2), "equal to"),
        (Interval(-0.1, -0.2, -0.02), "worse than"),
        (Interval(None, None, None), "equal to"),
    ],
)
def test_what_the_interval_does_not_part_is_equal(difference: Interval, word: str):
    assert against(difference, more_is_better=True) == word


def test_less_is_better_turns_the_word():
    assert against(Interval(0.1, 0.02, 0.2), more_is_better=False) == "worse than"


def test_a_target_that_the_point_misses_is_missed_though_the_interval_holds_it():
    (verdict,) = verdicts(table())
    assert (verdict.outcome, verdict.inside, verdict.compared) == ("missed", True, "better than")


def test_a_column_without_target_has_no_verdict():
    assert verdicts(table(target=None)) == []


def test_the_text_says_what_was_missed_and_what_is_not_shown():
    unsure = table(difference=Interval(0.1, -0.02, 0.2))
    assert "**missed**" in "\n".join(sentences(unsure))
    assert "| It helps: “ours” against “peer” | **not shown** +0.100 (-0.020 to +0.200) |" in as_text(unsure)
    assert "a paper" in as_text(table())


def test_the_page_needs_no_other_file_and_escapes_what_it_shows(tmp_path: Path):
    written = write_report([table()], tmp_path)
    page = written[0].read_text("utf-8")
    assert {path.name for path in written} == {"index.html", "moods.png", "moods.md"}
    assert "data:image/png;base64," in page
    assert "http" not in page
    assert "Moods &amp; more" in page
    assert "ours &lt;it&gt;" in page
    assert (tmp_path / "moods.png").read_bytes().startswith(b"\x89PNG")


def test_results_are_read_as_they_were_written(tmp_path: Path):
    write_whole(tmp_path / "moods.json", as_json([table()]).encode()[1:-1])
    assert read_all(tmp_path) == [table()]


@pytest.mark.parametrize("content", [None, "{", '{"format": 1}'])
def test_no_result_or_a_damaged_one_is_an_error_with_a_remedy(content: str | None, tmp_path: Path):
    if content is not None:
        (tmp_path / "moods.json").write_text(content)
    with pytest.raises(DataError, match="attune-trainer evaluate"):
        read_all(tmp_path)


def test_durations_read_as_seconds_then_minutes():
    assert (duration(3.14), duration(90)) == ("3.1 s", "1.5 min")


def test_the_page_shows_variants_and_searches_beside_the_tables():
    rows = [VariantRow("float32", 2048, 1.0, 0.0, 0.0, {"tflite": 2.0}, ships=True)]
    rows.append(VariantRow("full", 600, 0.3, 0.001, 0.01, {"tflite": 1.0}, ships=True))
    shown = quantisation_section([ModelTable(1, "sequence", "here", rows, 7, "full", "fast", {})])
    assert '<tr class="ours"><td>int8, full integer ★</td><td class="figure">1</td>' in shown
    trials = [
        Trial(0, {"rate": 0.5}, "complete", 0.1, [], 1.0),
        Trial(1, {"rate": 0.01}, "complete", 0.4, [], 1.0),
        Trial(2, {"rate": 0.9}, "pruned", 0.0, [(0, 0.0)], 1.0),
        Trial(3, {"rate": 0.9}, "failed", None, [], 1.0),
    ]
    refuted = Confirmation([1, 2], [0.3, 0.4], [0.2, None], "0", 9.0)
    rival = RivalLog("ridge <1>", "a line", {}, {"rate": 0.5}, "0", trials, 1, brief=True, confirmed=refuted)
    log = SearchLog(1, "sequence", 4, 1, "full", "TPE", {}, {}, [rival])
    shown = search_section([log])
    assert "ridge &lt;1&gt;" in shown
    assert "rate 0.01" in shown
    assert "<td>start 0.300, 0.400; winner 0.200, – (2 seeds)</td><td>nothing</td>" in shown
    committed = winner("sequence", "sequence")
    assert committed
    searched = replace(rival, name="sequence", trials=[replace(trials[0], settings=committed), *trials[1:]])
    assert "<td>start</td>" in search_section([replace(log, rivals=[searched])])
    assert quantisation_section([]) == search_section([]) == ""


def test_the_picture_of_attention_is_embedded_where_there_is_one(tmp_path: Path):
    picture = tmp_path / "attention.png"
    assert attention_section(picture) == ""
    picture.write_bytes(b"a picture")
    assert "data:image/png;base64,YSBwaWN0dXJl" in attention_section(picture)


def test_a_table_stands_before_the_one_that_goes_on_from_it(tmp_path: Path):
    for name in ("moods", "moods-more"):
        named = replace(table(), table=name)
        write_whole(tmp_path / f"{name}.json", as_json([named]).encode()[1:-1])
    assert [result.table for result in read_all(tmp_path)] == ["moods", "moods-more"]
