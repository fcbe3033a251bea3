"""A changed bundle without training."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_trainer.repack import next_version, repack
from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError, Reason


def test_a_model_in_another_precision_makes_the_next_version_which_passes_its_own_test(tmp_path: Path) -> None:
    shipped = Bundle.open(default_bundle()).manifest
    manifest = repack(default_bundle(), tmp_path / "new", prefer={"user_emotion": "float32"})
    changed = Bundle.open(tmp_path / "new")
    changed.self_test()
    assert changed.manifest == manifest
    assert manifest.version == next_version(shipped.version)
    assert manifest.models["user_emotion"].preferred == "float32"
    assert manifest.embedding_space == shipped.embedding_space


def test_the_audio_model_in_another_precision_has_an_embedding_space_of_its_own(tmp_path: Path) -> None:
    shipped = Bundle.open(default_bundle()).manifest
    other = "float32" if shipped.models["music_emotion"].preferred == "int8" else "int8"
    changed = repack(default_bundle(), tmp_path / "new", prefer={"music_emotion": other})
    back = repack(tmp_path / "new", tmp_path / "newer", prefer={"user_emotion": "int8"})
    assert changed.embedding_space == f"{shipped.embedding_space}-{other}" == back.embedding_space


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(BundleError, match="exists already"):
        repack(default_bundle(), tmp_path, prefer={})
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_precision_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="sequence=int8") as caught:
        repack(default_bundle(), tmp_path / "new", prefer={"lyrics": "int8"})
    assert caught.value.reason is Reason.MISSING
    assert not (tmp_path / "new").exists()


def test_a_version_that_no_reader_takes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"year\.month\.number"):
        repack(default_bundle(), tmp_path / "new", prefer={}, version="latest")
    assert not (tmp_path / "new").exists()
