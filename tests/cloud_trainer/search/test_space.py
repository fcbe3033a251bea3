"""Ranges of hyper-parameters: what is inside, what is refused and how it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_trainer.search.registry import RIVALS, rivals
from cloud_trainer.search.space import Choice, Number, Space, Whole, checked
from models.errors import Reason, SettingsError

RANGES = {"rate": Number(1e-4, 1e-1, log=True), "depth": Whole(1, 8), "kernel": Choice(("rbf", "linear"))}
START = {"rate": 0.01, "depth": 3, "kernel": "rbf"}


def _space(**changes: object) -> Space:
    space = Space(
        name="one",
        what="a rival",
        ranges=RANGES,
        start=START,
        sources=(),
        modules=(),
        prepare=lambda _: lambda settings, _report: settings["rate"],
    )
    return replace(space, **changes)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("rate", 0.2, "a number from 0.0001 to 0.1, found 0.2"),
        ("rate", float("nan"), "a number from 0.0001 to 0.1, found nan"),
        ("rate", True, "found True"),
        ("depth", 9, "a whole number from 1 to 8, found 9"),
        ("depth", 2.0, "found 2.0"),
        ("kernel", "poly", "one of rbf, linear, found 'poly'"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_named_with_what_may_stand_there(name: str, value: object, told: str):
    with pytest.raises(SettingsError) as refused:
        _space(start={**START, name: value})
    assert refused.value.reason is Reason.WRONG_VALUE
    assert f"the start of one: {name} must be" in refused.value.message
    assert told in refused.value.message


def test_an_unknown_and_a_missing_hyper_parameter_are_named():
    with pytest.raises(SettingsError, match="momentum is not known; known are rate, depth, kernel"):
        checked({**START, "momentum": 1}, RANGES, where="here")
    with pytest.raises(SettingsError, match="depth is missing"):
        checked({"rate": 0.01, "kernel": "rbf"}, RANGES, where="here")


@given(st.floats(1e-4, 1e-1), st.integers(1, 8), st.sampled_from(["rbf", "linear"]))
def test_whatever_lies_inside_is_taken_as_it_is(rate: float, depth: int, kernel: str):
    settings = {"rate": rate, "depth": depth, "kernel": kernel}
    assert checked(settings, RANGES, where="here") == settings


@pytest.mark.parametrize("model", RIVALS)
def test_every_model_has_rivals_with_its_own_one_first(model: str):
    found = rivals(model)
    assert found[0].name == model
    assert all(space.sources and space.modules for space in found)


def test_a_model_that_cannot_be_searched_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="music_emotion, user_emotion"):
        rivals("dance")
