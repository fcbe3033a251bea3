from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.listener.affect import Affect
from firmware_sim.listener.scripts import SCRIPTS, load_script
from models.errors import SettingsError


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_named_script_that_repeats_does_not_jump_back(name: str):
    course = SCRIPTS[name]
    if course.repeats:
        assert course.points[0].affect == course.points[-1].affect


def test_the_four_moods_visit_four_regions():
    course = SCRIPTS["four-moods"]
    signs = {(felt.valence > 0, felt.arousal > 0) for felt in map(course.at, range(0, 600, 5))}
    assert {(True, False), (True, True), (False, True)} <= signs


def test_points_can_be_written_out():
    course = load_script("0, 0.4, -0.6; 60, 0.6, 0.7;")
    assert course.at(0) == Affect(0.4, -0.6)
    assert course.at(90) == Affect(0.6, 0.7)


def test_a_script_can_be_a_file(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("repeats = true\npoints = [[0, 0, 0], [10, 0.5, 0.5], [20, 0, 0]]\n")
    course = load_script(str(file))
    assert course.repeats
    assert course.at(30) == Affect(0.5, 0.5)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "points = 3",
        "points = [[0, 0]]",
        "points = [[0, 0, true]]",
        "points = [[0, 0, nan]]",
        "speed = 2",
        "points = [",
    ],
)
def test_a_wrong_file_is_refused_with_a_remedy(tmp_path: Path, content: str):
    file = tmp_path / "mine.toml"
    file.write_text(content)
    with pytest.raises(SettingsError) as refusal:
        load_script(str(file))
    assert refusal.value.remedy


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_script(str(tmp_path / "none.toml"))


@given(st.text(max_size=60))
def test_no_text_does_anything_but_load_or_be_refused(text: str):
    if text.endswith(".toml"):
        return
    try:
        load_script(text)
    except SettingsError as refusal:
        assert refusal.remedy
