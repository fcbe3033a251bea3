"""A spoilt bundle is whole on the outside, and wrong inside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim.bundles.spoil import HOWS, How, spoil
from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError, Reason


@pytest.mark.parametrize("how", ["answers", "weights"])
def test_a_spoilt_bundle_has_every_digest_right_and_fails_its_self_test(tmp_path: Path, how: How) -> None:
    spoil(default_bundle(), tmp_path / "bad", how)
    bundle = Bundle.open(tmp_path / "bad")
    # Damaged weights may take the whole process with them, so it is one of its own.
    program = "import sys, pathlib, models.bundle.reader as r; r.Bundle.open(pathlib.Path(sys.argv[1])).self_test()"
    done = subprocess.run([sys.executable, "-c", program, str(bundle.folder)], capture_output=True, check=False)
    assert done.returncode != 0


def test_a_bundle_of_a_format_to_come_is_refused_before_anything_of_it_is_read(tmp_path: Path) -> None:
    spoil(default_bundle(), tmp_path / "bad", "format")
    with pytest.raises(BundleError) as caught:
        Bundle.open(tmp_path / "bad")
    assert caught.value.reason is Reason.INCOMPATIBLE


@pytest.mark.parametrize("how", HOWS)
def test_the_bundle_that_was_copied_stays_as_it_was(tmp_path: Path, how: How) -> None:
    spoil(default_bundle(), tmp_path / "bad", how)
    Bundle.open(default_bundle()).self_test()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be copied"):
        spoil(default_bundle(), tmp_path, "answers")
    assert list(tmp_path.iterdir()) == []
