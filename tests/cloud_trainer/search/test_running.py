"""The search: same budget, same end after an interruption, never worse than the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cloud_trainer.progress import LogProgress
from cloud_trainer.search import frozen
from cloud_trainer.search.log import SearchLog, read_log, write
from cloud_trainer.search.running import SearchRun, merged, search, winners
from cloud_trainer.search.space import Choice, Number, Objective, Report, SearchContext, Settings, Space
from models.errors import DataError, SettingsError

BUDGET = 12


class Interrupted(Exception):  # noqa: N818
    pass


class Hill:
    """An objective with its top at rate 0.01; counts its trials and may be interrupted in one of them."""

    def __init__(self, interrupted_in: int = -1) -> None:
        self.calls, self.interrupted_in = 0, interrupted_in

    def prepare(self, _: SearchContext) -> Objective:
        return self.score

    def score(self, settings: Settings, report: Report) -> float:
        self.calls += 1
        if self.calls == self.interrupted_in:
            raise Interrupted
        height = -abs(settings["rate"] - 0.01) - (0.1 if settings["kernel"] == "linear" else 0.0)
        for step in range(5):
            report(step, height * (5 - step))
        return float(height)


def _space(hill: Hill, name: str = "own") -> Space:
    return Space(
        name=name,
        what="a hill",
        ranges={"rate": Number(1e-4, 1.0, log=True), "kernel": Choice(("rbf", "linear"))},
        start={"rate": 0.5, "kernel": "linear"},
        sources=("emopia",),
        modules=("cloud_trainer.search.space",),
        prepare=hill.prepare,
    )


@pytest.fixture
def run(tiny_data: Path, tmp_path: Path) -> SearchRun:
    context = SearchContext(
        data=tiny_data,
        work=tmp_path / "search",
        shared=tmp_path / "shared",
        scale="tiny",
        seed=1,
        threads=1,
        progress=LogProgress(),
    )
    return SearchRun(model="own", budget=BUDGET, context=context)


def _choices(log: SearchLog) -> list[tuple[object, str, float | None]]:
    return [(trial.settings, trial.state, trial.score) for trial in log.rivals[0].trials]


def test_every_rival_gets_the_same_number_of_trials_and_begins_with_its_start(run: SearchRun):
    log = search(run, [_space(Hill()), _space(Hill(), "other")])
    assert [len(rival.trials) for rival in log.rivals] == [BUDGET, BUDGET]
    for rival in log.rivals:
        assert rival.trials[0].settings == {"rate": 0.5, "kernel": "linear"}
        assert rival.trials[rival.winner].score >= rival.trials[0].score
        assert any(trial.state == "pruned" for trial in rival.trials)


def test_an_interrupted_search_goes_on_and_comes_to_the_same_end(run: SearchRun, tmp_path: Path):
    whole = search(run, [_space(Hill())])
    again = replace(run, context=replace(run.context, work=tmp_path / "again"))
    broken, hill = Hill(interrupted_in=8), Hill()
    with pytest.raises(Interrupted):
        search(again, [_space(broken)])
    resumed = search(again, [_space(hill)])
    assert hill.calls == BUDGET - 7
    assert _choices(resumed) == _choices(whole)


def test_a_larger_budget_goes_on_from_the_trials_of_a_smaller_one(run: SearchRun):
    first, second = Hill(), Hill()
    small = search(replace(run, budget=5), [_space(first)])
    large = search(run, [_space(second)])
    assert (first.calls, second.calls) == (5, BUDGET - 5)
    assert _choices(large)[:5] == _choices(small)


def test_a_damaged_journal_is_begun_anew(run: SearchRun):
    search(replace(run, budget=2), [_space(Hill())])
    [path] = (run.context.work / "own").glob("trials-*.json")
    path.write_text("{", "utf-8")
    hill = Hill()
    search(replace(run, budget=2), [_space(hill)])
    assert hill.calls == 2


def test_a_search_without_any_score_is_refused(run: SearchRun):
    space = replace(_space(Hill()), prepare=lambda _: lambda _settings, _report: float("nan"))
    with pytest.raises(DataError, match="none of 3 trials gave a score"):
        search(replace(run, budget=3), [space])


def test_the_winner_is_frozen_and_read_again(run: SearchRun, tmp_path: Path):
    log = search(run, [_space(Hill())])
    write(tmp_path / "frozen" / "own.json", winners(log))
    won = log.rivals[0].trials[log.rivals[0].winner]
    assert frozen.settings_of("own", _space(Hill()), tmp_path / "frozen") == won.settings
    assert frozen.winner("own", "stranger", tmp_path / "frozen") is None
    assert frozen.settings_of("own", _space(Hill(), "stranger"), tmp_path / "frozen") == {
        "rate": 0.5,
        "kernel": "linear",
    }


def test_a_frozen_value_out_of_its_range_is_refused_with_its_file(tmp_path: Path):
    settings = {"rate": 7.0, "kernel": "rbf"}
    won = frozen.Winner(settings, score=1.0, start_score=None, trials=1, seconds=1.0, configuration="0")
    write(tmp_path / "own.json", frozen.Frozen(format=1, model="own", rivals={"own": won}))
    with pytest.raises(SettingsError, match=r"own\.json, own: rate must be a number from 0.0001 to 1, found 7"):
        frozen.settings_of("own", _space(Hill()), tmp_path)


@pytest.mark.parametrize("content", ["{", '{"format": 9, "model": "own", "rivals": {}}'])
def test_damaged_winners_are_refused_with_a_remedy(tmp_path: Path, content: str):
    (tmp_path / "own.json").write_text(content, "utf-8")
    with pytest.raises(SettingsError) as refused:
        frozen.read("own", tmp_path)
    assert "attune-trainer search own" in refused.value.remedy


def test_the_log_of_a_later_search_keeps_the_other_rivals(run: SearchRun, tmp_path: Path):
    first = search(run, [_space(Hill()), _space(Hill(), "other")])
    write(tmp_path / "log.json", first)
    later = search(replace(run, budget=3), [_space(Hill())])
    both = merged(read_log(tmp_path / "log.json"), later)
    assert {rival.name: len(rival.trials) for rival in both.rivals} == {"own": 3, "other": BUDGET}
