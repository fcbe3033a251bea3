"""Training the fusion: rank what HetRec's listeners play above drawn artists, and tell SiTunes' liked tracks apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cloud_trainer.evaluation.ranking import auc
from cloud_trainer.progress import Progress
from cloud_trainer.recommenders.hybrid_contexts import Contexts, Items, Rated
from cloud_trainer.recommenders.hybrid_network import Frozen, Tensor, Weights, fused_logits, initial_weights

__all__ = ["HybridSettings", "Played", "predict", "train_fusion"]

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
        negatives: drawn artists beside them; half of them are among the listener's best by SVD++, because the first
            places are decided between such.
        hide: chance that sound, history, state or situation of an occasion is hidden.
        rated_weight: weight of SiTunes' loss.
        learning_rate: of Adam.
        decay: weight of the squared kernels.
        patience: epochs without a gain on validation.
    """

    epochs: int = 24
    steps: int = 40
    batch: int = 48
    positives: int = 4
    negatives: int = 60
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
        strong: artists that SVD++ ranks first, given and asked ones left out, per row.
    """

    contexts: Contexts
    asked: Sequence[Ints]
    given: Sequence[Ints]
    strong: Sequence[Ints]


def predict(weights: Mapping[str, Tensor], frozen: Frozen, inputs: Mapping[str, Floats]) -> Floats:
    """Return the fusion's logits `(n, candidates)`."""
    _, _, fused = fused_logits(weights, frozen, inputs)
    return np.asarray(fused.numpy(), np.float32)


def train_fusion(
    artists: Items,
    played: Played,
    tracks: Items,
    rated: Rated,
    *,
    validation: Rated,
    frozen: Frozen,
    settings: HybridSettings,
    seed: int,
    progress: Progress,
) -> Weights:
    """Train and return the weights of the best epoch, judged by likelihood and ranking on the validation ratings.

    Args:
        artists: HetRec's.
        played: occasions of the training listeners.
        tracks: SiTunes'.
        rated: the earlier ratings.
        validation: later ratings.
        frozen: what stays as it is.
        settings: how.
        seed: of everything random.
        progress: where it is shown.
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

    best, best_score, waited = _values(variables), -np.inf, 0
    with progress.task("train hybrid", settings.epochs) as advance:
        for _ in range(settings.epochs):
            for _ in range(settings.steps):
                listening = _played_batch(artists, played, settings, generator)
                rating, liked = _rated_batch(tracks, rated, settings, generator)
                step(_constants(listening), _constants(rating), tf.constant(liked))
            score = _judge(variables, frozen, tracks, validation)
            best, best_score, waited = (
                (_values(variables), score, 0) if score > best_score else (best, best_score, waited + 1)
            )
            advance(f"validation AUC {best_score:.3f}")
            if waited >= settings.patience:
                break
    return best


def _values(variables: Mapping[str, Tensor]) -> Weights:
    return {name: variable.numpy() for name, variable in variables.items()}


def _constants(arrays: Mapping[str, Floats]) -> dict[str, Tensor]:
    import tensorflow as tf

    return {name: tf.constant(array) for name, array in arrays.items()}


def _judge(variables: Mapping[str, Tensor], frozen: Frozen, tracks: Items, validation: Rated) -> float:
    """Return the AUC; where all or none were liked there is none to be had, and every epoch is as good as the last."""
    if validation.liked.all() or not validation.liked.any():
        return 0.0
    logits = predict(variables, frozen, validation.contexts.inputs(tracks, validation.track[:, None]))
    return auc(validation.liked, logits[:, 0])


def _played_batch(
    artists: Items, played: Played, settings: HybridSettings, generator: np.random.Generator
) -> dict[str, Floats]:
    rows = generator.integers(0, len(played.contexts), settings.batch)
    candidates = np.empty((settings.batch, settings.positives + settings.negatives), np.int64)
    for place, row in enumerate(rows):
        wanted = generator.choice(played.asked[row], settings.positives)
        strong = generator.choice(played.strong[row], settings.negatives // 2)
        drawn = generator.integers(0, len(artists.vectors), settings.negatives - len(strong))
        # A drawn artist that the listener plays is no negative; SVD++'s list holds none of them.
        played_too = np.isin(drawn, played.asked[row]) | np.isin(drawn, played.given[row])
        drawn[played_too] = generator.choice(played.strong[row], int(played_too.sum()))
        candidates[place] = np.concatenate([wanted, strong, drawn])
    return _hidden(played.contexts.take(rows).inputs(artists, candidates), settings.hide, generator)


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
