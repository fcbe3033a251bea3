"""Confirming a search: start and winner at full length by several seeds; what is frozen follows the mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloud_trainer.progress import LogProgress
from cloud_trainer.search.confirming import confirm
from cloud_trainer.search.log import SearchLog
from cloud_trainer.search.running import SearchRun, merged, search, winners
from cloud_trainer.search.space import Number, Objective, Report, SearchContext, Settings, Space
from models.errors import DataError, SettingsError

START, SEEDS = 0.5, 3


class Interrupted(Exception):  # noqa: N818
    pass


class Trainer:
    """Brief trials like small rates; whole ones score `whole_slope` times the rate, and a little by seed."""

    def __init__(self, whole_slope: float, *, interrupted_in: int = -1) -> None:
        self.whole_slope, self.interrupted_in = whole_slope, interrupted_in
        self.contexts: list[SearchContext] = []
        self.trained: list[tuple[int, bool]] = []

    def prepare(self, context: SearchContext) -> Objective:
        self.contexts.append(context)

        def objective(settings: Settings, report: Report) -> float:
            if len(self.trained) == self.interrupted_in:
                raise Interrupted
            self.trained.append((context.drawn_by, context.whole))
            for step in range(4):
                report(step, 0.0)
            slope = self.whole_slope if context.whole else -1.0
            return float(slope * settings["rate"] + 0.01 * context.drawn_by)

        return objective

    def space(self) -> Space:
        return Space(
            name="own",
            what="a slope",
            ranges={"rate": Number(0.0, 1.0)},
            start={"rate": START},
            sources=("emopia",),
            modules=("cloud_trainer.search.space",),
            prepare=self.prepare,
            brief=True,
        )


@pytest.fixture
def context(tiny_data: Path, tmp_path: Path) -> SearchContext:
    return SearchContext(
        data=tiny_data,
        work=tmp_path / "search",
        shared=tmp_path / "shared",
        scale="tiny",
        seed=4,
        threads=1,
        progress=LogProgress(),
    )


@pytest.fixture
def searched(context: SearchContext) -> SearchLog:
    return search(SearchRun(model="own", budget=8, context=context), [Trainer(0.0).space()])


def _frozen_rate(log: SearchLog) -> object:
    return winners(log).rivals["own"].settings["rate"]


def test_the_winner_of_brief_trials_is_not_frozen_before_it_is_confirmed(searched: SearchLog):
    assert searched.rivals[0].winner > 0
    assert _frozen_rate(searched) == START


@pytest.mark.parametrize(("whole_slope", "holds"), [(-2.0, True), (2.0, False)])
def test_the_better_one_at_full_length_is_frozen(
    searched: SearchLog, context: SearchContext, whole_slope: float, *, holds: bool
):
    [rival] = confirm(searched, [Trainer(whole_slope).space()], seeds=SEEDS, context=context).rivals
    assert rival.confirmed is not None
    assert rival.confirmed.holds is holds
    assert rival.settled.number == (rival.winner if holds else 0)
    assert len(rival.confirmed.start) == len(rival.confirmed.winner) == SEEDS


def test_searching_on_keeps_what_was_confirmed_of_an_equal_winner_alone(searched: SearchLog, context: SearchContext):
    confirmed = confirm(searched, [Trainer(-2.0).space()], seeds=1, context=context)
    assert merged(confirmed, searched).rivals == confirmed.rivals
    [rival] = searched.rivals
    for change in ({"winner": 0}, {"configuration": "of other code"}):
        other = msgspec.structs.replace(searched, rivals=[msgspec.structs.replace(rival, **change)])
        assert merged(confirmed, other).rivals[0].confirmed is None


def test_seeds_move_the_training_and_not_who_validates(searched: SearchLog, context: SearchContext):
    trainer = Trainer(1.0)
    confirm(searched, [trainer.space()], seeds=SEEDS, context=context)
    assert trainer.trained == [(seed, True) for seed in (4, 4, 5, 5, 6, 6)]
    assert {one.seed for one in trainer.contexts} == {context.seed}


def test_an_interrupted_confirmation_goes_on_and_comes_to_the_same_end(
    searched: SearchLog, context: SearchContext, tmp_path: Path
):
    broken, rest = Trainer(1.0, interrupted_in=3), Trainer(1.0)
    whole = confirm(searched, [Trainer(1.0).space()], seeds=SEEDS, context=replace(context, work=tmp_path / "other"))
    with pytest.raises(Interrupted):
        confirm(searched, [broken.space()], seeds=SEEDS, context=context)
    resumed = confirm(searched, [rest.space()], seeds=SEEDS, context=context)
    assert len(rest.trained) == 2 * SEEDS - 3
    assert _scores(resumed) == _scores(whole)


def test_a_damaged_journal_of_trainings_is_begun_anew(searched: SearchLog, context: SearchContext):
    confirm(searched, [Trainer(1.0).space()], seeds=1, context=context)
    [path] = (context.work / "own").glob("confirmed-*.json")
    path.write_text("{", "utf-8")
    again = Trainer(1.0)
    confirm(searched, [again.space()], seeds=1, context=context)
    assert len(again.trained) == 2


def test_a_winner_that_diverges_is_refuted(searched: SearchLog, context: SearchContext):
    def prepare(_: SearchContext) -> Objective:
        return lambda settings, _report: 1.0 if settings["rate"] == START else float("nan")

    space = replace(Trainer(0.0).space(), prepare=prepare)
    [rival] = confirm(searched, [space], seeds=2, context=context).rivals
    assert rival.confirmed is not None
    assert rival.confirmed.winner == [None, None]
    assert rival.settled.number == 0


def test_a_start_that_won_needs_no_confirmation(searched: SearchLog, context: SearchContext):
    [rival] = searched.rivals
    log = msgspec.structs.replace(searched, rivals=[msgspec.structs.replace(rival, winner=0)])
    trainer = Trainer(1.0)
    assert confirm(log, [trainer.space()], seeds=SEEDS, context=context) == log
    assert not trainer.contexts


def test_what_was_not_searched_is_refused_with_a_remedy(searched: SearchLog, context: SearchContext):
    with pytest.raises(DataError, match="own: stranger was not searched") as refused:
        confirm(searched, [replace(Trainer(1.0).space(), name="stranger")], seeds=1, context=context)
    assert "attune-trainer search own" in refused.value.remedy


def test_a_winner_outside_of_the_ranges_of_today_is_refused(searched: SearchLog, context: SearchContext):
    space = replace(Trainer(1.0).space(), ranges={"rate": Number(START, 1.0)})
    with pytest.raises(SettingsError, match=r"the log of own: rate must be a number from 0\.5 to 1"):
        confirm(searched, [space], seeds=1, context=context)


def _scores(log: SearchLog) -> tuple[list[float | None], list[float | None]]:
    [rival] = log.rivals
    assert rival.confirmed is not None
    return rival.confirmed.start, rival.confirmed.winner
