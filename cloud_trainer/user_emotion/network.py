"""The attention network: a history of steps and the current one to the distribution of valence and arousal.

After Lin, Huang & Zhang (2025), section 3.3:

    X = embed(steps, mask) + place
    Attention = softmax(QKᵀ/√d_k) V,  MultiHead = Concat(head_1 … head_4) W_o      two layers, with residuals
    U_emotion = the newest step's row,  U_dynamic = combine(U_emotion, X_current),  X_current = the newest step itself
    mean = tanh(…),  log σ² = centre + reach · tanh(…)

Padding gets no attention. The weights are NumPy arrays by name; `forward` takes them as arrays or variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.user_emotion.examples import SIZE
from models.physiology.schema import STEPS

__all__ = ["HEADS", "LAYERS", "LOG_VARIANCE", "WIDTH", "Tensor", "Weights", "forward", "initial_weights"]

Tensor = Any
"""A tensor or variable: TensorFlow publishes no types."""
Weights = dict[str, npt.NDArray[np.float32]]

WIDTH: Final = 56
HEADS: Final = 4
LAYERS: Final = 2
_HIDDEN: Final = 112
LOG_VARIANCE: Final = (-3.0, 2.2)
"""Centre and reach of log σ²: standard deviations between .07 and .67, no surer than a rating, no wider than the plane
needs."""
_UNSEEN: Final = -1e4


def initial_weights(generator: np.random.Generator) -> Weights:
    """Return Glorot-normal kernels and zero biases."""
    shapes = {
        "embed": (2 * SIZE, WIDTH),
        "current": (2 * SIZE, WIDTH),
        "combine": (2 * WIDTH, WIDTH),
        "mean": (WIDTH, 2),
        "log_variance": (WIDTH, 2),
    }
    for layer in range(LAYERS):
        shapes |= {f"{layer}.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value", "out")}
        shapes |= {f"{layer}.wide": (WIDTH, _HIDDEN), f"{layer}.narrow": (_HIDDEN, WIDTH)}
    weights: Weights = {}
    for name, shape in shapes.items():
        weights[name] = generator.normal(0, (2 / sum(shape)) ** 0.5, shape).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(shape[1], np.float32)
    for layer in range(LAYERS):
        for norm in ("norm1", "norm2"):
            weights[f"{layer}.{norm}.scale"] = np.ones(WIDTH, np.float32)
            weights[f"{layer}.{norm}.shift"] = np.zeros(WIDTH, np.float32)
    weights["place"] = generator.normal(0, 0.05, (STEPS, WIDTH)).astype(np.float32)
    # Multiplies the predicted variance; fitted on validation persons after training.
    weights["log_variance.shift"] = np.zeros(2, np.float32)
    return weights


def forward(weights: Mapping[str, Tensor], steps: Tensor, mask: Tensor, *, dropout: float = 0.0) -> dict[str, Tensor]:
    """Return `mean (n, 2)`, `log_variance (n, 2)`, `attention (n, 32)`.

    Args:
        weights: as `initial_weights` names them.
        steps: `(n, 32, F)`.
        mask: `(n, 32, F)`.
        dropout: share of units that training silences.
    """
    import tensorflow as tf

    known = tf.concat([steps * mask, mask], axis=2)
    seen = tf.reduce_max(mask, axis=2)
    x = _dense(weights, "embed", known) + weights["place"]
    attentions = []
    for layer in range(LAYERS):
        attended, attention = _attend(weights, layer, _normalise(weights, f"{layer}.norm1", x), seen)
        x += _drop(attended, dropout)
        wide = tf.nn.relu(_dense(weights, f"{layer}.wide", _normalise(weights, f"{layer}.norm2", x)))
        x += _drop(_dense(weights, f"{layer}.narrow", wide), dropout)
        attentions.append(attention)
    current = tf.nn.relu(_dense(weights, "current", known[:, -1]))
    combined = tf.nn.relu(_dense(weights, "combine", tf.concat([x[:, -1], _drop(current, dropout)], axis=1)))
    combined = _drop(combined, dropout)
    centre, reach = LOG_VARIANCE
    spread = centre + reach * tf.tanh(_dense(weights, "log_variance", combined))
    return {
        "mean": tf.tanh(_dense(weights, "mean", combined)),
        "log_variance": spread + weights["log_variance.shift"],
        "attention": sum(attentions[1:], attentions[0]) / LAYERS,
    }


def _dense(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    import tensorflow as tf

    kernel = weights[name]
    if len(x.shape) == 2:
        return tf.matmul(x, kernel) + weights[f"{name}.bias"]
    # Two dimensions: a fully connected layer on the device, instead of a batch of matrix products.
    flat = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel) + weights[f"{name}.bias"]
    return tf.reshape(flat, [-1, x.shape[1], kernel.shape[1]])


def _normalise(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    import tensorflow as tf

    centred = x - tf.reduce_mean(x, axis=2, keepdims=True)
    variance = tf.reduce_mean(centred**2, axis=2, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-5) * weights[f"{name}.scale"] + weights[f"{name}.shift"]


def _drop(x: Tensor, share: float) -> Tensor:
    import tensorflow as tf

    return tf.nn.dropout(x, share) if share else x


def _attend(weights: Mapping[str, Tensor], layer: int, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the attended steps `(n, 32, width)` and the newest step's weights, averaged over heads, `(n, 32)`."""
    import tensorflow as tf

    size = WIDTH // HEADS
    query, key, value = (
        tf.transpose(tf.reshape(_dense(weights, f"{layer}.{name}", x), [-1, STEPS, HEADS, size]), [0, 2, 1, 3])
        for name in ("query", "key", "value")
    )
    energy = tf.matmul(query, key, transpose_b=True) * size**-0.5 + (1.0 - seen[:, None, None, :]) * _UNSEEN
    attention = tf.nn.softmax(energy)
    heads = tf.transpose(tf.matmul(attention, value), [0, 2, 1, 3])
    joined = tf.reshape(heads, [-1, STEPS, WIDTH])
    return _dense(weights, f"{layer}.out", joined), tf.reduce_mean(attention[:, :, -1], axis=1)
