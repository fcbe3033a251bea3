"""What a search of `user_emotion` may choose, and how a choice is scored: the likelihood of validation persons.

A trial sees a ninth of the examples of a build, so that thirty trials take less than an hour: what it finds is how to
learn quickly, and is confirmed at full length before it ships (`cloud_trainer.search.confirming`). Test persons are not
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from cloud_trainer.artefact import Scale
from cloud_trainer.progress import ObservedProgress
from cloud_trainer.search.space import Number, Objective, Report, SearchContext, Space
from cloud_trainer.search.space import Settings as Chosen
from cloud_trainer.tables.feeling.networks import RECURRENT
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from cloud_trainer.user_emotion.network import ATTENTION, Network
from cloud_trainer.user_emotion.sides import SETS, read_sides
from cloud_trainer.user_emotion.training import Settings, train

__all__ = ["RIVALS"]

_BRIEF: Final = Settings(epochs=10, steps=50, batch=64, wesad_pool=3000, patience=4)
_TINY: Final = Settings(epochs=2, steps=2, batch=16, wesad_pool=64)
_CHOSEN: Final = ("learning_rate", "decay", "dropout", "beta", "wesad_share", "body_hidden", "body_offset")


def _prepare(network: Network, context: SearchContext) -> Objective:
    prepare_tensorflow(threads=context.threads, seed=context.drawn_by)
    scale: Scale = "tiny" if context.scale == "tiny" else "full"
    sides = read_sides(
        context.data, scale=scale, seed=context.seed, progress=context.progress, sides=("train", "validation")
    )
    length = _TINY if scale == "tiny" else Settings() if context.whole else _BRIEF

    def objective(settings: Chosen, report: Report) -> float:
        scores: list[float] = []

        def observe(epoch: int, figures: Mapping[str, float]) -> None:
            scores.append(figures["validation"])
            report(epoch, max(scores))

        train(
            sides.examples["train"],
            sides.subjects["train"],
            sides.examples["validation"],
            sides.subjects["validation"],
            settings=replace(length, **settings),
            seed=context.drawn_by,
            progress=ObservedProgress(context.progress, observe),
            network=network,
        )
        return max(scores)

    return objective


def _space(name: str, what: str, network: Network) -> Space:
    return Space(
        name=name,
        what=what,
        ranges={
            "learning_rate": Number(3e-4, 1e-2, log=True),
            "decay": Number(1e-6, 1e-2, log=True),
            "dropout": Number(0.0, 0.5),
            "beta": Number(0.0, 1.0),
            "wesad_share": Number(0.1, 0.5),
            "body_hidden": Number(0.0, 0.5),
            "body_offset": Number(0.0, 1.5),
        },
        start={chosen: getattr(Settings(), chosen) for chosen in _CHOSEN},
        sources=SETS,
        modules=(
            *(f"cloud_trainer.user_emotion.{module}" for module in _MODULES),
            "cloud_trainer.tables.feeling.networks",
        ),
        prepare=partial(_prepare, network),
        brief=True,
    )


_MODULES: Final = (
    "augmentation",
    "examples",
    "hku_examples",
    "layers",
    "network",
    "search",
    "sides",
    "situnes_examples",
    "training",
    "wesad_examples",
)
RIVALS: Final = (
    _space("user_emotion", "multi-head attention over the last 32 steps", ATTENTION),
    _space("recurrent", "a gated recurrent unit over the last 32 steps, as many weights", RECURRENT),
)
"""By the likelihood of persons that nothing is trained on, their examples disturbed as a device would see them."""
