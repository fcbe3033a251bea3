"""The sequence model: Bi-LSTM with attention over the last fifty item vectors (DMM-HyRec, section 3.3).

    h_1 … h_50 = BiLSTM(x_1 … x_50),  e_t = vᵀ tanh(W h_t + b),  α = softmax(e),  v_u = Σ_t α_t (P x_t + C h_t)

P begins as the identity and C at zero (a residual connection that the paper does not have): v_u begins as the mean of
what was heard, which is hard to beat with the data at hand, and also means something for vectors never seen.

Padding is zeros on the left, in training as on the device, since a converted recurrent layer sees no mask; the
attention gives padding no weight. v_u lives in the item vectors' space: v_uᵀ x_i ranks what comes next. Loss: Bayesian
personalised ranking, −ln σ(v_uᵀ x_i − v_uᵀ x_j) (Rendle et al. 2009), over drawn j weighted by their softmax, so that
the few negatives that rank high decide (Hidasi & Karatzoglou 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.epochs import Epochs
from cloud_trainer.progress import Progress
from cloud_trainer.recommenders.full_ranking import Case, rank_all
from cloud_trainer.recommenders.sequence_data import HISTORY, padded, sample_windows

__all__ = [
    "SEQUENCE",
    "SequenceSettings",
    "TrainedSequence",
    "from_arrays",
    "network",
    "sequence_scores",
    "train_sequence",
    "user_vectors",
]

SEQUENCE: Final = 64
"""Size of the item vectors and of v_u: two directions of 32 units."""
_UNSEEN: Final = -1e9

Tensor = Any
"""A tensor or a Keras model: TensorFlow publishes no types."""
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SequenceSettings:
    """How the sequence model is trained.

    Attributes:
        epochs: at most; see `patience`.
        steps: batches in an epoch.
        batch: windows in a batch.
        negatives: artists drawn per batch, shared by its windows.
        learning_rate: of Adam.
        decay: weight of the squared distance of the item vectors from where they began.
        dropout: of the item vectors' components.
        patience: epochs without a gain in NDCG@10 on validation.
    """

    epochs: int = 12
    steps: int = 40
    batch: int = 256
    negatives: int = 1024
    learning_rate: float = 0.001
    decay: float = 0.2
    dropout: float = 0.4
    patience: int = 3


@dataclass(frozen=True)
class TrainedSequence:
    """What training gives.

    Attributes:
        vectors: of the items, shape `(items, 64)`.
        weights: of `network`, in Keras' order.
    """

    vectors: Floats
    weights: list[Floats]

    def as_arrays(self) -> dict[str, Floats]:
        """Return vectors and weights by name, to be stored."""
        return _as_arrays(self.vectors, self.weights)


def network(*, batch_size: int | None = None, dropout: float = 0.0) -> Tensor:
    """Return the Keras model `items, mask -> user, attention`; a batch size of 1 makes its LSTM convertible."""
    import tf_keras as keras

    layers = keras.layers
    items = keras.Input((HISTORY, SEQUENCE), batch_size=batch_size, name="items")
    mask = keras.Input((HISTORY,), batch_size=batch_size, name="mask")
    x = layers.SpatialDropout1D(dropout)(items) if dropout else items
    hidden = layers.Bidirectional(layers.LSTM(SEQUENCE // 2, return_sequences=True), name="lstm")(x)
    energy = layers.Dense(SEQUENCE // 2, activation="tanh", name="energy")(hidden)
    energy = layers.Dense(1, use_bias=False, name="weight")(energy)
    # Without names Keras counts models and layers of the process, and the counts would stand in the converted file.
    unseen = layers.Lambda(lambda seen: (seen - 1.0) * -_UNSEEN, name="unseen")(mask)
    energy = layers.Add(name="energy_of_seen")([layers.Reshape((HISTORY,), name="energies")(energy), unseen])
    attention = layers.Softmax(name="attention")(energy)
    through = layers.Dense(SEQUENCE, use_bias=False, kernel_initializer="identity", name="through")(x)
    context = layers.Dense(SEQUENCE, use_bias=False, kernel_initializer="zeros", name="context")(hidden)
    both = layers.Add(name="both")([through, context])
    user = layers.Lambda(lambda pair: pair[0] * pair[1][:, :, None], name="weighted")([both, attention])
    user = layers.Lambda(sum_over_time, name="user")(user)
    return keras.Model([items, mask], {"user": user, "attention": attention}, name="sequence")


def sum_over_time(weighted: Tensor) -> Tensor:
    """Return the sum over the second axis."""
    import tensorflow as tf

    return tf.reduce_sum(weighted, axis=1)


def user_vectors(model: Tensor, vectors: Floats, histories: Sequence[Ints]) -> Floats:
    """Return v_u of each history, shape `(histories, 64)`; zeros where a history is empty."""
    windows = [padded(history) for history in histories]
    items = np.stack([window for window, _ in windows])
    mask = np.stack([seen for _, seen in windows])
    found = np.zeros((len(histories), SEQUENCE), np.float32)
    for start in range(0, len(histories), 256):
        part = slice(start, start + 256)
        found[part] = model([vectors[items[part]] * mask[part][:, :, None], mask[part]])["user"].numpy()
    return np.asarray(found * (mask.sum(axis=1, keepdims=True) > 0), np.float32)


def train_sequence(
    sequences: Sequence[Ints],
    cases: Sequence[Case],
    initial: Floats,
    *,
    settings: SequenceSettings,
    seed: int,
    progress: Progress,
    checkpoint: Path | None = None,
) -> TrainedSequence:
    """Train item vectors and network together and return those of the best epoch.

    Args:
        sequences: the training part of each training user's sequence.
        cases: validation, for early stopping.
        initial: item vectors to begin with, shape `(items, 64)`.
        settings: how.
        seed: of everything random.
        progress: where it is shown.
        checkpoint: file to go on from after an interruption.
    """
    import tensorflow as tf
    import tf_keras as keras

    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    model = network(dropout=settings.dropout)
    vectors = tf.Variable(initial.astype(np.float32))
    start = tf.constant(initial.astype(np.float32))
    variables = [vectors, *model.trainable_variables]
    optimiser = keras.optimizers.Adam(settings.learning_rate)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def step(items: Tensor, mask: Tensor, target: Tensor, drawn: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            user = model([tf.gather(vectors, items) * mask[:, :, None], mask], training=True)["user"]
            liked, other = tf.gather(vectors, target), tf.gather(vectors, drawn)
            margin = tf.reduce_sum(user * liked, axis=1, keepdims=True) - tf.matmul(user, other, transpose_b=True)
            weight = tf.stop_gradient(tf.nn.softmax(-margin))
            ranking = tf.reduce_mean(tf.reduce_sum(weight * tf.nn.softplus(-margin), axis=1))
            away = tf.gather(vectors - start, tf.concat([target, drawn], axis=0))
            value = ranking + settings.decay * tf.reduce_mean(tf.reduce_sum(away**2, axis=1))
        optimiser.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    trainable = [sequence for sequence in sequences if len(sequence) > 1]
    optimiser.build(variables)
    epochs = Epochs(
        "train sequence",
        most=settings.epochs,
        patience=settings.patience,
        initial=_as_arrays(vectors.numpy(), model.get_weights()),
        variables=[vectors, *model.variables, *optimiser.variables],
        generator=generator,
        progress=progress,
        checkpoint=checkpoint,
    )
    for _ in epochs:
        for _ in range(settings.steps):
            items, mask, target = sample_windows(trainable, settings.batch, generator)
            drawn = generator.integers(0, len(initial), settings.negatives)
            step(tf.constant(items), tf.constant(mask), tf.constant(target), tf.constant(drawn))
        now = vectors.numpy()
        ndcg = float(rank_all(cases, partial(sequence_scores, model, now)).ndcg.mean())
        epochs.judge(ndcg, _as_arrays(now, model.get_weights()), f"NDCG@10 {max(ndcg, epochs.score):.4f}")
    return from_arrays(epochs.best)


def _as_arrays(vectors: Floats, weights: Sequence[Floats]) -> dict[str, Floats]:
    return {"vectors": vectors} | {f"weight.{i}": weight for i, weight in enumerate(weights)}


def from_arrays(arrays: Mapping[str, Floats]) -> TrainedSequence:
    """Return what `TrainedSequence.as_arrays` has laid out."""
    return TrainedSequence(arrays["vectors"], [arrays[f"weight.{i}"] for i in range(len(arrays) - 1)])


def sequence_scores(model: Tensor, vectors: Floats, cases: Sequence[Case]) -> Floats:
    """Return v_uᵀ x_i of all items, shape `(cases, items)`."""
    return np.asarray(user_vectors(model, vectors, [given.items for _, given, _ in cases]) @ vectors.T, np.float32)
