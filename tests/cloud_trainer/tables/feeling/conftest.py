"""Tiny sets of listeners with everything that the tables of feeling read."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cloud_trainer.tables.feeling.arms import Data
from cloud_trainer.tables.feeling.table import load
from cloud_trainer.tables.frame import Problem
from cloud_trainer.tables.situnes.recordings import TRACK_FEATURES


@pytest.fixture(scope="session")
def feeling_data(listener_data: Path, listener_sets: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("feeling") / "data"
    shutil.copytree(listener_data, data)
    names = [name for name in TRACK_FEATURES if name not in {"popularity", "valence", "energy"}]
    lines = (data / "situnes" / "music_info.csv").read_text("utf-8").splitlines()
    rows = [f"{lines[0]},{','.join(names)}", *(f"{line},{','.join(['1'] * len(names))}" for line in lines[1:])]
    (data / "situnes" / "music_info.csv").write_text("\n".join(rows) + "\n", "utf-8")
    _questionnaires(data)
    listener_sets.sum_up(data)
    return data


def _questionnaires(data: Path) -> None:
    random = np.random.default_rng(8)
    traits = [
        f"{name}_score"
        for name in ("Extroversion", "Agreeableness", "Conscientiousness", "Emotional_Stability", "Openness")
    ]
    people = [",".join([f"hku{person}", *map(str, random.integers(1, 8, 5))]) for person in range(7)]
    (data / "hku956" / "personality.csv").write_text(
        "\n".join([f"participant_id,{','.join(traits)}", *people]), "utf-8"
    )
    emotions = "amazement,solemnity,tenderness,nostalgia,calmness,power,joyful_activation,tension,sadness"
    rows = [f"track_id,genre,{emotions},mood,liked,disliked,age,gender,mother_tongue"]
    for listener in range(30):
        tongue, age = ("Dutch", "Korean", "Tamil")[listener % 3], 20 + listener
        for track in range(6):
            ticks = ",".join(map(str, random.integers(0, 2, 9)))
            rows.append(f"{track},{('rock', 'pop')[track % 2]},{ticks},3,0,0,{age},{listener % 2},{tongue}")
    (data / "emotify").mkdir()
    (data / "emotify" / "annotations.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    answers = [
        {
            "midi": f"piece{piece}",
            "age": ("21-25", "Choose not to disclose")[listener % 2],
            "gender": ("Female", "Male", "Other")[listener % 3],
            "musicianship": listener % 5 + 1,
            "valence": random.uniform(-1, 1, 4).tolist(),
            "arousal": random.uniform(-1, 1, 4).tolist(),
        }
        for listener in range(30)
        for piece in range(4)
    ]
    (data / "vgmidi").mkdir()
    lines = "\n".join(map(json.dumps, answers))
    (data / "vgmidi" / "annotations.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


@pytest.fixture(scope="session")
def problem(feeling_data: Path) -> Problem[Data]:
    return load(feeling_data, None, 1)


@pytest.fixture(scope="session")
def exam_problem(
    feeling_data: Path, listener_sets: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Problem[Data]:
    """Later listenings of people who are known, and people who are not."""
    exam = tmp_path_factory.mktemp("exam") / "data"
    shutil.copytree(feeling_data, exam)
    (exam / "situnes" / "stage1_interactions.csv").unlink()
    for ending in ("interactions.csv", "wrist.npz", "env.json"):
        (exam / "situnes" / f"stage2_{ending}").rename(exam / "situnes" / f"stage3_{ending}")
    _rewrite(exam / "situnes" / "stage3_interactions.csv", ",1626", ",1726")
    _rewrite(exam / "hku956" / "ratings.csv", "hku", "new")
    for signals in list((exam / "hku956" / "signals").iterdir()):
        signals.rename(signals.with_name(signals.name.replace("hku", "new")))
    for file in (exam / "wesad-features").iterdir():
        # The subject stands before the condition, at the end of a line.
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        cells = [line.split(",") for line in lines[1:]]
        renamed = [",".join([*row[:-2], str(88 + int(row[-2])), row[-1]]) for row in cells]
        file.write_bytes(gzip.compress("\n".join([lines[0], *renamed]).encode()))
    listener_sets.sum_up(exam)
    return load(feeling_data, exam, 1)


def _rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
