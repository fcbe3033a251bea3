"""What a row knows of a person was known before the row: later rows may change, its answer may not."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_trainer.tables.frame import Floats
from cloud_trainer.tables.mixed import Mixed, linear, predicted, same, standardised
from cloud_trainer.tables.situnes.recordings import Lab, Listenings, Recordings
from cloud_trainer.tables.situnes.reports import (
    FEW,
    Setting,
    earlier_rows,
    process,
    settings,
    shrinkage,
    shrunk_mean,
)

PEOPLE, ROWS = 6, 9


def recordings(before: Floats, after: Floats) -> Recordings:
    count = len(before)
    unknown = np.full(count, np.nan)
    return Recordings(
        tracks=np.zeros((1, 1)),
        lab=Lab(
            user=np.arange(PEOPLE),
            track=np.zeros(PEOPLE, np.int64),
            time=np.arange(PEOPLE).astype(float),
            rating=np.full(PEOPLE, 3.0),
            after=np.linspace(-0.5, 0.5, 2 * PEOPLE).reshape(PEOPLE, 2),
        ),
        daily=Listenings(
            user=np.tile(np.arange(PEOPLE), ROWS),
            track=np.zeros(count, np.int64),
            time=1e6 + 3600.0 * np.arange(count),
            rating=unknown,
            before=before,
            after=after,
            wrist=np.zeros((count, 30, 4)),
            place=np.zeros((count, 8)),
            stage=np.full(count, 2),
            examined=np.zeros(count, bool),
        ),
    )


@pytest.fixture
def moods() -> tuple[Floats, Floats]:
    random = np.random.default_rng(2)
    return random.uniform(-1, 1, (PEOPLE * ROWS, 2)), random.uniform(-1, 1, (PEOPLE * ROWS, 2))


@pytest.mark.parametrize("few", [True, False])
def test_the_process_of_reports_does_not_look_ahead(few: bool, moods: tuple[Floats, Floats]):
    before, after = moods
    row = 4 * PEOPLE
    setting = next(iter(settings()))
    known = process(recordings(before, after), setting, few=few).of_reports[row]
    changed_before, changed_after = before.copy(), after.copy()
    changed_before[row:], changed_after[row:] = 0.9, -0.9
    assert process(recordings(changed_before, changed_after), setting, few=few).of_reports[row] == pytest.approx(known)


def test_at_most_five_reports_are_remembered(moods: tuple[Floats, Floats]):
    weighted = process(recordings(*moods), Setting(0.2, 2.0, 0.5), few=True)
    assert weighted.reports.max() == FEW
    assert weighted.reports[:PEOPLE].max() == 0


def test_who_never_reported_gets_the_mean_of_the_training_people(moods: tuple[Floats, Floats]):
    recorded = recordings(*moods)
    train = np.arange(PEOPLE, PEOPLE * ROWS)
    expected = process(recorded, Setting(0.2, 2.0, 0.0), few=True).expected(recorded, train)
    assert expected[0] == pytest.approx(recorded.daily.before[train].mean(axis=0))


def test_few_reports_are_pulled_to_the_population_and_many_are_not():
    values = np.ones((40, 2))
    earlier = earlier_rows(np.zeros(40, np.int64))
    mean = shrunk_mean(values, earlier, np.full(2, 4.0), np.zeros(2))
    assert mean[0] == pytest.approx(0.0)
    assert mean[4] == pytest.approx(0.5)
    assert mean[39, 0] > 0.9


def test_people_who_differ_much_are_pulled_little():
    random = np.random.default_rng(5)
    user = np.repeat(np.arange(20), 10)
    noise = random.normal(size=(200, 2))
    alike = shrinkage(user, noise)
    apart = shrinkage(user, noise + 3 * random.normal(size=(20, 2))[user])
    assert (apart < 1).all()
    assert (alike > 3).all()


def test_mixed_effects_do_not_look_ahead():
    random = np.random.default_rng(6)
    group = np.tile(np.arange(5), 8)
    features = random.normal(size=(40, 3))
    truth = random.normal(size=(40, 2))
    test = np.flatnonzero(group == 2)
    train = np.flatnonzero(group != 2)

    def answers(values: Floats) -> Floats:
        terms = {"all": linear(standardised(features, train)), "own": same(group)}
        return predicted(Mixed(truth=values, group=group, terms=terms, noise=1.0), {}, train, test)

    changed = truth.copy()
    changed[test[4:]] = 9.0
    assert answers(changed)[:5] == pytest.approx(answers(truth)[:5])
    assert np.abs(answers(changed)[6] - answers(truth)[6]).max() > 0.5


def test_mixed_effects_learn_a_person_from_earlier_rows():
    group = np.repeat(np.arange(10), 12)
    truth = np.random.default_rng(7).normal(size=(10, 1))[group]
    test, train = np.flatnonzero(group == 3), np.flatnonzero(group != 3)
    mixed = Mixed(truth=truth, group=group, terms={"own": same(group)}, noise=0.1)
    found = predicted(mixed, {}, train, test)
    assert abs(found[-1, 0] - truth[test[0], 0]) < abs(found[0, 0] - truth[test[0], 0]) / 4
