"""SVD++ and NCF with the listener folded in: item vectors are trained, user vectors are a sum over the history.

SVD++ (Koren 2008) without the free user vector, because the device knows its listener from a history alone:

    r(u, i) = b_i + q_iᵀ |N(u)|^-½ Σ_{j ∈ N(u)} w_j y_j

NCF (He et al. 2017): the generalised matrix factorisation and the perceptron share one item vector of 32 numbers, half
each; the user side is a dense layer over the pooled history:

    z_u = |N(u)|^-½ Σ_j w_j x_j;  [g_u, m_u] = W_u z_u + b_u
    r(u, i) = hᵀ[g_u ⊙ g_i, MLP(m_u, m_i)]

w_j in (0, 1] is the confidence in an interaction. Both learn by softmax cross-entropy of what a listener plays against
artists that he or she does not: all of them for SVD++ (a product of matrices), drawn ones for NCF. A random half to
nine tenths of each history is folded in and only the rest is asked for; otherwise y would learn to name itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.epochs import Epochs
from cloud_trainer.progress import Progress
from cloud_trainer.recommenders.full_ranking import Case, rank_all
from cloud_trainer.recommenders.interactions import History

__all__ = ["FACTORS", "FactorSettings", "ncf_forward", "ncf_scores", "pool", "svdpp_scores", "train_ncf", "train_svdpp"]

FACTORS: Final = 32
"""Size of an item vector of SVD++ (q and y) and of NCF."""
_HALF: Final = FACTORS // 2

Tensor = Any
"""A tensor: TensorFlow publishes no types."""
Weights = dict[str, npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FactorSettings:
    """How the factors are trained.

    Attributes:
        epochs: at most; training ends when NDCG@10 on the validation listeners has not risen for `patience` checks.
        batch: listeners per step.
        learning_rate: of Adam.
        decay: weight of the squared norm of the item vectors in use.
        negatives: artists drawn per step for NCF, shared by the batch.
        check_every: epochs between two looks at the validation listeners.
        patience: checks without a gain.
    """

    epochs: int = 100
    batch: int = 128
    learning_rate: float = 0.003
    decay: float = 3e-5
    negatives: int = 512
    check_every: int = 4
    patience: int = 3


def pool(history: History, vectors: Floats) -> Floats:
    """Return |N|^-½ Σ_j w_j x_j over the history, shape `(d,)`; zeros for an empty one."""
    if len(history.items) == 0:
        return np.zeros(vectors.shape[1], np.float32)
    total = history.weights @ vectors[history.items]
    return np.asarray(total / np.sqrt(len(history.items)), np.float32)


def svdpp_scores(weights: Mapping[str, Floats], cases: Sequence[Case]) -> Floats:
    """Return SVD++'s scores of all items, shape `(cases, items)`."""
    users = np.stack([pool(given, weights["y"]) for _, given, _ in cases])
    return np.asarray(users @ weights["q"].T + weights["bias"][:, 0], np.float32)


def ncf_scores(weights: Mapping[str, Floats], cases: Sequence[Case]) -> Floats:
    """Return NCF's scores of all items, shape `(cases, items)`."""
    return np.stack([ncf_forward(weights, pool(given, weights["items"]), weights["items"]) for _, given, _ in cases])


def ncf_forward(weights: Mapping[str, Floats], pooled: Floats, items: Floats) -> Floats:
    """Return NCF's scores of items for one listener, in NumPy: `pooled (32,)`, `items (n, 32)` -> `(n,)`."""
    user = pooled @ weights["user_kernel"] + weights["user_bias"]
    hidden = items[:, _HALF:] @ weights["mlp1_item"] + user[_HALF:] @ weights["mlp1_user"] + weights["mlp1_bias"]
    hidden = np.maximum(np.maximum(hidden, 0) @ weights["mlp2"] + weights["mlp2_bias"], 0)
    score = (items[:, :_HALF] * user[:_HALF]) @ weights["out_gmf"] + hidden @ weights["out_mlp"]
    return np.asarray(score[:, 0], np.float32)


def train_svdpp(
    histories: Sequence[History],
    cases: Sequence[Case],
    *,
    items: int,
    settings: FactorSettings,
    seed: int,
    progress: Progress,
    checkpoint: Path | None = None,
) -> Weights:
    """Train SVD++ and return `q (items, 32)`, `bias (items, 1)`, `y (items, 32)` of the best epoch.

    Args:
        histories: of the training listeners.
        cases: validation listeners, for early stopping.
        items: number of items.
        settings: how.
        seed: of everything random.
        progress: where it is shown.
        checkpoint: file to go on from after an interruption.
    """
    generator = np.random.default_rng(seed)
    initial = {
        "q": generator.normal(0, 0.05, (items, FACTORS)),
        "y": generator.normal(0, 0.05, (items, FACTORS)),
        "bias": _log_popularity(histories, items)[:, None],
    }

    def loss(w: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        import tensorflow as tf

        user = tf.linalg.matmul(batch["given"], w["y"])
        logits = tf.linalg.matmul(user, w["q"], transpose_b=True) + tf.transpose(w["bias"])
        # What is folded in is out of the competition, as it is when ranking.
        logits -= 1e4 * tf.cast(batch["given"] > 0, tf.float32)
        likelihood = tf.reduce_sum(batch["asked"] * tf.nn.log_softmax(logits), axis=1)
        decay = tf.reduce_mean(tf.reduce_sum(user**2, axis=1)) + tf.reduce_mean(tf.reduce_sum(w["q"] ** 2, axis=1))
        return -tf.reduce_mean(likelihood) + settings.decay * 100 * decay

    job = _Job("SVD++", initial, loss, svdpp_scores, items, 0)
    return _train(job, histories, cases, settings=settings, seed=seed, progress=progress, checkpoint=checkpoint)


def train_ncf(
    histories: Sequence[History],
    cases: Sequence[Case],
    *,
    items: int,
    settings: FactorSettings,
    seed: int,
    progress: Progress,
    checkpoint: Path | None = None,
) -> Weights:
    """Train NCF and return its item vectors `items` and the weights of its towers; see `train_svdpp`."""
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> npt.NDArray[np.float64]:
        return generator.normal(0, (2 / sum(shape)) ** 0.5, shape)

    initial = {
        "items": generator.normal(0, 0.1, (items, FACTORS)),
        "user_kernel": np.eye(FACTORS) + 0.05 * draw(FACTORS, FACTORS),
        "user_bias": np.zeros(FACTORS),
        "mlp1_item": draw(_HALF, FACTORS),
        "mlp1_user": draw(_HALF, FACTORS),
        "mlp1_bias": np.zeros(FACTORS),
        "mlp2": draw(FACTORS, _HALF),
        "mlp2_bias": np.zeros(_HALF),
        "out_gmf": np.ones((_HALF, 1)),
        "out_mlp": draw(_HALF, 1),
    }

    def loss(w: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        import tensorflow as tf

        pooled = tf.linalg.matmul(batch["given"], w["items"])
        user = tf.linalg.matmul(pooled, w["user_kernel"]) + w["user_bias"]
        items_ = tf.gather(w["items"], batch["columns"])
        gmf = tf.linalg.matmul(user[:, :_HALF] * w["out_gmf"][:, 0], items_[:, :_HALF], transpose_b=True)
        hidden = tf.linalg.matmul(items_[:, _HALF:], w["mlp1_item"])[None]
        hidden += tf.linalg.matmul(user[:, _HALF:], w["mlp1_user"])[:, None] + w["mlp1_bias"]
        hidden = tf.nn.relu(tf.nn.relu(hidden) @ w["mlp2"] + w["mlp2_bias"])
        logits = gmf + (hidden @ w["out_mlp"])[:, :, 0]
        logits -= 1e4 * tf.cast(tf.gather(batch["given"], batch["columns"], axis=1) > 0, tf.float32)
        asked = tf.gather(batch["asked"], batch["columns"], axis=1)
        likelihood = tf.reduce_sum(asked * tf.nn.log_softmax(logits), axis=1)
        return -tf.reduce_mean(likelihood) + settings.decay * tf.reduce_sum(items_**2) / settings.batch

    job = _Job("NCF", initial, loss, ncf_scores, items, settings.negatives)
    return _train(job, histories, cases, settings=settings, seed=seed, progress=progress, checkpoint=checkpoint)


def _log_popularity(histories: Sequence[History], items: int) -> npt.NDArray[np.float64]:
    counts = np.bincount(np.concatenate([history.items for history in histories]), minlength=items)
    logarithm = np.log(counts + 1.0)
    return np.asarray(logarithm - logarithm.mean(), np.float64)


def _batch(
    histories: Sequence[History], chosen: npt.NDArray[np.int64], items: int, generator: np.random.Generator
) -> dict[str, npt.NDArray[Any]]:
    given = np.zeros((len(chosen), items), np.float32)
    asked = np.zeros((len(chosen), items), np.float32)
    for row, user in enumerate(chosen):
        history = histories[user]
        folded = generator.random(len(history.items)) < generator.uniform(0.5, 0.9)
        inside, outside = history.items[folded], history.items[~folded]
        # The device's confidences are its own, so every other time all interactions count alike.
        weight = history.weights[folded] if generator.random() < 0.5 else 1.0
        given[row, inside] = weight / np.sqrt(max(len(inside), 1))
        asked[row, outside] = 1 / max(len(outside), 1)
    return {"given": given, "asked": asked}


def _columns(
    batch: Mapping[str, npt.NDArray[Any]], items: int, negatives: int, generator: np.random.Generator
) -> npt.NDArray[np.int32]:
    """Return every item that somebody in the batch is asked for, and `negatives` drawn ones."""
    positive = np.flatnonzero(batch["asked"].any(axis=0))
    drawn = generator.choice(items, min(negatives, items), replace=False)
    return np.union1d(positive, drawn).astype(np.int32)


@dataclass(frozen=True)
class _Job:
    """What is trained: first weights, loss of a batch, scores for the validation, and how many items are drawn."""

    label: str
    initial: Mapping[str, npt.NDArray[np.float64]]
    loss: Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], Tensor]
    scores: Callable[[Mapping[str, Floats], Sequence[Case]], Floats]
    items: int
    drawn: int


def _train(
    job: _Job,
    histories: Sequence[History],
    cases: Sequence[Case],
    *,
    settings: FactorSettings,
    seed: int,
    progress: Progress,
    checkpoint: Path | None = None,
) -> Weights:
    import tensorflow as tf

    variables = {name: tf.Variable(value.astype(np.float32)) for name, value in job.initial.items()}
    ordered = list(variables.values())
    optimiser = tf.keras.optimizers.Adam(settings.learning_rate)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def step(batch: Mapping[str, Tensor]) -> Tensor:
        with tf.GradientTape() as tape:
            value = job.loss(variables, batch)
        optimiser.apply_gradients(zip(tape.gradient(value, ordered), ordered, strict=True))
        return value

    generator = np.random.default_rng(seed)
    optimiser.build(ordered)
    epochs = Epochs(
        f"train {job.label}",
        most=settings.epochs,
        patience=settings.patience,
        initial=_values(variables),
        variables=[*ordered, *optimiser.variables],
        generator=generator,
        progress=progress,
        checkpoint=checkpoint,
    )
    for epoch in epochs:
        order = generator.permutation(len(histories))
        for start in range(0, len(order), settings.batch):
            batch = _batch(histories, order[start : start + settings.batch], job.items, generator)
            if job.drawn:
                batch["columns"] = _columns(batch, job.items, job.drawn, generator)
            step({name: tf.constant(value) for name, value in batch.items()})
        if (epoch + 1) % settings.check_every == 0:
            now = _values(variables)
            ndcg = float(rank_all(cases, partial(job.scores, now)).ndcg.mean())
            epochs.judge(ndcg, now, f"NDCG@10 {max(ndcg, epochs.score):.4f}")
    return epochs.best


def _values(variables: Mapping[str, Tensor]) -> Weights:
    return {name: variable.numpy() for name, variable in variables.items()}
