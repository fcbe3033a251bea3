from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from cloud_trainer.progress import LogProgress
from cloud_trainer.tables.music.emotify import EMOTIFY
from cloud_trainer.tables.music.patches import patches_of
from cloud_trainer.tables.running import evaluate


def exam_of_new_tracks(data: Path, folder: Path) -> Path:
    """Write an exam without checksums, without a piano, with Emotify alone: the data's tracks under other numbers."""
    source, exam = data / "emotify", folder / "emotify"
    (exam / "audio").mkdir(parents=True)
    with (source / "tracks.csv").open() as read, (exam / "tracks.csv").open("w") as write:
        reader = csv.DictReader(read)
        writer = csv.DictWriter(write, list(reader.fieldnames or ()))
        writer.writeheader()
        for row in list(reader)[:6]:
            number = int(row["track_id"])
            writer.writerow({**row, "track_id": number + 500})
            shutil.copy(source / "audio" / f"{number:03d}.ogg", exam / "audio" / f"{number + 500}.ogg")
    return folder


def test_an_exam_is_scored_with_what_the_data_teach(tiny_data: Path, tmp_path: Path):
    exam = exam_of_new_tracks(tiny_data, tmp_path / "exam")
    quick = [row for row in EMOTIFY.rows if row.name in {"mean", "SVR on log-mel", "lent, kernel"}]
    table = replace(EMOTIFY, rows=tuple(quick), ours="lent, kernel")
    result = evaluate(
        table,
        data=tiny_data,
        exam=exam,
        seed=1,
        work=tmp_path / "work",
        results=tmp_path / "results",
        progress=LogProgress(),
    )
    assert result.exam
    assert result.groups == 6
    assert result.unchecked == ["exam/emotify"]
    assert set(result.data) == {"emotify", "emopia", "vgmidi", "piano-samples", "exam/emotify"}
    assert (tmp_path / "results" / "emotify-exam.json").is_file()


def test_the_patches_of_an_exam_are_its_own(tiny_data: Path, tmp_path: Path):
    exam = exam_of_new_tracks(tiny_data, tmp_path / "exam")
    music = EMOTIFY.load(tiny_data, exam, 1).data
    kept = patches_of(replace(music, roots=(tiny_data, exam), folder=tmp_path / "work" / "music"))
    known, new = kept.of(np.array([0])), kept.of(np.array([len(music.pieces) - 6]))
    # The loader deals tracks into sides: the exam's first one may stand anywhere among the data's.
    assert kept.patches[known].shape == kept.patches[new].shape
    twins = [kept.patches[kept.of(np.array([row]))] for row in range(len(music.pieces) - 6)]
    assert any(np.array_equal(twin, kept.patches[new]) for twin in twins)
