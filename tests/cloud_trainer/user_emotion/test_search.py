"""The search of `user_emotion`: it reads no test person, and a trial is scored by the validation persons."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cloud_trainer.progress import LogProgress
from cloud_trainer.search.space import SearchContext
from cloud_trainer.user_emotion.examples import split_people
from cloud_trainer.user_emotion.search import RIVALS
from cloud_trainer.user_emotion.sides import read_sides


def test_a_trial_tells_its_score_epoch_by_epoch(listener_data: Path, tmp_path: Path):
    context = SearchContext(
        data=listener_data,
        work=tmp_path,
        shared=tmp_path,
        scale="tiny",
        seed=1,
        threads=1,
        progress=LogProgress(),
    )
    told: list[tuple[int, float]] = []
    space = RIVALS[0]
    score = space.prepare(context)(space.start, lambda step, value: told.append((step, value)))
    assert [step for step, _ in told] == [0, 1]
    assert score == told[-1][1]
    assert np.isfinite(score)


def test_trials_that_learn_from_other_shares_are_judged_by_the_same_examples(listener_data: Path, tmp_path: Path):
    context = SearchContext(
        data=listener_data, work=tmp_path, shared=tmp_path, scale="tiny", seed=1, threads=1, progress=LogProgress()
    )
    space = RIVALS[0]
    objective = space.prepare(context)
    unlearned = {**space.start, "learning_rate": 0.0}
    scores = [objective({**unlearned, "wesad_share": share}, lambda _step, _value: None) for share in (0.1, 0.5)]
    assert scores[0] == scores[1]


def test_people_of_other_sides_are_not_read(listener_data: Path):
    sides = read_sides(listener_data, scale="tiny", seed=1, progress=LogProgress(), sides=("train", "validation"))
    assert set(sides.examples) == {"train", "validation"}
    people = sorted({f"situnes-{number}" for number in range(1, 9)})
    tested = {person for person, side in split_people(people, seed=1).items() if side == "test"}
    read = {str(person) for examples in sides.examples.values() for person in examples.person}
    assert tested
    assert not tested & read


def test_the_model_itself_is_the_first_rival():
    assert [space.name for space in RIVALS] == ["user_emotion", "recurrent"]
