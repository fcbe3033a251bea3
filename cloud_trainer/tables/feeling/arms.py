"""Neural rows: a network trained on a fold, what it may see in training, and what it is shown when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.search.frozen import Winner, read, winner
from cloud_trainer.search.space import Setting
from cloud_trainer.tables.feeling.corpus import Corpus, Sides
from cloud_trainer.tables.feeling.networks import PAPER, RECURRENT
from cloud_trainer.tables.feeling.scales import Judged, answered
from cloud_trainer.tables.frame import Answer, Floats, Fold, Problem
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from cloud_trainer.user_emotion.evaluation import without_body
from cloud_trainer.user_emotion.examples import Examples
from cloud_trainer.user_emotion.network import ATTENTION, Network, Weights
from cloud_trainer.user_emotion.training import Settings, View, everything, predict, train
from models.physiology.schema import INDEX

__all__ = [
    "ARMS",
    "SETTINGS",
    "Arm",
    "Data",
    "Trained",
    "explanation",
    "hidden",
    "neural",
    "newest_only",
    "searched",
    "without_reports",
]

_MODEL: Final = "user_emotion"


def _settled(rival: str) -> Settings:
    """Return the settings of the build, with what the search of a rival has frozen."""
    frozen: Mapping[str, Any] = winner(_MODEL, rival) or {}
    return replace(Settings(), **frozen)


SETTINGS: Final = _settled(_MODEL)
"""Those of the build: with a third of its examples, in as many steps, attention hardly learned to use a report."""
_FROM_PAPER: Final = Settings(
    epochs=50,
    steps=50,
    batch=32,
    learning_rate=0.001,
    decay=0.0,
    dropout=0.3,
    beta=1.0,
    patience=5,
    steady=True,
    disturbed=False,
)
"""The paper's Table 3. With beta 1 the gradient of the mean is that of the squared error. An epoch is 1600
examples, about half of what a fold holds: what the paper calls one it does not say."""
_REPORTS: Final = [
    INDEX[name] for name in ("reported_valence", "reported_arousal", "usual_valence", "usual_arousal", "reports")
]


def newest_only(mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Hide every step but the newest: no history, but for what is known of the person's usual levels."""
    newest = np.zeros_like(mask)
    newest[:, -1] = mask[:, -1]
    return newest


def without_reports(mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Hide whatever the person said of a feeling."""
    return hidden(mask, _REPORTS)


def hidden(mask: npt.NDArray[np.float32], columns: list[int]) -> npt.NDArray[np.float32]:
    """Return the mask with some columns of it hidden."""
    left = mask.copy()
    left[:, :, columns] = 0
    return left


@dataclass(frozen=True)
class Arm:
    """A network with what it may see.

    Attributes:
        network: to train.
        settings: how.
        view: what of the inputs it sees, in training and when asked.
        words: what it is, for the table.
        searched: the rival of the search that settled its settings; none for what the paper gives.
    """

    words: str
    network: Network = ATTENTION
    settings: Settings = SETTINGS
    view: View = everything
    searched: str = _MODEL


ARMS: Final[Mapping[str, Arm]] = {
    "attention": Arm("the network that ships: two layers of multi-head attention over 32 steps"),
    "without physiology": Arm("the same, trained without the body", view=without_body),
    "without history": Arm("the same, trained with the newest step alone", view=newest_only),
    "without self-reports": Arm("the same, trained without anybody's own word", view=without_reports),
    "recurrent": Arm(
        "a gated recurrent unit instead of attention, as many weights",
        RECURRENT,
        _settled("recurrent"),
        searched="recurrent",
    ),
    "paper": Arm(
        "one attention, three hidden layers of 128, squared error, no disturbed inputs: the paper's hyper-parameters, "
        "ours where it is silent",
        PAPER,
        _FROM_PAPER,
        searched="",
    ),
}


@dataclass(frozen=True)
class Trained:
    """A fold's network.

    Attributes:
        arm: what was trained.
        weights: of it.
        sides: examples of the fold.
    """

    arm: Arm
    weights: Weights
    sides: Sides

    def answers(self, examples: Examples, view: View = everything) -> tuple[Floats, Floats]:
        """Return mean and variance, `(n, 2)` each; what is known of the examples is all that is known by then."""
        steps, mask = examples.normalised()
        out = predict(self.weights, steps, view(self.arm.view(mask)), self.arm.network)
        return out["mean"].astype(np.float64), np.exp(out["log_variance"].astype(np.float64))


@dataclass(frozen=True)
class Data:
    """What the rows of the user-emotion tables look at.

    Attributes:
        corpus: the sets.
        sides: by fold, computed once.
        trained: by arm and fold, likewise.
    """

    corpus: Corpus
    sides: dict[str, Sides] = field(default_factory=dict)
    trained: dict[tuple[str, str], Trained] = field(default_factory=dict)

    def of_fold(self, fold: Fold) -> Sides:
        """Return a fold's examples."""
        if fold.name not in self.sides:
            self.sides[fold.name] = self.corpus.sides(fold)
        return self.sides[fold.name]

    def network(self, name: str, fold: Fold) -> Trained:
        """Return a fold's network, trained once."""
        if (name, fold.name) not in self.trained:
            self.trained[name, fold.name] = _train(ARMS[name], self.of_fold(fold), fold)
        return self.trained[name, fold.name]


def neural(name: str, problem: Problem[Data], fold: Fold, view: View = everything) -> Answer:
    """Return what an arm answers where it is shown no more than a view."""
    trained = problem.data.network(name, fold)
    mean, variance = trained.answers(trained.sides.rows, view)
    return answered(problem, fold, Judged(mean, variance))


def explanation(name: str) -> str:
    """Return how an arm was tuned: its settings by a search or as the paper has them, when to stop in each fold."""
    arm, found = ARMS[name], read(_MODEL)
    settings = arm.settings
    of_search = found.rivals.get(arm.searched) if found else None
    how = "as the paper has it" if of_search is None else _told(of_search)
    return (
        f"{how}; when to stop on a seventh of the training people; at most {settings.epochs} epochs of "
        f"{settings.steps} batches of {settings.batch}; TensorFlow {metadata.version('tensorflow')}"
    )


def _told(found: Winner) -> str:
    return f"settings by {found.trials} trials on the build's validation people, some of whom each fold tests"


def searched(name: str) -> Mapping[str, tuple[Setting]]:
    """Return the settings of an arm that a search has frozen."""
    return {setting: (value,) for setting, value in (winner(_MODEL, ARMS[name].searched) or {}).items()}


def _train(arm: Arm, sides: Sides, fold: Fold) -> Trained:
    prepare_tensorflow(threads=1, seed=fold.seed)
    weights = train(
        sides.train,
        sides.train_subjects,
        sides.validation,
        sides.validation_subjects,
        settings=arm.settings,
        seed=fold.seed,
        progress=_Silent(),
        network=arm.network,
        view=arm.view,
    )
    return Trained(arm, weights, sides)


class _Silent:
    """The table shows its own progress, fold by fold."""

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Callable[[str], None]]:
        del description, total
        yield lambda _: None

    def note(self, text: str) -> None:
        del text

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        del epoch, figures
