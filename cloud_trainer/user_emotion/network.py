"""The attention network: a history of steps and the current one to the distribution of valence and arousal.

After Lin, Huang & Zhang (2025), section 3.3:

    X = embed(steps, mask) + place
    Attention = softmax(QKᵀ/√d_k) V,  MultiHead = Concat(head_1 … head_4) W_o      two layers, with residuals
    U_emotion = the newest step's row,  U_dynamic = combine(U_emotion, X_current),  X_current = the newest step itself
    mean = tanh(…),  log σ² = centre + reach · tanh(…)

Padding gets no attention. The weights are NumPy arrays by name; `forward` takes them as arrays or variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from cloud_trainer.user_emotion.examples import SIZE
from cloud_trainer.user_emotion.layers import Tensor, attend, dense, drop, normalise
from models.physiology.schema import STEPS

__all__ = [
    "ATTENTION",
    "LOG_VARIANCE",
    "SHAPE",
    "Forward",
    "Network",
    "Shape",
    "Weights",
    "attention_network",
    "forward",
    "initial_weights",
]

Weights = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Shape:
    """Size of the network.

    Attributes:
        width: of a step's embedding; a multiple of `heads`.
        heads: of the attention.
        layers: of attention.
        hidden: units between two layers.
    """

    width: int = 56
    heads: int = 4
    layers: int = 2
    hidden: int = 112


SHAPE: Final = Shape()
"""Of the network that ships."""
LOG_VARIANCE: Final = (-3.0, 2.2)
"""Centre and reach of log σ²: standard deviations between .07 and .67, no surer than a rating, no wider than the plane
needs."""


class Forward(Protocol):
    """What a network computes."""

    def __call__(
        self, weights: Mapping[str, Tensor], steps: Tensor, mask: Tensor, *, dropout: float = 0.0
    ) -> dict[str, Tensor]:
        """Return at least `mean` and `log_variance`, `(n, 2)` each, of steps and mask `(n, 32, F)`."""


@dataclass(frozen=True)
class Network:
    """A network to train.

    Attributes:
        initial_weights: draws the weights to begin with; those that end in `log_variance.shift` are not trained.
        forward: what it computes with them.
    """

    initial_weights: Callable[[np.random.Generator], Weights]
    forward: Forward


def initial_weights(generator: np.random.Generator, shape: Shape = SHAPE) -> Weights:
    """Return Glorot-normal kernels and zero biases."""
    width = shape.width
    shapes = {
        "embed": (2 * SIZE, width),
        "current": (2 * SIZE, width),
        "combine": (2 * width, width),
        "mean": (width, 2),
        "log_variance": (width, 2),
    }
    for layer in range(shape.layers):
        shapes |= {f"{layer}.{name}": (width, width) for name in ("query", "key", "value", "out")}
        shapes |= {f"{layer}.wide": (width, shape.hidden), f"{layer}.narrow": (shape.hidden, width)}
    weights: Weights = {}
    for name, sizes in shapes.items():
        weights[name] = generator.normal(0, (2 / sum(sizes)) ** 0.5, sizes).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(sizes[1], np.float32)
    for layer in range(shape.layers):
        for norm in ("norm1", "norm2"):
            weights[f"{layer}.{norm}.scale"] = np.ones(width, np.float32)
            weights[f"{layer}.{norm}.shift"] = np.zeros(width, np.float32)
    weights["place"] = generator.normal(0, 0.05, (STEPS, width)).astype(np.float32)
    # Multiplies the predicted variance; fitted on validation persons after training.
    weights["log_variance.shift"] = np.zeros(2, np.float32)
    return weights


def forward(
    weights: Mapping[str, Tensor], steps: Tensor, mask: Tensor, *, dropout: float = 0.0, shape: Shape = SHAPE
) -> dict[str, Tensor]:
    """Return `mean (n, 2)`, `log_variance (n, 2)`, `attention (n, 32)`.

    Args:
        weights: as `initial_weights` names them.
        steps: `(n, 32, F)`.
        mask: `(n, 32, F)`.
        dropout: share of units that training silences.
        shape: with which the weights were drawn.
    """
    import tensorflow as tf

    known = tf.concat([steps * mask, mask], axis=2)
    seen = tf.reduce_max(mask, axis=2)
    x = dense(weights, "embed", known) + weights["place"]
    attentions = []
    for layer in range(shape.layers):
        attended, attention = attend(weights, layer, normalise(weights, f"{layer}.norm1", x), seen, shape.heads)
        x += drop(attended, dropout)
        wide = tf.nn.relu(dense(weights, f"{layer}.wide", normalise(weights, f"{layer}.norm2", x)))
        x += drop(dense(weights, f"{layer}.narrow", wide), dropout)
        attentions.append(attention)
    current = tf.nn.relu(dense(weights, "current", known[:, -1]))
    combined = tf.nn.relu(dense(weights, "combine", tf.concat([x[:, -1], drop(current, dropout)], axis=1)))
    combined = drop(combined, dropout)
    centre, reach = LOG_VARIANCE
    spread = centre + reach * tf.tanh(dense(weights, "log_variance", combined))
    return {
        "mean": tf.tanh(dense(weights, "mean", combined)),
        "log_variance": spread + weights["log_variance.shift"],
        "attention": sum(attentions[1:], attentions[0]) / shape.layers,
    }


def attention_network(shape: Shape = SHAPE) -> Network:
    """Return the network of a shape."""
    return Network(partial(initial_weights, shape=shape), partial(forward, shape=shape))


ATTENTION: Final = attention_network()
"""The network that ships."""
