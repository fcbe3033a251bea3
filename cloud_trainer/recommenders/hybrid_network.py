"""The hybrid: SVD++, NCF and their gated fusion with sound, emotion and situation, for a block of candidates at once.

For a listener with history N, v_u from the sequence model and u_a the mean of the liked tracks' embeddings, and a
candidate i with vector x_i and embedding v_i (DMM-HyRec, section 3.4, and Lin, Huang & Zhang, section 3.4):

    svdpp_i = b_i + q_iᵀ |N|^-½ Σ w_j y_j                          ncf_i as in `factors`
    λ_i = σ(W_λ [v_u ⊕ v_i])
    m_i = λ_i ⊙ (P v_u ⊙ P' x_i) + (1 − λ_i) ⊙ (A u_a ⊙ A' v_i)    the gate mixes taste by history and by sound
    e_i = [v_i, 1] · M,  d_i = (e_i, e_i ⊙ E_u, (e_i − E_u)²)      the music's emotion beside the listener's
    h_i = ELU(W_h [m_i ⊕ svdpp_i ⊕ ncf_i ⊕ v_uᵀ x_i ⊕ d_i ⊕ affect ⊕ situation]),  fused_i = σ(W_out ELU(W_2 h_i))

What is unknown is zero: an unknown embedding has length 0 and no emotion, an unknown affect state has `known` 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.recommenders.factors import FACTORS
from cloud_trainer.recommenders.layout import SLICES
from cloud_trainer.recommenders.sequence_model import SEQUENCE
from models.situation import SITUATION

__all__ = ["AFFECT", "EMBEDDING", "Frozen", "Tensor", "Weights", "fused_logits", "initial_weights", "score_block"]

Tensor = Any
"""A tensor or variable: TensorFlow publishes no types."""
Weights = dict[str, npt.NDArray[np.float32]]

AFFECT: Final = 5
"""Valence, arousal, their standard deviations, and 1 where they are known."""
EMBEDDING: Final = 128
_MATCH: Final = 80
_HIDDEN: Final = (96, 32)
_EMOTION: Final = 7
_SCORES: Final = 3
_HALF: Final = FACTORS // 2
_SCORE_SCALE: Final = 0.25
"""SVD++ and NCF score in logits of a few units; this brings them to the size of the other inputs."""


@dataclass(frozen=True)
class Frozen:
    """What the fusion stands on and does not change.

    Attributes:
        ncf: weights of NCF's towers.
        emotion_map: M, `(129, 2)`: (V, A) = tanh([v_a, 1] · M).
    """

    ncf: Mapping[str, npt.NDArray[np.float32]]
    emotion_map: npt.NDArray[np.float32]


def initial_weights(generator: np.random.Generator) -> Weights:
    """Return small random kernels; the path from SVD++'s score begins open, so training begins from its ranking."""

    def draw(*shape: int) -> npt.NDArray[np.float32]:
        return generator.normal(0, 0.5 * (2 / sum(shape)) ** 0.5, shape).astype(np.float32)

    wide, narrow = _HIDDEN
    weights = {
        "user": draw(SEQUENCE, _MATCH),
        "item": draw(SEQUENCE, _MATCH),
        "user_sound": draw(EMBEDDING, _MATCH),
        "item_sound": draw(EMBEDDING, _MATCH),
        "gate_user": draw(SEQUENCE, _MATCH),
        "gate_sound": draw(EMBEDDING, _MATCH),
        "gate_bias": np.zeros(_MATCH, np.float32),
        "from_match": draw(_MATCH, wide),
        "from_scores": draw(_SCORES, wide),
        "from_emotion": draw(_EMOTION, wide),
        "from_context": draw(AFFECT + len(SITUATION), wide),
        "hidden_bias": np.zeros(wide, np.float32),
        "narrow": draw(wide, narrow),
        "narrow_bias": np.zeros(narrow, np.float32),
        "out": draw(narrow, 1),
        "out_scores": np.array([[2.0], [1.0], [0.0]], np.float32),
        "out_bias": np.full(1, -1.0, np.float32),
    }
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


def score_block(weights: Mapping[str, Tensor], frozen: Frozen, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `svdpp`, `ncf` (logits) and `fused` (in [0, 1]) of a block of candidates, each `(n, candidates)`.

    Args:
        weights: of the fusion.
        frozen: what it stands on.
        inputs: by the names of the model contract.
    """
    import tensorflow as tf

    svdpp, collaborative, fused = fused_logits(weights, frozen, inputs)
    return {"svdpp": svdpp, "ncf": collaborative, "fused": tf.sigmoid(fused)}


def fused_logits(
    weights: Mapping[str, Tensor], frozen: Frozen, inputs: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return SVD++'s, NCF's and the fusion's logits, each `(n, candidates)`; see `score_block`."""
    import tensorflow as tf

    pooled, user, items = inputs["user_pooled"], inputs["user_sequence"], inputs["candidates"]
    svdpp = _svdpp(pooled, items)
    collaborative = _ncf(frozen.ncf, pooled, items)
    x = items[:, :, SLICES["sequence"]]
    follows = tf.reduce_sum(user[:, None, :] * x, axis=2)
    sound, user_sound = inputs["candidates_audio"], inputs["user_audio"]
    gate = tf.sigmoid(
        _apply(sound, weights["gate_sound"]) + (tf.matmul(user, weights["gate_user"]) + weights["gate_bias"])[:, None]
    )
    by_history = tf.matmul(user, weights["user"])[:, None] * _apply(x, weights["item"])
    by_sound = tf.matmul(user_sound, weights["user_sound"])[:, None] * _apply(sound, weights["item_sound"])
    match = gate * by_history + (1.0 - gate) * by_sound
    scores = tf.stack([svdpp, collaborative, follows], axis=2) * _SCORE_SCALE
    context = tf.concat([inputs["affect"], inputs["situation"]], axis=1)
    hidden = tf.nn.elu(
        _apply(match, weights["from_match"])
        + _apply(scores, weights["from_scores"])
        + _apply(_emotion(frozen.emotion_map, sound, inputs["affect"]), weights["from_emotion"])
        + (tf.matmul(context, weights["from_context"]) + weights["hidden_bias"])[:, None]
    )
    hidden = tf.nn.elu(_apply(hidden, weights["narrow"]) + weights["narrow_bias"])
    fused = _apply(hidden, weights["out"]) + _apply(scores, weights["out_scores"]) + weights["out_bias"]
    return svdpp, collaborative, fused[:, :, 0]


def _apply(x: Tensor, kernel: Tensor) -> Tensor:
    """Multiply the last axis of `(n, candidates, k)`; flattened, it is a fully connected layer on the device."""
    import tensorflow as tf

    return tf.reshape(tf.matmul(tf.reshape(x, [-1, x.shape[2]]), kernel), [-1, x.shape[1], kernel.shape[1]])


def _svdpp(pooled: Tensor, items: Tensor) -> Tensor:
    import tensorflow as tf

    user = pooled[:, None, SLICES["svdpp_y"]]
    return tf.reduce_sum(items[:, :, SLICES["svdpp_q"]] * user, axis=2) + items[:, :, SLICES["svdpp_bias"].start]


def _ncf(weights: Mapping[str, npt.NDArray[np.float32]], pooled: Tensor, items: Tensor) -> Tensor:
    import tensorflow as tf

    user = tf.matmul(pooled[:, SLICES["ncf"]], weights["user_kernel"]) + weights["user_bias"]
    item = items[:, :, SLICES["ncf"]]
    by_user = tf.matmul(user[:, _HALF:], weights["mlp1_user"]) + weights["mlp1_bias"]
    hidden = tf.nn.relu(_apply(item[:, :, _HALF:], weights["mlp1_item"]) + by_user[:, None])
    hidden = tf.nn.relu(_apply(hidden, weights["mlp2"]) + weights["mlp2_bias"])
    product = item[:, :, :_HALF] * user[:, None, :_HALF]
    return (_apply(product, weights["out_gmf"]) + _apply(hidden, weights["out_mlp"]))[:, :, 0]


def _emotion(emotion_map: npt.NDArray[np.float32], sound: Tensor, affect: Tensor) -> Tensor:
    """Return the candidates' emotion beside the listener's, `(n, candidates, 7)`; zeros where either is unknown."""
    import tensorflow as tf

    known = tf.reduce_sum(sound**2, axis=2, keepdims=True)
    music = tf.tanh(_apply(sound, emotion_map[:-1]) + emotion_map[-1] * known) * known
    felt, felt_known = affect[:, None, :2], affect[:, None, 4:5]
    away = (music - felt) ** 2 * known * felt_known
    return tf.concat([music, known, music * felt, away], axis=2)
