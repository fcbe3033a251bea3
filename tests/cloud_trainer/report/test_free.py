"""The free bundle beside the one that ships: written, read again, shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_trainer.report.free import Beside, Line, free_section, read_beside, write_beside
from models.errors import DataError

FOUND = Beside("2026.11.2", "2026.11.3", 1, [Line("emopia.arousal_accuracy", 65, "mean <1>", None, 0.9, 0.7)])


def test_the_comparison_shows_both_bundles_on_the_same_rows(tmp_path: Path):
    text = write_beside(FOUND, tmp_path).read_text("utf-8")
    assert "| emopia.arousal_accuracy | 65 | mean <1> | – | 0.900 | 0.700 |" in text
    assert read_beside(tmp_path) == FOUND
    assert "mean &lt;1&gt;" in free_section(FOUND)


def test_without_a_free_bundle_nothing_is_shown(tmp_path: Path):
    assert free_section(read_beside(tmp_path)) == ""


def test_a_damaged_comparison_is_refused_with_its_path(tmp_path: Path):
    (tmp_path / "free.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"free\.json does not compare"):
        read_beside(tmp_path)
