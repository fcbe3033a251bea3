"""The stage of the build that makes `user_emotion`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Artefact, BuildContext, TensorSpec
from cloud_trainer.checkpoint import trained_once
from cloud_trainer.data.sources import training_data
from cloud_trainer.evaluation.variants import Export, export
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.evaluation import SWEEPS, explained, held_out_figures, sweep, without_body
from cloud_trainer.user_emotion.examples import SIZE, concatenate
from cloud_trainer.user_emotion.network import Weights, forward
from cloud_trainer.user_emotion.sides import SETS, Sides, read_sides
from cloud_trainer.user_emotion.training import Settings, predict, train
from models.physiology.schema import SCHEMA_VERSION, STEPS

__all__ = ["INPUTS", "OUTPUTS", "UserEmotionStage"]

INPUTS: Final = (
    TensorSpec(
        name="steps",
        shape=(1, STEPS, SIZE),
        unit="scales, see models.physiology.schema",
        description="The last 32 steps, the newest last, normalised; 0 where unknown.",
    ),
    TensorSpec(
        name="mask", shape=(1, STEPS, SIZE), unit="0 or 1", description="1 where a value is known; padding stands left."
    ),
)
OUTPUTS: Final = (
    TensorSpec(name="mean", shape=(1, 2), unit="-1..1", description="Valence, arousal."),
    TensorSpec(name="log_variance", shape=(1, 2), unit="1", description="Natural logarithm of their variances."),
    TensorSpec(
        name="attention",
        shape=(1, STEPS),
        unit="0..1",
        description="What the newest step attends to, averaged over heads and layers; sums to 1.",
    ),
)
_CALIBRATION_ROWS: Final = 200


@dataclass(frozen=True)
class UserEmotionStage:
    """Train, evaluate and convert `user_emotion`.

    Attributes:
        settings: of the training.
    """

    settings: Settings = field(default_factory=Settings)
    name: str = "user_emotion"
    needs: Sequence[str] = ()
    sources: Sequence[str] = SETS
    packages: Sequence[str] = (
        "cloud_trainer.user_emotion",
        "cloud_trainer.evaluation",
        "cloud_trainer.data.hku956",
        "cloud_trainer.data.situnes",
        "cloud_trainer.data.wesad",
        "cloud_trainer.data.labels",
        "cloud_trainer.data.tables",
        "cloud_trainer.checkpoint",
        "cloud_trainer.epochs",
        "cloud_trainer.quantisation",
        "cloud_trainer.tflite_child",
        "models.physiology",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return asdict(self.settings)

    def train(self, context: BuildContext) -> None:
        """Train; `build` and a second call find it done.

        Raises:
            DataError: a data set is missing or damaged.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        self._trained(context)

    def build(self, context: BuildContext) -> list[Artefact]:
        """Build the model.

        Raises:
            DataError: a data set is missing or damaged.
            BundleError: the trained network does not convert.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        start = time.monotonic()
        sides, weights = self._trained(context)
        cost_s = time.monotonic() - start
        _show(context, weights)
        return [export(_described(context, sides, weights), cost_s=cost_s)]

    def _trained(self, context: BuildContext) -> tuple[Sides, Weights]:
        sides = read_sides(context.data, scale=context.scale, seed=context.seed, progress=context.progress)
        settings = self.settings
        if context.scale == "tiny":
            settings = replace(settings, epochs=2, steps=2, batch=16, wesad_pool=64)
        weights = trained_once(
            context.work / "user_emotion.npz",
            lambda: train(
                sides.examples["train"],
                sides.subjects["train"],
                sides.examples["validation"],
                sides.subjects["validation"],
                settings=settings,
                seed=context.seed,
                progress=context.progress,
                checkpoint=context.work / "user_emotion-epoch.npz",
            ),
        )
        return sides, weights


def _show(context: BuildContext, weights: Weights) -> None:
    """Print how the answer moves with its inputs: what a reader wants to know before trusting the model."""
    for name, features in SWEEPS.items():
        table = sweep(lambda steps, mask: predict(weights, steps, mask), features)
        context.progress.note(
            f"user_emotion, {name} from -2 to 2: valence {_short(table[:, 0])}; arousal {_short(table[:, 1])}; "
            f"sd {_short(table[:, 2:].mean(axis=1))}"
        )


def _short(values: npt.NDArray[np.float32]) -> str:
    return " ".join(f"{value:+.2f}" for value in values)


def _described(context: BuildContext, sides: Sides, weights: Weights) -> Export:
    test, training = sides.examples["test"], sides.examples["train"]
    judged = concatenate([test, *(wesad_examples.held_out(one) for one in sides.subjects["test"])])
    steps, mask = judged.normalised()
    outputs, hidden = predict(weights, steps, mask), predict(weights, steps, without_body(mask))
    typical = np.random.default_rng([context.seed, 5]).choice(len(training), _CALIBRATION_ROWS)
    calibration = training.take(typical).normalised()
    return Export(
        name="user_emotion",
        inputs=INPUTS,
        outputs=OUTPUTS,
        function=lambda steps, mask: forward(weights, steps, mask),
        calibration=_rows(*calibration),
        judged=_rows(steps, mask),
        judge=lambda answers: explained(answers, judged, training),
        metrics=held_out_figures(outputs, hidden, judged, training),
        training_data=[training_data(context.data, name, rows=sides.rows[name]) for name in SETS],
        description=(
            "Multi-head self-attention over the last 32 steps (physiology, what was heard and how it was received, "
            "own reports), combined with the newest step, to mean and variance of valence and arousal. Any subset of "
            f"the inputs may be known. Schema version {SCHEMA_VERSION}. What it says about arousal from the body rests "
            "on WESAD's conditions, put on the plane by us; the variances are calibrated on other persons."
        ),
    )


def _rows(steps: npt.NDArray[np.float32], mask: npt.NDArray[np.float32]) -> list[dict[str, npt.NDArray[np.float32]]]:
    return [{"steps": steps[row : row + 1], "mask": mask[row : row + 1]} for row in range(len(steps))]
