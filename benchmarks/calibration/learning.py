"""Training `user_emotion` on a fold's training people, kept on disk so that a run cut off goes on.

The trainer's own functions train and convert it, in a child process: TensorFlow beside the device's runtime in one
process breaks that runtime. The model is then asked as a device asks it, through `models.interpreter`, in float32 (what
eight bits cost is a figure of the build).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.affect.station import UserEmotionModel
from benchmarks.calibration.people import fold_of, load
from cloud_trainer.checkpoint import trained_once
from cloud_trainer.progress import LogProgress
from cloud_trainer.store import stage_key
from cloud_trainer.user_emotion.examples import Examples
from cloud_trainer.user_emotion.stage import UserEmotionStage
from cloud_trainer.user_emotion.training import Settings
from models.interpreter import Interpreter

__all__ = ["Lesson", "answers", "learned", "replay_key"]

_THREADS: Final = 2
_REPLAYED: Final = (
    "agent.affect",
    "agent.sensing.quality",
    "benchmarks.calibration.people",
    "benchmarks.calibration.recordings",
    "benchmarks.calibration.replay",
    "benchmarks.calibration.studies",
    "models.physiology",
)
"""Code that decides what a replay finds, beside what decided the weights."""


@dataclass(frozen=True)
class Lesson:
    """Everything that decides a fold's model.

    Attributes:
        data: root of the data sets.
        settings: of the training.
        folds: how many there are.
        number: of this one, from 0.
        seed: of the deal of people and of the training.
    """

    data: Path
    settings: Settings
    folds: int
    number: int
    seed: int

    @property
    def key(self) -> str:
        """A hash of code, data, settings, libraries and people."""
        stage = UserEmotionStage(settings=self.settings)
        stage = replace(stage, packages=(*stage.packages, "benchmarks.calibration.people"))
        needed = [f"fold {self.number} of {self.folds}"]
        return stage_key(stage, data=self.data, scale="full", seed=self.seed, needed=needed)


def replay_key(lesson: Lesson, configuration: Mapping[str, Any]) -> str:
    """Return a hash of all that decides what a replay of the lesson's held-out people finds."""
    stage = replace(UserEmotionStage(settings=lesson.settings), packages=_REPLAYED)
    needed = [lesson.key, json.dumps(dict(configuration), sort_keys=True)]
    return stage_key(stage, data=lesson.data, scale="full", seed=lesson.seed, needed=needed)


def learned(lesson: Lesson, work: Path) -> tuple[Interpreter, float]:
    """Return a fold's model from `work` and the seconds that it took; train and store it where there is none."""
    path = work / f"model-{lesson.key}" / "user_emotion.tflite"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            pool.submit(_learn, lesson, path).result()
    return Interpreter(path), float(path.with_name("cost_s.txt").read_text("utf-8"))


def _learn(lesson: Lesson, path: Path) -> None:
    """Train and convert; runs in a process of its own."""
    from cloud_trainer.quantisation import convert
    from cloud_trainer.tensorflow_setup import prepare_tensorflow
    from cloud_trainer.user_emotion.network import forward
    from cloud_trainer.user_emotion.stage import INPUTS
    from cloud_trainer.user_emotion.training import train

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    started = time.monotonic()
    prepare_tensorflow(threads=_THREADS, seed=lesson.seed)
    fold = fold_of(load(lesson.data), lesson.number, folds=lesson.folds, seed=lesson.seed)
    weights = trained_once(
        path.with_name("weights.npz"),
        lambda: train(
            fold.training,
            fold.subjects,
            fold.validation,
            fold.validation_subjects,
            settings=lesson.settings,
            seed=lesson.seed,
            progress=LogProgress(),
        ),
    )
    typical = fold.training.take(np.arange(1)).normalised()
    made = convert(
        lambda steps, mask: forward(weights, steps, mask),
        inputs={spec.name: spec.shape for spec in INPUTS},
        calibration=[{"steps": typical[0], "mask": typical[1]}],
        modes=("float32",),
    )
    path.with_name("cost_s.txt").write_text(f"{time.monotonic() - started:.1f}", "utf-8")
    partial = path.with_suffix(".partial")
    partial.write_bytes(made["float32"])
    partial.replace(path)


def answers(model: UserEmotionModel, examples: Examples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and variance of the model alone on the trainer's examples, `(n, 2)` each."""
    steps, mask = examples.normalised()
    found = [model.run(steps=steps[row : row + 1], mask=mask[row : row + 1]) for row in range(len(steps))]
    mean = np.concatenate([answer["mean"] for answer in found]).astype(np.float64)
    variance = np.exp(np.concatenate([answer["log_variance"] for answer in found]).astype(np.float64))
    return mean, variance
