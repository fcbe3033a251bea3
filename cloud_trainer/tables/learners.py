"""Rivals that learn from a matrix of features, each with the same search: every setting of its grid on the same folds.

The folds of the search lie inside the training rows and keep groups (persons, songs) whole. The grid's winner and its
validation score are reported; a linear model, a forest and a kernel machine get the same number of settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from cloud_trainer.evaluation.regression import rmse
from cloud_trainer.tables.frame import Floats

__all__ = [
    "LEARNERS",
    "Learner",
    "Searched",
    "group_folds",
    "negative_rmse",
    "searched",
    "without_group",
]

Score = Callable[[Floats, Floats], float]


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A kind of model.

    Attributes:
        what: what it is, for the table.
        make: `(seed, **setting) -> estimator`.
        grid: settings; every combination is tried.
    """

    what: str
    make: Callable[..., BaseEstimator]
    grid: Mapping[str, Sequence[Any]]

    def settings(self) -> list[dict[str, Any]]:
        """Return every combination."""
        return [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]


@dataclass(frozen=True)
class Searched:
    """A learner after its search: the model on all training rows, the winner and its mean validation score."""

    model: BaseEstimator
    setting: dict[str, Any]
    validation: float


def negative_rmse(truth: Floats, answer: Floats) -> float:
    """Return the negated RMSE, so that more is better."""
    return -float(np.mean(rmse(truth, answer)))


def group_folds(
    groups: npt.NDArray[Any], count: int, seed: int
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return `(train, test)` indices of folds that keep groups whole, in a random order of the groups."""
    splitter = GroupKFold(n_splits=min(count, len(np.unique(groups))), shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(np.zeros(len(groups)), groups=groups)]


def without_group(groups: npt.NDArray[Any]) -> Iterable[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield `(group, train, test)` with one group left out at a time, in sorted order."""
    for group in np.unique(groups):
        yield str(group), np.flatnonzero(groups != group), np.flatnonzero(groups == group)


def searched(
    learner: Learner,
    features: Floats,
    truth: npt.NDArray[Any],
    groups: npt.NDArray[Any],
    *,
    seed: int,
    score: Score = negative_rmse,
    folds: int = 3,
) -> Searched:
    """Try every setting on folds inside the training rows and train the winner on all of them.

    Args:
        learner: what to train.
        features: `(n, f)`; NaN where unknown.
        truth: `(n,)` or `(n, outputs)`.
        groups: `(n,)`, kept whole.
        seed: of folds and models.
        score: `(truth, answer)`, more is better.
        folds: of the search.
    """
    splits = group_folds(groups, folds, seed)
    best: tuple[float, dict[str, Any]] | None = None
    for setting in learner.settings():
        estimator = learner.make(seed, **setting)
        scores = []
        for train, test in splits:
            model = clone(estimator).fit(features[train], truth[train])
            scores.append(score(truth[test], model.predict(features[test])))
        mean = float(np.mean(scores))
        if best is None or mean > best[0]:
            best = mean, setting
    if best is None:
        raise ValueError("a learner without settings cannot be searched")
    return Searched(learner.make(seed, **best[1]).fit(features, truth), best[1], best[0])


def _scaled(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), estimator)


def _filled(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(SimpleImputer(keep_empty_features=True), estimator)


def _ridge(seed: int, *, penalty: float) -> BaseEstimator:
    del seed
    return _scaled(Ridge(alpha=penalty))


def _forest(seed: int, *, leaf: int, share: float) -> BaseEstimator:
    return _filled(RandomForestRegressor(60, min_samples_leaf=leaf, max_features=share, random_state=seed, n_jobs=1))


def _extra_trees(seed: int, *, leaf: int, share: float) -> BaseEstimator:
    return _filled(ExtraTreesRegressor(100, min_samples_leaf=leaf, max_features=share, random_state=seed, n_jobs=1))


def _boosting(seed: int, *, leaves: int, rounds: int) -> BaseEstimator:
    return HistGradientBoostingRegressor(
        learning_rate=0.08,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        min_samples_leaf=10,
        l2_regularization=5.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )


def _small_boosting(seed: int, *, leaves: int, rounds: int) -> BaseEstimator:
    return HistGradientBoostingRegressor(
        learning_rate=0.08,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        min_samples_leaf=15,
        l2_regularization=5.0,
        max_features=0.5,
        max_bins=63,
        early_stopping=False,
        random_state=seed,
    )


def _kernel(seed: int, *, cost: float, width: float) -> BaseEstimator:
    del seed
    return _scaled(SVR(C=cost, gamma=width, epsilon=0.1))


def _ranked_kernel(seed: int, *, cost: float, width: float) -> BaseEstimator:
    ranks = QuantileTransformer(n_quantiles=200, output_distribution="normal", random_state=seed)
    return make_pipeline(SimpleImputer(keep_empty_features=True), ranks, SVR(C=cost, gamma=width, epsilon=0.1))


def _logistic(seed: int, *, cost: float, weight: str | None) -> BaseEstimator:
    return _scaled(LogisticRegression(C=cost, class_weight=weight, max_iter=2000, random_state=seed))


def _kernel_classes(seed: int, *, cost: float, weight: str | None) -> BaseEstimator:
    return _scaled(SVC(C=cost, class_weight=weight, random_state=seed))


def _forest_classes(seed: int, *, leaf: int, weight: str | None) -> BaseEstimator:
    return _filled(RandomForestClassifier(100, min_samples_leaf=leaf, class_weight=weight, random_state=seed, n_jobs=1))


def _boosting_classes(seed: int, *, leaves: int, rounds: int) -> BaseEstimator:
    return HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        min_samples_leaf=15,
        l2_regularization=5.0,
        max_features=0.5,
        max_bins=63,
        early_stopping=False,
        random_state=seed,
    )


def _perceptron(seed: int, *, width: int, decay: float) -> BaseEstimator:
    return _scaled(
        MLPClassifier(hidden_layer_sizes=(width,), alpha=decay, max_iter=120, early_stopping=True, random_state=seed)
    )


_WEIGHTS: Final = (None, "balanced")
LEARNERS: Final[Mapping[str, Learner]] = {
    "ridge": Learner(what="ridge regression", make=_ridge, grid={"penalty": (0.3, 3.0, 30.0, 100.0, 300.0, 1000.0)}),
    "forest": Learner(what="random forest", make=_forest, grid={"leaf": (1, 3, 8), "share": (0.12, 0.33)}),
    "extra trees": Learner(
        what="extremely randomised trees", make=_extra_trees, grid={"leaf": (1, 3, 8), "share": (0.12, 0.33)}
    ),
    "boosting": Learner(
        what="gradient boosting of histograms", make=_boosting, grid={"leaves": (4, 8, 16), "rounds": (100, 200)}
    ),
    "small boosting": Learner(
        what="gradient boosting of small trees on histograms",
        make=_small_boosting,
        grid={"leaves": (2, 4, 8), "rounds": (40, 80)},
    ),
    "kernel": Learner(
        what="support vector regression, Gaussian kernel",
        make=_kernel,
        grid={"cost": (0.5, 1.5, 4.0), "width": (0.004, 0.01)},
    ),
    "ranked kernel": Learner(
        what="support vector regression, Gaussian kernel, columns made normal by their ranks",
        make=_ranked_kernel,
        grid={"cost": (0.5, 1.0, 2.0), "width": (0.003, 0.006)},
    ),
    "logistic": Learner(
        what="logistic regression", make=_logistic, grid={"cost": (0.01, 0.1, 1.0), "weight": _WEIGHTS}
    ),
    "kernel classes": Learner(
        what="support vector machine, Gaussian kernel",
        make=_kernel_classes,
        grid={"cost": (0.3, 1.0, 3.0), "weight": _WEIGHTS},
    ),
    "forest classes": Learner(
        what="random forest", make=_forest_classes, grid={"leaf": (2, 5, 10), "weight": _WEIGHTS}
    ),
    "small boosting classes": Learner(
        what="gradient boosting of small trees on histograms",
        make=_boosting_classes,
        grid={"leaves": (2, 4, 8), "rounds": (40, 80)},
    ),
    "perceptron": Learner(
        what="perceptron with one hidden layer", make=_perceptron, grid={"width": (16, 64), "decay": (0.01, 0.3, 3.0)}
    ),
}
"""Six settings each: the same budget for all."""
