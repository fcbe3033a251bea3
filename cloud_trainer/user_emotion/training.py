"""Training `user_emotion`: Gaussian likelihood on disturbed batches, judged and calibrated on other persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cloud_trainer.epochs import Epochs
from cloud_trainer.evaluation.uncertainty import gaussian_nll
from cloud_trainer.progress import Progress
from cloud_trainer.user_emotion.augmentation import BODY_HIDDEN, Batch, disturb
from cloud_trainer.user_emotion.examples import Examples, concatenate
from cloud_trainer.user_emotion.layers import Tensor
from cloud_trainer.user_emotion.network import ATTENTION, Network, Weights
from cloud_trainer.user_emotion.wesad_examples import Subject, draw

__all__ = ["Settings", "View", "everything", "predict", "train"]

Floats = npt.NDArray[np.float32]
View: TypeAlias = Callable[[Floats], Floats]
"""What of a mask `(n, 32, F)` a network may see; it is asked after all disturbances."""


def everything(mask: Floats) -> Floats:
    """Hide nothing."""
    return mask


@dataclass(frozen=True)
class Settings:
    """How `user_emotion` is trained.

    Attributes:
        epochs: at most.
        steps: batches in an epoch.
        batch: examples in a batch.
        wesad_share: share of a batch that is WESAD's; the rest is drawn evenly from the other kinds.
        wesad_pool: histories that are drawn from WESAD's windows once.
        learning_rate: of Adam at its height, after a tenth of the training; it falls to nothing by a cosine.
        decay: weight of the squared kernels.
        dropout: of units.
        beta: the likelihood's gradient is weighted by σ^(2β), so that examples of small variance do not decide alone
            (Seitzer et al. 2022, ICLR).
        patience: epochs without a gain on the validation persons.
        steady: whether the learning rate stays at its height throughout.
        disturbed: whether batches are disturbed, or shown as the sets recorded them.
        body_hidden, body_offset: how training batches are disturbed, see `disturb`.
    """

    epochs: int = 20
    steps: int = 75
    batch: int = 192
    wesad_share: float = 0.35
    wesad_pool: int = 8000
    learning_rate: float = 0.002
    decay: float = 1e-4
    dropout: float = 0.15
    beta: float = 0.5
    patience: int = 8
    steady: bool = False
    disturbed: bool = True
    body_hidden: float = BODY_HIDDEN
    body_offset: float = 0.0


def predict(
    weights: Mapping[str, Tensor], steps: Floats, mask: Floats, network: Network = ATTENTION
) -> dict[str, Floats]:
    """Return the network's outputs as arrays, in blocks of 512."""
    parts = [
        {name: value.numpy() for name, value in network.forward(weights, steps[i : i + 512], mask[i : i + 512]).items()}
        for i in range(0, len(steps), 512)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def train(  # noqa: PLR0913 - who is learnt from, what, how, and where it goes on after an interruption
    examples: Examples,
    subjects: Sequence[Subject],
    validation: Examples,
    validation_subjects: Sequence[Subject],
    *,
    settings: Settings,
    seed: int,
    progress: Progress,
    network: Network = ATTENTION,
    view: View = everything,
    checkpoint: Path | None = None,
) -> Weights:
    """Train and return the weights of the best epoch, their variance calibrated on the validation persons.

    Args:
        examples: of the training persons.
        subjects: WESAD's training persons.
        validation: of the validation persons.
        validation_subjects: WESAD's.
        settings: how.
        seed: of everything random.
        progress: where it is shown.
        network: what to train.
        view: what of the inputs it may see.
        checkpoint: file to go on from after an interruption.
    """
    import tensorflow as tf

    generator = np.random.default_rng(seed)
    tf.random.set_seed(seed)
    variables = {
        name: tf.Variable(value, trainable=name != "log_variance.shift")
        for name, value in network.initial_weights(generator).items()
    }
    step, optimised = _step(network, variables, settings)
    # The same disturbed validation batches every time, so that epochs compare, and settings.
    fixed = np.random.default_rng([seed, 1])
    held = _with_wesad(validation, validation_subjects, 1024, fixed)
    judged = [_batch(held, _as_on_a_device(settings), 1024, fixed, view) for _ in range(2)]
    pool = _with_wesad(examples, subjects, settings.wesad_pool, generator)
    epochs = Epochs(
        "train user_emotion",
        most=settings.epochs,
        patience=settings.patience,
        initial=_values(variables),
        variables=[*variables.values(), *optimised],
        generator=generator,
        progress=progress,
        checkpoint=checkpoint,
    )
    for _ in epochs:
        for _ in range(settings.steps):
            batch = _batch(pool, settings, settings.batch, generator, view).inputs
            step(*(tf.constant(part) for part in batch))
        nll = float(np.mean([_nll(variables, batch.inputs, network) for batch in judged]))
        epochs.judge(-nll, _values(variables), f"validation NLL {min(nll, -epochs.score):.4f}")
    return _calibrated(epochs.best, judged, network)


def _step(
    network: Network, variables: Mapping[str, Tensor], settings: Settings
) -> tuple[Callable[[Tensor, Tensor, Tensor], Tensor], Sequence[Tensor]]:
    """Return the function that learns from steps, mask and labels, and the optimiser's own variables."""
    import tensorflow as tf
    import tf_keras as keras

    trainable = [variable for variable in variables.values() if variable.trainable]
    kernels = [variable for variable in trainable if len(variable.shape) == 2]
    optimiser = keras.optimizers.Adam(_learning_rate(settings), clipnorm=1.0)
    optimiser.build(trainable)

    def step(steps: Tensor, mask: Tensor, label: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            out = network.forward(variables, steps, mask, dropout=settings.dropout)
            variance = tf.exp(out["log_variance"])
            likelihood = 0.5 * (out["log_variance"] + (label - out["mean"]) ** 2 / variance)
            weighted = likelihood * tf.stop_gradient(variance**settings.beta)
            value = tf.reduce_mean(weighted) + settings.decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
        optimiser.apply_gradients(zip(tape.gradient(value, trainable), trainable, strict=True))
        return value

    compiled: Callable[[Tensor, Tensor, Tensor], Tensor] = tf.function(step)
    return compiled, optimiser.variables


def _as_on_a_device(settings: Settings) -> Settings:
    """Return how validation batches are drawn: what is learnt from more, or moved further, is not judged by it."""
    plain = Settings()
    return replace(settings, wesad_share=plain.wesad_share, body_hidden=BODY_HIDDEN, body_offset=0.0)


def _values(variables: Mapping[str, Tensor]) -> Weights:
    return {name: variable.numpy() for name, variable in variables.items()}


def _learning_rate(settings: Settings) -> Any:  # noqa: ANN401 - a number or Keras' schedule, which has no type
    """Return a tenth of rising and a cosine's fall; a steady rate where that is asked for."""
    import tf_keras as keras

    if settings.steady:
        return settings.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        int(settings.epochs * settings.steps * 0.9),
        warmup_target=settings.learning_rate,
        warmup_steps=max(1, settings.epochs * settings.steps // 10),
    )


def _with_wesad(
    examples: Examples, subjects: Sequence[Subject], count: int, generator: np.random.Generator
) -> Examples:
    return concatenate([examples, draw(subjects, count, generator)])


@dataclass(frozen=True)
class _Drawn:
    """A disturbed batch and whose examples it holds."""

    inputs: Batch
    person: npt.NDArray[np.str_]


def _batch(pool: Examples, settings: Settings, count: int, generator: np.random.Generator, view: View) -> _Drawn:
    kinds, group = np.unique(pool.kind, return_inverse=True)
    share = np.where(kinds == "wesad", settings.wesad_share, (1 - settings.wesad_share) / (len(kinds) - 1))
    chance = (share / np.bincount(group))[group]
    drawn = pool.take(generator.choice(len(pool), count, p=chance / chance.sum()))
    if settings.disturbed:
        steps, mask, label = disturb(
            drawn, generator, body_hidden=settings.body_hidden, body_offset=settings.body_offset
        )
    else:
        steps, mask = drawn.normalised()
        label = drawn.label.astype(np.float32)
    return _Drawn((steps, view(mask), label), drawn.person)


def _nll(weights: Mapping[str, Tensor], batch: Batch, network: Network) -> float:
    out = predict(weights, batch[0], batch[1], network)
    return float(gaussian_nll(batch[2], out["mean"], np.exp(out["log_variance"])).mean())


def _calibrated(weights: Weights, judged: Sequence[_Drawn], network: Network) -> Weights:
    """Scale the variances so that squared errors on the validation persons are what they claim.

    Persons count alike, and one standard error of their mean is added: the next person is none of these.
    """
    ratios, people = [], np.concatenate([batch.person for batch in judged])
    for batch in judged:
        steps, mask, label = batch.inputs
        out = predict(weights, steps, mask, network)
        ratios.append((label - out["mean"]) ** 2 / np.exp(out["log_variance"]))
    errors = np.concatenate(ratios)
    per_person = np.stack([errors[people == person].mean(axis=0) for person in np.unique(people)])
    claimed = per_person.mean(axis=0) + per_person.std(axis=0) / np.sqrt(len(per_person))
    return weights | {"log_variance.shift": np.clip(np.log(claimed), -0.5, 1.0).astype(np.float32)}
