from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cloud_trainer.data import sources
from models.errors import DataError, Reason


@pytest.fixture
def copy_of_data(tiny_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


def test_whole_data_has_nothing_wrong(tiny_data: Path):
    assert not any(what for _, what in sources.check(tiny_data))


def test_changed_and_missing_files_are_found(copy_of_data: Path):
    (copy_of_data / "emopia" / "labels.csv").write_text("changed", "utf-8")
    (copy_of_data / "vgmidi" / "midi.zip").unlink()
    wrong = {path: what for path, what in sources.check(copy_of_data) if what}
    assert wrong == {"emopia/labels.csv": "changed", "vgmidi/midi.zip": "missing"}


def test_only_the_named_sets_are_checked(tiny_data: Path):
    assert {path.split("/")[0] for path, _ in sources.check(tiny_data, {"vgmidi"})} == {"vgmidi"}


def test_a_fingerprint_follows_the_recorded_checksums(copy_of_data: Path):
    before = sources.fingerprint(copy_of_data, "emopia"), sources.fingerprint(copy_of_data, "vgmidi")
    listing = copy_of_data / "SHA256SUMS"
    lines = listing.read_text("utf-8").splitlines()
    lines = ["0" * 64 + line[64:] if "emopia/labels" in line else line for line in lines]
    listing.write_text("\n".join(lines), "utf-8")
    assert sources.fingerprint(copy_of_data, "emopia") != before[0]
    assert sources.fingerprint(copy_of_data, "vgmidi") == before[1]


def test_a_folder_without_checksums_is_refused_with_a_remedy(tmp_path: Path):
    with pytest.raises(DataError) as refused:
        sources.checksums(tmp_path)
    assert refused.value.reason is Reason.MISSING
    assert "--data" in refused.value.remedy


def test_a_damaged_line_is_named(tmp_path: Path):
    (tmp_path / "SHA256SUMS").write_text("nonsense\n", "utf-8")
    with pytest.raises(DataError, match="line 1"):
        sources.checksums(tmp_path)


def test_a_set_that_is_not_there_is_named(tiny_data: Path):
    with pytest.raises(DataError, match="hku956"):
        sources.fingerprint(tiny_data, "hku956")
