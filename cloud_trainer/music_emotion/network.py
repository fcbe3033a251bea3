"""The network: a residual CNN on the log-mel patch, a metadata branch, and the heads.

    h = ResNet(X_mel)                  four residual stages, the last [8 bands, 20 steps, C]
    p = mean over time of h            global average pooling that keeps eight bands: register is expression
    v_a = W_v p / ‖W_v p‖              the embedding, 128
    z = W_e v_a + b_e + m(X_meta)      m(0) = 0: without metadata the emotion is a function of v_a alone
    (V, A) = tanh(z)

after X_audio = CNN(X_raw), X_meta = f(X_tags, …), E = combine(X_audio, X_meta) (Lin, Huang, Zhang 2025, section 3.2)
and the residual CNN with global average pooling of DMM-HyRec (section 3.2). Because the emotion head is linear before
its tanh, (V, A) can be recovered from any embedding, a predicted one too: `emotion_map`.

Where only the signs of (V, A) are known, their estimate is tanh(κ z) with a learned κ: a clear sign does not mean an
extreme emotion, so such sets teach the direction and the rated ones the scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.audio.log_mel import MELS
from models.audio.patches import PATCH_FRAMES

__all__ = [
    "EMBEDDING",
    "METADATA",
    "MusicEmotionNetwork",
    "NetworkSize",
    "Tensor",
    "build_network",
    "emotion_map",
    "inference",
]

EMBEDDING: Final = 128
METADATA: Final = 32

Tensor = Any
"""A tensor, or a module that makes them: TensorFlow and tf_keras publish no types."""
_INITIAL_SIGN_SHARPNESS: Final = 3.0
_LOGIT_SCALE: Final = 4.0
_NORMAL_MOMENTUM: Final = 0.9
"""How slowly the normalisation's means follow: ten steps. Over a hundred they trail the weights they belong to."""


@dataclass(frozen=True)
class NetworkSize:
    """How large the network is.

    Attributes:
        stem: channels of the first convolution.
        band_stride: of the first convolution along the bands. Above 1 kHz a band is half a semitone wide.
        stages: channels of each residual stage; all but the last halve both axes.
        metadata_units: hidden units of the metadata branch.
        dropout: share of the pooled features dropped in training.
    """

    stem: int = 16
    band_stride: int = 2
    stages: tuple[int, ...] = (24, 48, 96, 96)
    metadata_units: int = 16
    dropout: float = 0.3


@dataclass(frozen=True)
class MusicEmotionNetwork:
    """The training graph and the part of it that ships.

    Attributes:
        training: inputs `log_mel`, `metadata`; outputs `emotion`, `sign`, and one linear output per auxiliary head.
        inference: the same inputs; outputs `emotion` `[b, 2]`, `embedding` `[b, 128]`.
    """

    training: Any
    inference: Any


def build_network(
    size: NetworkSize, auxiliary: dict[str, int], *, batch_size: int | None = None
) -> MusicEmotionNetwork:
    """Return an untrained network.

    Args:
        size: its channels.
        auxiliary: outputs per auxiliary head; each head is linear on the embedding, so that the embedding stays
            informative about more than two numbers.
        batch_size: fixed where the network is to be converted.
    """
    from tf_keras import Model, backend, layers

    # Keras numbers what has no name, and the numbers stand in the converted file: they begin anew with every network.
    backend.reset_uids()
    mel = layers.Input((MELS, PATCH_FRAMES, 1), batch_size=batch_size, name="log_mel")
    metadata = layers.Input((METADATA,), batch_size=batch_size, name="metadata")
    embedding = _embedding(layers, mel, size)
    hidden = layers.Dense(size.metadata_units, activation="relu", use_bias=False, name="metadata_hidden")(metadata)
    # Zero until data teaches it: a branch that has seen no metadata must not disturb the emotion.
    shift = layers.Dense(2, use_bias=False, kernel_initializer="zeros", name="metadata_shift")(hidden)
    logits = layers.Add(name="emotion_logits")([layers.Dense(2, name="emotion_of_embedding")(embedding), shift])
    emotion = layers.Activation("tanh", name="emotion")(logits)
    # The auxiliary heads need larger values than unit vectors of 128 numbers offer.
    lifted = layers.Rescaling(_LOGIT_SCALE, name="lifted")(embedding)
    heads = {name: layers.Dense(width, name=name)(lifted) for name, width in auxiliary.items()}
    sign = _sign_layer(layers)(logits)
    return MusicEmotionNetwork(
        training=Model([mel, metadata], {"emotion": emotion, "sign": sign, **heads}),
        inference=Model([mel, metadata], {"emotion": emotion, "embedding": embedding}, name="music_emotion"),
    )


def emotion_map(network: MusicEmotionNetwork) -> npt.NDArray[np.float32]:
    """Return `[129, 2]`: (V, A) = tanh([v_a, 1] · map), where nothing is known but the embedding."""
    kernel, bias = network.inference.get_layer("emotion_of_embedding").get_weights()
    return np.asarray(np.concatenate([kernel, bias[None]]), np.float32)


def inference(
    network: MusicEmotionNetwork,
    patches: npt.NDArray[Any],
    *,
    metadata: npt.NDArray[Any] | None = None,
    batch: int = 32,
) -> dict[str, Any]:
    """Return emotion `[n, 2]` and embedding `[n, 128]` of patches `[n, 128, 640]`.

    Args:
        network: the network.
        patches: normalised, of any float type.
        metadata: `[n, 32]`; unknown unless given.
        batch: patches at once.
    """
    told = np.zeros((len(patches), METADATA), np.float32) if metadata is None else np.asarray(metadata, np.float32)
    outputs: dict[str, list[Any]] = {"emotion": [], "embedding": []}
    for start in range(0, len(patches), batch):
        block = np.asarray(patches[start : start + batch], np.float32)[..., None]
        answer = network.inference([block, told[start : start + batch]], training=False)
        for name, values in outputs.items():
            values.append(answer[name].numpy())
    return {name: np.concatenate(values) for name, values in outputs.items()}


def _embedding(layers: Tensor, mel: Tensor, size: NetworkSize) -> Tensor:
    import tensorflow as tf

    # Four frames are 93 ms: onsets stay apart, and three quarters of the work is saved at once.
    x = layers.Conv2D(size.stem, (5, 7), strides=(size.band_stride, 4), padding="same", use_bias=False, name="stem")(
        mel
    )
    x = layers.ReLU()(layers.BatchNormalization(momentum=_NORMAL_MOMENTUM)(x))
    for index, channels in enumerate(size.stages):
        x = _residual(layers, x, channels, stride=1 if index == len(size.stages) - 1 else 2, name=f"stage{index}")
    x = layers.AveragePooling2D((1, x.shape[2]), name="mean_over_time")(x)
    x = layers.Dropout(size.dropout)(layers.Flatten()(x))
    x = layers.Dense(EMBEDDING, name="projection")(x)
    return layers.Lambda(lambda values: tf.math.l2_normalize(values, axis=-1), name="embedding")(x)


def _residual(layers: Tensor, x: Tensor, channels: int, *, stride: int, name: str) -> Tensor:
    """relu(x' + BN(conv(relu(BN(conv(x)))))), x' projected by a strided 1x1 convolution where the shape changes."""
    y = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_first")(x)
    y = layers.ReLU()(layers.BatchNormalization(momentum=_NORMAL_MOMENTUM)(y))
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_second")(y)
    y = layers.BatchNormalization(momentum=_NORMAL_MOMENTUM)(y)
    if stride != 1 or x.shape[-1] != channels:
        x = layers.Conv2D(channels, 1, strides=stride, padding="same", use_bias=False, name=f"{name}_skip")(x)
        x = layers.BatchNormalization(momentum=_NORMAL_MOMENTUM)(x)
    return layers.ReLU()(layers.Add()([x, y]))


def _sign_layer(layers: Tensor) -> Tensor:
    import tensorflow as tf

    class SignEstimate(layers.Layer):  # type: ignore[misc]  # tf_keras publishes no types
        """tanh(κ z) with one learned κ > 0 per dimension."""

        def build(self, shape: Sequence[int]) -> None:
            start = float(np.log(np.expm1(_INITIAL_SIGN_SHARPNESS)))
            self.sharpness = self.add_weight(
                name="sharpness", shape=(shape[-1],), initializer=tf.constant_initializer(start)
            )

        def call(self, logits: Tensor) -> Tensor:
            return tf.tanh(tf.nn.softplus(self.sharpness) * logits)

    return SignEstimate(name="sign")
