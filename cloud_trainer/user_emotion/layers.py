"""Layers of the user-emotion networks: weights are arrays or variables by name, tensors come and go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.physiology.schema import STEPS

__all__ = ["Tensor", "attend", "dense", "drop", "normalise"]

Tensor = Any
"""A tensor or variable: TensorFlow publishes no types."""

_UNSEEN: Final = -1e4


def dense(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Return `x @ kernel + bias`, `(n, in)` or `(n, steps, in)` to `(…, out)`."""
    import tensorflow as tf

    kernel = weights[name]
    if len(x.shape) == 2:
        return tf.matmul(x, kernel) + weights[f"{name}.bias"]
    # Two dimensions: a fully connected layer on the device, instead of a batch of matrix products.
    flat = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel) + weights[f"{name}.bias"]
    return tf.reshape(flat, [-1, x.shape[1], kernel.shape[1]])


def normalise(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Return layer-normalised steps, each `(n, steps, width)`."""
    import tensorflow as tf

    centred = x - tf.reduce_mean(x, axis=2, keepdims=True)
    variance = tf.reduce_mean(centred**2, axis=2, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-5) * weights[f"{name}.scale"] + weights[f"{name}.shift"]


def drop(x: Tensor, share: float) -> Tensor:
    """Silence a share of the units; none where the share is 0."""
    import tensorflow as tf

    return tf.nn.dropout(x, share) if share else x


def attend(weights: Mapping[str, Tensor], layer: int, x: Tensor, seen: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Return the attended steps `(n, 32, width)` and the newest step's weights, averaged over heads, `(n, 32)`."""
    import tensorflow as tf

    width = int(x.shape[-1])
    size = width // heads
    query, key, value = (
        tf.transpose(tf.reshape(dense(weights, f"{layer}.{name}", x), [-1, STEPS, heads, size]), [0, 2, 1, 3])
        for name in ("query", "key", "value")
    )
    energy = tf.matmul(query, key, transpose_b=True) * size**-0.5 + (1.0 - seen[:, None, None, :]) * _UNSEEN
    attention = tf.nn.softmax(energy)
    mixed = tf.transpose(tf.matmul(attention, value), [0, 2, 1, 3])
    joined = tf.reshape(mixed, [-1, STEPS, width])
    return dense(weights, f"{layer}.out", joined), tf.reduce_mean(attention[:, :, -1], axis=1)
