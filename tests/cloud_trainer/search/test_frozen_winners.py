"""The winners that are committed: inside their ranges, searched with one budget, and those of the committed log."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_trainer.search import frozen
from cloud_trainer.search.log import read_log
from cloud_trainer.search.registry import rivals
from cloud_trainer.search.space import checked

MODELS = sorted(path.stem for path in frozen.folder().glob("*.json"))


@pytest.mark.parametrize("model", MODELS)
def test_frozen_winners_are_those_of_the_log_inside_their_ranges_and_of_one_budget(model: str, repository: Path):
    found = frozen.read(model)
    assert found is not None
    log = read_log(repository / "docs" / "tables" / "trainer" / "search" / f"{model}.json")
    spaces = {space.name: space for space in rivals(model)}
    assert {rival.name for rival in log.rivals} == set(found.rivals)
    assert len({winner.trials for winner in found.rivals.values()}) == 1
    for rival in log.rivals:
        won = rival.trials[rival.winner]
        assert found.rivals[rival.name].settings == rival.settled.settings
        assert won.score == max(trial.score for trial in rival.trials if trial.state == "complete")
        checked(won.settings, spaces[rival.name].ranges, where=rival.name)
