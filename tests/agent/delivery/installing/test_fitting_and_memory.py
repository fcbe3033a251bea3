from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stand_in_library import track_table

from agent.delivery.installing.examination.examining import CatalogueSample, require_fitting
from agent.delivery.installing.memory import available_bytes, require_memory, trim
from models.bundle.manifest import FORMAT
from models.delivery.offer import Offer, Phase, Rollout
from models.errors import BundleError, DeliveryError, Reason
from models.physiology.schema import SCHEMA_VERSION


def fit(running_version: str = "2026.11.1", runtime: Any = "auto", **changes: Any) -> None:
    fields: dict[str, Any] = {
        "channel": "stable",
        "version": "2026.12.1",
        "bytes": 1,
        "bundle_format": FORMAT,
        "feature_schema": SCHEMA_VERSION,
        "rollout": Rollout(id="r1", phases=[Phase()]),
    }
    require_fitting(Offer(**{**fields, **changes}), running_version=running_version, runtime=runtime, board="aarch64")


@pytest.mark.parametrize(
    "changes", [{}, {"boards": ["x86_64", "aarch64"]}, {"runtimes": ["tflite", "litert"]}, {"older": True}]
)
def test_an_offer_for_this_device_fits(changes: dict[str, Any]):
    fit(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"boards": ["x86_64"]}, "is for x86_64, this device is aarch64"),
        ({"runtimes": ["coral"]}, "needs coral"),
        ({"runtimes": ["litert"], "runtime": "tflite"}, "needs litert, this program uses tflite"),
        ({"bundle_format": FORMAT + 1}, f"has format {FORMAT + 1}"),
        ({"feature_schema": SCHEMA_VERSION + 1}, f"has feature schema {SCHEMA_VERSION + 1}"),
    ],
)
def test_a_bundle_for_another_device_is_refused_before_it_is_fetched(changes: dict[str, Any], words: str):
    with pytest.raises(BundleError, match=words) as caught:
        fit(**changes)
    assert caught.value.reason is Reason.INCOMPATIBLE


@pytest.mark.parametrize("running", ["2026.12.2", "2026.12.10", "2027.1.1"])
def test_an_older_bundle_is_refused_unless_the_offer_says_that_it_is_meant(running: str):
    with pytest.raises(BundleError) as caught:
        fit(running)
    assert caught.value.reason is Reason.ROLLED_BACK
    fit(running, older=True)


def test_versions_are_compared_as_numbers():
    fit("2026.9.1")
    fit("2026.12.1")


def test_a_sample_is_spread_over_the_moods_of_a_catalogue():
    table = track_table(1000, "space-1")
    sample = CatalogueSample.of(table, 50).table
    valence = sample.emotion[:, 0]
    assert len(sample) == len(set(sample.ids)) == 50
    assert list(valence) == sorted(valence)
    assert (valence[0], valence[-1]) == (table.emotion[:, 0].min(), table.emotion[:, 0].max())
    assert len(CatalogueSample.of(track_table(3, "space-1")).table) == 3


def test_a_device_short_of_memory_tries_again_later(tmp_path: Path):
    tight, roomy = tmp_path / "tight", tmp_path / "roomy"
    tight.write_text("MemTotal: 1000000 kB\nMemAvailable:   60000 kB\n")
    roomy.write_text("MemTotal: 1000000 kB\nMemAvailable:   600000 kB\n")
    with pytest.raises(DeliveryError, match="58 MiB of memory are free") as caught:
        require_memory(16 << 20, meminfo=tight)
    assert caught.value.reason is Reason.FAILED
    require_memory(16 << 20, meminfo=roomy)


def test_a_system_that_does_not_tell_its_memory_is_no_hindrance(tmp_path: Path):
    (tmp_path / "odd").write_text("MemAvailable: lots\n")
    for path in (tmp_path / "nowhere", tmp_path / "odd"):
        assert available_bytes(path) is None
        require_memory(1 << 40, meminfo=path)


def test_memory_is_given_back_whatever_the_c_library_is(monkeypatch: pytest.MonkeyPatch):
    trim()
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    trim()
