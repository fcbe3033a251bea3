"""Networks on small log-mel patches: the paper's frozen one, its future work with a GRU, and a residual one.

    paper       three convolutions with pooling, global average pooling, three hidden layers of 128 ReLU units with
                dropout .3; Adam, learning rate .001, batches of 32, 50 epochs, early stopping with patience 5, mean
                squared error (Lin, Huang, Zhang 2025, section 3.2 and table 3; sizes of the convolutions are ours)
    recurrent   three convolutions with pooling, a GRU of 48 units over the steps of time (its future work)
    residual    as the one that ships: residual stages, average over time that keeps the bands, a unit vector of 128
                numbers, a linear function of it; a head for the statistics of the score; trained with random
                gain, tilt, shift and masks, on the other data sets first and then on its own

Every network sees two random patches of each training piece in an epoch; a tenth of the training songs decides when it
stops. A piece's answer is the mean over its patches.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.tables.frame import Fold, Ints, Problem, Row
from cloud_trainer.tables.learners import group_folds
from cloud_trainer.tables.music.patches import BANDS, FRAMES, Pooled, patches_of
from cloud_trainer.tables.music.pieces import Music
from cloud_trainer.tables.music.rivals import Says, Spoken, Voice, row
from cloud_trainer.tables.provenance import known_data, source_hash
from cloud_trainer.tables.results import write_whole

__all__ = ["ALONE", "PAPER", "RECURRENT", "RESIDUAL", "RESIDUAL_NAME", "Recipe", "network", "network_rows"]

Floats = npt.NDArray[np.float32]
Tensor = Any

RESIDUAL_NAME: Final = "residual CNN"
_DECIDE: Final = ("cloud_trainer.tables.music.networks", "cloud_trainer.tables.music.patches")
_PER_PIECE: Final = 2
_MOMENTUM: Final = 0.9
"""Of normalisation: an epoch has some ten to fifty steps, and means that follow slower are not learned in time."""
_NOTES: Final = 8
_NOTES_WEIGHT: Final = 0.3
_GAIN: Final = 0.3
"""Of normalised patches, whose scale is some 20 dB: about 6 dB."""
_BLOCK: Final = 128
_WIDEST_BANDS: Final = 8
_LONGEST_FRAMES: Final = 12


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        build: returns an untrained model; one output `(b, 2)`, or that and the score's statistics `(b, 8)`.
        epochs, patience, batch, rate, decay: of the training; the rate falls along a cosine where it decays.
        altered: whether training patches are varied at random.
        elsewhere: epochs on the other data sets before; 0 for none.
    """

    build: Callable[[], Any]
    epochs: int
    patience: int
    batch: int = 32
    rate: float = 1e-3
    decay: float = 0.0
    altered: bool = False
    elsewhere: int = 0


@dataclass(frozen=True)
class _Side:
    """What is trained on: patches, targets on the scale of their set, and which piece each patch is of."""

    pooled: Pooled
    felt: Floats
    rows: Ints


def network(recipe: Recipe) -> Voice:
    """Return a voice that trains a network on a fold's training pieces."""

    def voice(problem: Problem[Music], fold: Fold) -> Spoken:
        music = problem.data
        held = group_folds(problem.group[fold.train], 10, fold.seed)[0]
        own = _side(music, fold.train)
        begun = _learned_elsewhere(recipe, problem) if recipe.elsewhere else None
        model = _built(recipe, fold.seed)
        if begun is not None:
            model.set_weights(begun)
        learn, watch = fold.train[held[0]], fold.train[held[1]]
        epochs = _trained(model, recipe, [replace(own, rows=learn)], replace(own, rows=watch), fold.seed)
        centre, scale = _scale(music, fold.train)
        answers = _answers(model, own.pooled, fold.test) * scale + centre
        return np.clip(answers, -1.0, 1.0), {"epochs": epochs}

    return voice


def network_rows(says: Says) -> tuple[Row[Music], ...]:
    """Return the rows of the three networks."""
    return (
        row(
            "paper",
            "the paper's network and training: convolutions, global pooling, three hidden layers of 128",
            network(PAPER),
            says,
            tuned="frozen: table 3 of the paper",
        ),
        row(
            "DCNN with GRU",
            "convolutions with pooling, a GRU over time: the paper's future work",
            network(RECURRENT),
            says,
            tuned="epochs, on a tenth of the training songs",
        ),
        row(
            RESIDUAL_NAME,
            "residual CNN, averaged over time, taught the score's statistics beside the emotion, on other sets first",
            network(RESIDUAL),
            says,
            tuned="epochs, on a tenth of the training songs",
        ),
    )


def _paper() -> Any:  # noqa: ANN401 - tf_keras publishes no types
    from tf_keras import Model, layers

    mel = x = layers.Input((BANDS, FRAMES, 1))
    for channels in (16, 32, 64):
        x = layers.MaxPooling2D(2)(layers.Conv2D(channels, 3, padding="same", activation="relu")(x))
    x = layers.GlobalAveragePooling2D()(x)
    for _ in range(3):
        x = layers.Dropout(0.3)(layers.Dense(128, activation="relu")(x))
    return Model(mel, layers.Dense(2)(x))


def _recurrent() -> Any:  # noqa: ANN401 - as above
    from tf_keras import Model, layers

    mel = x = layers.Input((BANDS, FRAMES, 1))
    for channels, pool in ((16, (4, 1)), (32, (2, 2)), (48, (2, 2))):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
        x = layers.MaxPooling2D(pool)(layers.ReLU()(x))
    x = layers.Permute((2, 1, 3))(x)
    x = layers.GRU(48)(layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x))
    return Model(mel, layers.Dense(2)(layers.Dropout(0.3)(x)))


def _residual() -> Any:  # noqa: ANN401 - as above
    import tensorflow as tf
    from tf_keras import Model, layers

    def convolved(x: Tensor, channels: int, size: Any, stride: Any) -> Tensor:  # noqa: ANN401
        x = layers.Conv2D(channels, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=_MOMENTUM)(x)

    mel = layers.Input((BANDS, FRAMES, 1))
    x = layers.ReLU()(convolved(mel, 16, (5, 5), (2, 1)))
    for channels in (24, 48, 96):
        inner = layers.ReLU()(convolved(x, channels, 3, 2))
        x = layers.ReLU()(layers.Add()([convolved(inner, channels, 3, 1), convolved(x, channels, 1, 2)]))
    x = layers.AveragePooling2D((1, x.shape[2]))(x)
    x = layers.Dense(128)(layers.Dropout(0.3)(layers.Flatten()(x)))
    embedding = layers.Lambda(lambda values: 4.0 * tf.math.l2_normalize(values, axis=-1))(x)
    return Model(mel, [layers.Dense(2)(embedding), layers.Dense(_NOTES)(embedding)])


PAPER: Final = Recipe(build=_paper, epochs=50, patience=5)
RECURRENT: Final = Recipe(build=_recurrent, epochs=30, patience=8)
RESIDUAL: Final = Recipe(build=_residual, epochs=16, patience=6, rate=1.5e-3, decay=0.03, altered=True, elsewhere=10)
ALONE: Final = replace(RESIDUAL, elsewhere=0)
"""The residual network without other data sets."""


def _side(music: Music, train: Ints) -> _Side:
    centre, scale = _scale(music, train)
    return _Side(_patches(music), ((music.felt - centre) / scale).astype(np.float32), train)


def _scale(music: Music, train: Ints) -> tuple[Floats, Floats]:
    felt = music.felt[train].astype(np.float32)
    return felt.mean(axis=0), np.maximum(felt.std(axis=0), 1e-3)


def _patches(music: Music) -> Pooled:
    """Return a problem's patches, read once."""
    if "patches" not in music.remembered:
        music.remembered["patches"] = patches_of(music)
    kept: Pooled = music.remembered["patches"]
    return kept


def _built(recipe: Recipe, seed: int) -> Any:  # noqa: ANN401 - as above
    """Return an untrained model; its weights and all that is random from here on follow the seed."""
    from cloud_trainer.tensorflow_setup import prepare_tensorflow

    prepare_tensorflow(threads=1, seed=seed)
    return recipe.build()


def _learned_elsewhere(recipe: Recipe, problem: Problem[Music]) -> Sequence[Floats]:
    """Return weights learned on the other data sets: the same for all folds, whichever asks first, kept on the disk."""
    music, seed = problem.data, problem.folds[0].seed
    sources = [other.pieces[0].dataset for other in music.others]
    decides = [known_data(music.roots[0], sources).fingerprints, source_hash(_DECIDE), recipe.elsewhere, seed]
    path = music.folder / f"elsewhere-{hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:12]}.npz"
    if not path.is_file():
        model = _built(recipe, seed)
        sides = [_side(other, np.arange(len(other.pieces))) for other in music.others]
        _trained(model, replace(recipe, epochs=recipe.elsewhere), sides, None, seed)
        buffer = io.BytesIO()
        np.savez(buffer, *model.get_weights())
        write_whole(path, buffer.getvalue())
    with np.load(path) as archive:
        return [archive[name] for name in archive.files]


def _trained(model: Any, recipe: Recipe, sides: Sequence[_Side], watch: _Side | None, seed: int) -> int:  # noqa: ANN401
    """Train in place, leave the weights that were best on what is watched, and return after how many epochs."""
    random = np.random.default_rng([seed, 3])
    step = _step(model, recipe, sum(len(side.rows) for side in sides) * _PER_PIECE)
    best, best_error, stale, epochs = model.get_weights(), np.inf, 0, 0
    for epoch in range(recipe.epochs):
        for batch in _batches(sides, recipe, random):
            step(*batch)
        if watch is None:
            continue
        error = float(np.mean((_answers(model, watch.pooled, watch.rows) - watch.felt[watch.rows]) ** 2))
        stale += 1
        if error < best_error:
            best, best_error, stale, epochs = model.get_weights(), error, 0, epoch + 1
        if stale >= recipe.patience:
            break
    if watch is not None:
        model.set_weights(best)
    return epochs


def _step(model: Any, recipe: Recipe, patches: int) -> Callable[[Floats, Floats, Floats], Any]:  # noqa: ANN401
    """Return the function that trains on one batch of patches, targets and statistics of the score."""
    import tensorflow as tf
    from tf_keras import optimizers

    steps = max(1, patches // recipe.batch) * recipe.epochs
    rate = optimizers.schedules.CosineDecay(recipe.rate, steps, alpha=0.05) if recipe.decay else recipe.rate
    optimiser = optimizers.AdamW(rate, weight_decay=recipe.decay) if recipe.decay else optimizers.Adam(rate)

    def step(mel: Tensor, felt: Tensor, notes: Tensor) -> None:
        with tf.GradientTape() as tape:
            answer = model(mel, training=True)
            first = answer[0] if isinstance(answer, list) else answer
            loss = tf.reduce_mean(tf.square(felt - first))
            if isinstance(answer, list):
                known = tf.cast(tf.math.is_finite(notes), tf.float32)
                error = tf.square(tf.where(known > 0, notes, 0.0) - answer[1]) * known
                loss += _NOTES_WEIGHT * tf.reduce_sum(error) / tf.maximum(tf.reduce_sum(known), 1.0)
        optimiser.minimize(loss, model.trainable_variables, tape=tape)

    compiled: Callable[[Floats, Floats, Floats], Any] = tf.function(step, reduce_retracing=True)
    return compiled


def _batches(sides: Sequence[_Side], recipe: Recipe, random: np.random.Generator) -> Iterator[tuple[Floats, ...]]:
    """Yield batches of an epoch: random patches of every piece, in random order."""
    chosen = []
    for number, side in enumerate(sides):
        for own in side.rows:
            index = side.pooled.by_piece[own]
            chosen += [(number, int(pick)) for pick in random.choice(index, min(_PER_PIECE, len(index)), replace=False)]
    order = random.permutation(len(chosen))
    for start in range(0, max(len(order) - recipe.batch + 1, 1), recipe.batch):
        batch = [chosen[place] for place in order[start : start + recipe.batch]]
        mel = np.stack([sides[side].pooled.patches[pick] for side, pick in batch]).astype(np.float32)
        felt = np.stack([sides[side].felt[sides[side].pooled.piece[pick]] for side, pick in batch])
        notes = np.stack([sides[side].pooled.notes[pick] for side, pick in batch])
        yield (_altered(mel, random) if recipe.altered else mel)[..., None], felt, notes


def _altered(mel: Floats, random: np.random.Generator) -> Floats:
    """Return patches at another moment, louder or softer, brighter or darker, with a band and a moment missing."""
    tilt = np.linspace(-_GAIN, _GAIN, BANDS, dtype=np.float32)
    changed = np.empty_like(mel)
    for number, patch in enumerate(mel):
        moved = np.roll(patch, int(random.integers(FRAMES)), axis=1) + np.float32(random.uniform(-_GAIN, _GAIN))
        moved += np.float32(random.uniform(-1.0, 1.0)) * tilt[:, None]
        low, start = int(random.integers(BANDS - _WIDEST_BANDS)), int(random.integers(FRAMES - _LONGEST_FRAMES))
        mean = moved.mean()
        moved[low : low + int(random.integers(_WIDEST_BANDS))] = mean
        moved[:, start : start + int(random.integers(_LONGEST_FRAMES))] = mean
        changed[number] = moved
    return changed


def _answers(model: Any, patches: Pooled, rows: Ints) -> Floats:  # noqa: ANN401 - as above
    """Return the mean answer over the patches of each row, `(rows, 2)`, on the scale that was trained on."""
    index = patches.of(rows)
    said = []
    for start in range(0, len(index), _BLOCK):
        block = patches.patches[index[start : start + _BLOCK]].astype(np.float32)[..., None]
        answer = model(block, training=False)
        said.append(np.asarray(answer[0] if isinstance(answer, list) else answer))
    owner = np.searchsorted(rows, patches.piece[index], sorter=np.argsort(rows))
    owner = np.argsort(rows)[owner]
    sums = np.zeros((len(rows), 2))
    np.add.at(sums, owner, np.concatenate(said))
    return np.asarray(sums / np.bincount(owner, minlength=len(rows))[:, None], np.float32)
