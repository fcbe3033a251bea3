"""Which bundle the agent starts with."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import changed_bundle, digest

from agent.delivery.installing.probation import Rates
from agent.delivery.installing.slots.slots import Slots
from agent.delivery.starting import FOLDER, in_use, start
from models.bundle.reader import default_bundle, read_manifest
from models.errors import BundleError

SHIPPED = read_manifest(default_bundle()).version


def slots_of(storage: Path) -> Slots:
    return Slots.open(storage / FOLDER / "slots", default_bundle())


def install(storage: Path, version: str, *, confirmed: bool) -> Path:
    """Put a bundle in a slot as if it had come over the channel."""
    slots = slots_of(storage)
    made = storage / "made"
    name = changed_bundle(made, version=version)
    folder = slots.begin(version, name, "r1")
    for file in made.rglob("*"):
        if file.is_file():
            (folder / file.relative_to(made)).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.relative_to(made)).write_bytes(file.read_bytes())
    assert digest(folder) == name
    slots.proceed("testing")
    slots.activate(Rates())
    if confirmed:
        slots.confirm()
    return folder


def test_the_first_start_runs_the_bundle_that_ships(tmp_path: Path) -> None:
    started = start(tmp_path, folder=None, channel="stable", runtime="auto")
    assert started.slot.bundle.manifest.version == SHIPPED
    assert started.slots is not None
    assert (started.problem, started.slot.refused) == ("", None)


def test_a_bundle_of_the_settings_is_used_and_nothing_is_taken_from_the_channel(tmp_path: Path) -> None:
    changed_bundle(tmp_path / "mine", version="2099.1.1")
    started = start(tmp_path, folder=tmp_path / "mine", channel="stable", runtime="auto")
    assert started.slot.bundle.manifest.version == "2099.1.1"
    assert started.slots is None


def test_a_confirmed_bundle_is_the_one_to_start_with_and_to_scan_with(tmp_path: Path) -> None:
    folder = install(tmp_path, "2099.1.1", confirmed=True)
    assert start(tmp_path, folder=None, channel="stable", runtime="auto").slot.bundle.manifest.version == "2099.1.1"
    assert in_use(tmp_path, folder=None) == folder


def test_a_bundle_that_was_damaged_on_the_disk_gives_way_to_the_last_good_one(tmp_path: Path) -> None:
    folder = install(tmp_path, "2099.1.1", confirmed=True)
    (folder / "hybrid.int8.tflite").write_bytes(b"gone")
    started = start(tmp_path, folder=None, channel="stable", runtime="auto")
    assert started.slot.bundle.manifest.version == SHIPPED
    assert isinstance(started.slot.refused, BundleError)
    assert "hybrid.int8.tflite" in str(started.slot.refused)


def test_the_start_that_gives_back_a_bundle_with_which_no_start_lasted_says_so(tmp_path: Path) -> None:
    install(tmp_path, "2099.1.1", confirmed=False)
    versions, told = [], []
    for _ in range(4):
        started = start(tmp_path, folder=None, channel="stable", runtime="auto")
        versions.append(started.slot.bundle.manifest.version)
        told.append(started.problem)
    assert versions[0] == "2099.1.1"
    assert versions[-1] == SHIPPED
    assert sum("bundle 2099.1.1 was given back" in each for each in told) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_lost_pointer_is_told_and_the_player_starts(tmp_path: Path, content: bytes) -> None:
    install(tmp_path, "2099.1.1", confirmed=True)
    (tmp_path / FOLDER / "slots" / "state.json").write_bytes(content)
    started = start(tmp_path, folder=None, channel="stable", runtime="auto")
    assert started.slot.bundle.manifest.version == "2099.1.1"
    assert "state.json" in started.problem
