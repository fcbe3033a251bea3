"""Training the fusion: rank what HetRec's listeners play above drawn artists, and tell SiTunes' liked tracks apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud_trainer.epochs import Epochs
from cloud_trainer.evaluation.ranking import auc, ndcg_at, ranks_of
from cloud_trainer.progress import Progress
from cloud_trainer.recommenders.hybrid_contexts import Contexts, Items, Rated
from cloud_trainer.recommenders.hybrid_network import Frozen, Tensor, Weights, fused_logits, initial_weights

__all__ = ["HybridSettings", "Played", "Validation", "predict", "train_fusion"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HybridSettings:
    """How the fusion is trained.

    Attributes:
        epochs: at most.
        steps: batches in an epoch.
        batch: occasions of each set in a batch.
        positives: played artists of an occasion that are asked for.
        negatives: drawn artists beside them.
        hide: chance that sound, history, state or situation of an occasion is hidden.
        rated_weight: weight of SiTunes' loss.
        learning_rate: of Adam.
        decay: weight of the squared kernels.
        patience: epochs without a gain on validation.
    """

    epochs: int = 24
    steps: int = 40
    batch: int = 40
    positives: int = 4
    negatives: int = 124
    hide: float = 0.3
    rated_weight: float = 0.5
    learning_rate: float = 0.002
    decay: float = 1e-4
    patience: int = 6


@dataclass(frozen=True)
class Played:
    """Occasions of HetRec.

    Attributes:
        contexts: one row each.
        asked: artists played and not given, per row.
        given: artists given, per row.
    """

    contexts: Contexts
    asked: Sequence[Ints]
    given: Sequence[Ints]


@dataclass(frozen=True)
class Validation:
    """What epochs are judged by.

    Attributes:
        artists: HetRec's.
        contexts: occasions of validation listeners.
        blocks: candidates of each, the asked ones first, -1 for an empty place.
        asked: how many are asked for.
        tracks: SiTunes'.
        rated: later ratings.
    """

    artists: Items
    contexts: Contexts
    blocks: Ints
    asked: Sequence[int]
    tracks: Items
    rated: Rated


def predict(weights: Mapping[str, Tensor], frozen: Frozen, inputs: Mapping[str, Floats]) -> Floats:
    """Return the fusion's logits `(n, candidates)`."""
    _, _, fused = fused_logits(weights, frozen, inputs)
    return np.asarray(fused.numpy(), np.float32)


def train_fusion(
    played: Played,
    rated: Rated,
    *,
    validation: Validation,
    frozen: Frozen,
    settings: HybridSettings,
    seed: int,
    progress: Progress,
    checkpoint: Path | None = None,
) -> Weights:
    """Train and return the weights of the best epoch, judged by the sum of AUC and NDCG@10 on validation.

    Args:
        played: occasions of the training listeners.
        rated: the earlier ratings.
        validation: what epochs are judged by; its items are those of all occasions.
        frozen: what stays as it is.
        settings: how.
        seed: of everything random.
        progress: where it is shown.
        checkpoint: file to go on from after an interruption.
    """
    import tensorflow as tf
    import tf_keras as keras

    generator = np.random.default_rng(seed)
    variables = {name: tf.Variable(value) for name, value in initial_weights(generator).items()}
    ordered = list(variables.values())
    kernels = [variable for name, variable in variables.items() if "bias" not in name and name != "out_scores"]
    optimiser = keras.optimizers.Adam(settings.learning_rate, clipnorm=1.0)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def step(listening: Mapping[str, Tensor], rating: Mapping[str, Tensor], liked: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            _, _, ranked = fused_logits(variables, frozen, listening)
            wanted, other = ranked[:, : settings.positives, None], ranked[:, None, settings.positives :]
            margin = wanted - other
            weight = tf.stop_gradient(tf.nn.softmax(-margin))
            ranking = tf.reduce_mean(tf.reduce_sum(weight * tf.nn.softplus(-margin), axis=2))
            _, _, judged = fused_logits(variables, frozen, rating)
            likelihood = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(liked, judged[:, 0]))
            norm = tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
            value = ranking + settings.rated_weight * likelihood + settings.decay * norm
        optimiser.apply_gradients(zip(tape.gradient(value, ordered), ordered, strict=True))
        return value

    optimiser.build(ordered)
    epochs = Epochs(
        "train hybrid",
        most=settings.epochs,
        patience=settings.patience,
        initial=_values(variables),
        variables=[*ordered, *optimiser.variables],
        generator=generator,
        progress=progress,
        checkpoint=checkpoint,
    )
    for _ in epochs:
        for _ in range(settings.steps):
            listening = _played_batch(validation.artists, played, settings, generator)
            rating, liked = _rated_batch(validation.tracks, rated, settings, generator)
            step(_constants(listening), _constants(rating), tf.constant(liked))
        likes, ndcg = _judge(variables, frozen, validation)
        epochs.judge(
            likes + ndcg, _values(variables), f"validation AUC {likes:.3f}, NDCG@10 {ndcg:.3f}", auc=likes, ndcg=ndcg
        )
    return epochs.best


def _values(variables: Mapping[str, Tensor]) -> Weights:
    return {name: variable.numpy() for name, variable in variables.items()}


def _constants(arrays: Mapping[str, Floats]) -> dict[str, Tensor]:
    import tensorflow as tf

    return {name: tf.constant(array) for name, array in arrays.items()}


def _judge(variables: Mapping[str, Tensor], frozen: Frozen, validation: Validation) -> tuple[float, float]:
    """Return the AUC of later ratings and NDCG@10 of new listeners within their blocks.

    Where all or none were liked there is no AUC to be had, and every epoch is as good as the last.
    """
    rated = validation.rated
    likes = 0.5
    if rated.liked.any() and not rated.liked.all():
        logits = predict(variables, frozen, rated.contexts.inputs(validation.tracks, rated.track[:, None]))
        likes = auc(rated.liked, logits[:, 0])
    scores = predict(variables, frozen, validation.contexts.inputs(validation.artists, validation.blocks))
    ndcg = [
        ndcg_at(ranks_of(np.where(block >= 0, row, -np.inf), np.arange(asked)), 10)
        for row, block, asked in zip(scores, validation.blocks, validation.asked, strict=True)
    ]
    return likes, float(np.mean(ndcg))


def _played_batch(
    artists: Items, played: Played, settings: HybridSettings, generator: np.random.Generator
) -> dict[str, Floats]:
    rows = generator.integers(0, len(played.contexts), settings.batch)
    candidates = np.empty((settings.batch, settings.positives + settings.negatives), np.int64)
    for place, row in enumerate(rows):
        wanted = generator.choice(played.asked[row], settings.positives)
        candidates[place] = np.concatenate([wanted, _negatives(artists, played, int(row), settings, generator)])
    return _hidden(played.contexts.take(rows).inputs(artists, candidates), settings.hide, generator)


def _negatives(
    artists: Items, played: Played, row: int, settings: HybridSettings, generator: np.random.Generator
) -> Ints:
    """Draw artists that the listener does not play; those that SVD++ ranks first are not sought out.

    Among them are many that the listener would like and just has not in the data: they would teach the fusion to
    distrust the very score that is right.
    """
    others = np.setdiff1d(np.arange(len(artists.vectors)), np.union1d(played.asked[row], played.given[row]))
    return np.asarray(generator.choice(others, settings.negatives), np.int64)


def _rated_batch(
    tracks: Items, rated: Rated, settings: HybridSettings, generator: np.random.Generator
) -> tuple[dict[str, Floats], Floats]:
    rows = generator.integers(0, len(rated.track), settings.batch)
    chosen = rated.take(rows)
    inputs = _hidden(chosen.contexts.inputs(tracks, chosen.track[:, None]), settings.hide, generator)
    return _unsure(inputs, generator), chosen.liked.astype(np.float32)


def _hidden(inputs: dict[str, Floats], chance: float, generator: np.random.Generator) -> dict[str, Floats]:
    """Hide what a device may not know: sound (of candidates and taste together), history, state, situation."""
    count = len(inputs["affect"])
    result = dict(inputs)
    for group in (("candidates_audio", "user_audio"), ("user_pooled", "user_sequence"), ("affect",), ("situation",)):
        keep = (generator.random(count) >= chance).astype(np.float32)
        for name in group:
            result[name] = result[name] * keep.reshape(-1, *[1] * (result[name].ndim - 1))
    return result


def _unsure(inputs: dict[str, Floats], generator: np.random.Generator) -> dict[str, Floats]:
    """Blur the state as a device would know it, and say by how much."""
    affect = inputs["affect"].copy()
    spread = generator.uniform(0.05, 0.4, (len(affect), 2)).astype(np.float32)
    known = affect[:, 4:5]
    affect[:, :2] = np.clip(affect[:, :2] + generator.normal(size=spread.shape) * spread, -1, 1) * known
    affect[:, 2:4] = spread * known
    return inputs | {"affect": affect}
