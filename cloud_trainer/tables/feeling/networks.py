"""Networks beside the one that ships: recurrent instead of attention, and the paper's own hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from cloud_trainer.user_emotion.examples import SIZE
from cloud_trainer.user_emotion.layers import Tensor, attend, dense, drop
from cloud_trainer.user_emotion.network import LOG_VARIANCE, Network, Weights
from models.physiology.schema import STEPS

__all__ = ["PAPER", "RECURRENT"]

_EMBEDDED: Final = 56
_CELLS: Final = 104
"""So many give as many weights as the attention network has."""
_UNITS: Final = 128
_HEADS: Final = 4
_HIDDEN_LAYERS: Final = 3


def _drawn(shapes: Mapping[str, tuple[int, int]], generator: np.random.Generator) -> Weights:
    weights: Weights = {}
    for name, sizes in shapes.items():
        weights[name] = generator.normal(0, (2 / sum(sizes)) ** 0.5, sizes).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(sizes[1], np.float32)
    weights["log_variance.shift"] = np.zeros(2, np.float32)
    return weights


def _distribution(weights: Mapping[str, Tensor], x: Tensor) -> dict[str, Tensor]:
    import tensorflow as tf

    centre, reach = LOG_VARIANCE
    spread = centre + reach * tf.tanh(dense(weights, "log_variance", x))
    return {"mean": tf.tanh(dense(weights, "mean", x)), "log_variance": spread + weights["log_variance.shift"]}


def _recurrent_weights(generator: np.random.Generator) -> Weights:
    return _drawn(
        {
            "embed": (2 * SIZE, _EMBEDDED),
            "gates": (_EMBEDDED + _CELLS, 2 * _CELLS),
            "candidate": (_EMBEDDED + _CELLS, _CELLS),
            "current": (2 * SIZE, _EMBEDDED),
            "combine": (_CELLS + _EMBEDDED, _EMBEDDED),
            "mean": (_EMBEDDED, 2),
            "log_variance": (_EMBEDDED, 2),
        },
        generator,
    )


def _recurrent(
    weights: Mapping[str, Tensor], steps: Tensor, mask: Tensor, *, dropout: float = 0.0
) -> dict[str, Tensor]:
    """A gated recurrent unit (Cho et al. 2014) over the steps; padding leaves its state alone."""
    import tensorflow as tf

    known = tf.concat([steps * mask, mask], axis=2)
    seen = tf.reduce_max(mask, axis=2)
    x = tf.nn.relu(dense(weights, "embed", known))
    state = tf.zeros_like(x[:, 0, :1]) + tf.zeros(_CELLS)
    for place in range(STEPS):
        gates = tf.sigmoid(dense(weights, "gates", tf.concat([x[:, place], state], axis=1)))
        reset, update = gates[:, :_CELLS], gates[:, _CELLS:]
        candidate = tf.tanh(dense(weights, "candidate", tf.concat([x[:, place], reset * state], axis=1)))
        state += seen[:, place : place + 1] * update * (candidate - state)
    current = tf.nn.relu(dense(weights, "current", known[:, -1]))
    both = tf.concat([drop(state, dropout), drop(current, dropout)], axis=1)
    return _distribution(weights, drop(tf.nn.relu(dense(weights, "combine", both)), dropout))


def _paper_weights(generator: np.random.Generator) -> Weights:
    shapes = {"embed": (2 * SIZE, _UNITS)}
    shapes |= {f"0.{name}": (_UNITS, _UNITS) for name in ("query", "key", "value", "out")}
    inputs = _UNITS + 2 * SIZE
    for layer in range(_HIDDEN_LAYERS):
        shapes[f"hidden{layer}"] = (inputs, _UNITS)
        inputs = _UNITS
    return _drawn(shapes | {"mean": (_UNITS, 2), "log_variance": (_UNITS, 2)}, generator)


def _paper(weights: Mapping[str, Tensor], steps: Tensor, mask: Tensor, *, dropout: float = 0.0) -> dict[str, Tensor]:
    """Equations 1 to 3 once, without place or residuals; then the paper's three hidden layers of 128 units."""
    import tensorflow as tf

    known = tf.concat([steps * mask, mask], axis=2)
    attended, attention = attend(
        weights, 0, tf.nn.relu(dense(weights, "embed", known)), tf.reduce_max(mask, axis=2), _HEADS
    )
    x = tf.concat([attended[:, -1], known[:, -1]], axis=1)
    for layer in range(_HIDDEN_LAYERS):
        x = drop(tf.nn.relu(dense(weights, f"hidden{layer}", x)), dropout)
    return {**_distribution(weights, x), "attention": attention}


RECURRENT: Final = Network(_recurrent_weights, _recurrent)
"""As wide as the attention network has weights."""
PAPER: Final = Network(_paper_weights, _paper)
"""What the paper gives: 3 hidden layers of 128 units. Heads and the width of the attention it leaves open."""
