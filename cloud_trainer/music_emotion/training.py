"""Training: masked squared errors over all sets at once, one checkpoint an epoch, early stopping on validation.

    L = Σ w m (y - tanh z)² / Σ m                       rated sets, w = 1 / variance of the set's labels
      + Σ m (s - tanh κz)² / Σ m                        sets that give signs
      + λ Σ_heads Σ m (t - head)² / Σ m                 auxiliary heads, standardised targets

(the papers' L = Σ (y - ŷ)², masked where a label is missing). The weights that are validated and shipped are an
exponential moving average of the trained ones: with 1,000 pieces single epochs differ more than models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.music_emotion.augmentation import augmented, mixed, sound_summary
from cloud_trainer.music_emotion.corpus import FRONT_END
from cloud_trainer.music_emotion.evaluation import Score, validation_score
from cloud_trainer.music_emotion.examples import AUXILIARY, Examples, standardise
from cloud_trainer.music_emotion.network import MusicEmotionNetwork, Tensor
from cloud_trainer.progress import Progress

__all__ = ["Schedule", "train"]

Floats = npt.NDArray[np.float32]

_SUMMARY_SAMPLE: Final = 256


@dataclass(frozen=True)
class Schedule:
    """How the network is trained.

    Attributes:
        epochs: at most.
        patience: epochs without a better validation score after which training stops.
        batch: patches a step.
        patches_per_piece: random patches of each piece in an epoch.
        learning_rate: at its peak; it warms up over one epoch and falls along a cosine.
        weight_decay: of AdamW.
        auxiliary_weight: λ.
        average_decay: of the moving average of weights, per step.
        metadata_dropout: share of rows whose metadata is hidden.
        mixed_share: share of rows that are mixed with another one of their data set.
    """

    epochs: int = 22
    patience: int = 12
    batch: int = 32
    patches_per_piece: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    auxiliary_weight: float = 0.5
    average_decay: float = 0.995
    metadata_dropout: float = 0.5
    mixed_share: float = 0.15


def train(
    network: MusicEmotionNetwork,
    training: Examples,
    validation: Examples,
    *,
    schedule: Schedule,
    folder: Path,
    seed: int,
    progress: Progress,
) -> list[Score]:
    """Train in place and leave the best averaged weights in the network.

    A checkpoint is written after each epoch; an interrupted training goes on from there.

    Args:
        network: freshly built.
        training: the rows to learn from.
        validation: the rows that decide when to stop.
        schedule: how.
        folder: of the checkpoint; one folder per configuration.
        seed: of batches and augmentation.
        progress: where progress is shown.

    Returns:
        The validation score of every epoch.
    """
    run = _Run(network, training, schedule=schedule, folder=folder, seed=seed)
    with progress.task("music_emotion epochs", schedule.epochs) as advance:
        for _ in range(run.epoch):
            advance("resumed")
        while run.epoch < schedule.epochs and run.stale < schedule.patience:
            loss = run.one_epoch()
            score = run.validate(validation)
            run.save()
            progress.measured(run.epoch - 1, {"validation": score.total, "loss": loss, **score.parts})
            advance(f"loss {loss:.3f} {score}")
    run.load_best()
    return run.scores


class _Run:
    """The state of a training: network, optimiser, moving average, scores."""

    def __init__(
        self, network: MusicEmotionNetwork, training: Examples, *, schedule: Schedule, folder: Path, seed: int
    ) -> None:
        import tensorflow as tf
        from tf_keras import optimizers

        self.network, self.training, self.schedule = network, training, schedule
        self.folder, self.seed = folder, seed
        self.moments = standardise(training, _SUMMARY_SAMPLE, np.random.default_rng([seed, 0]))
        self.scores: list[Score] = []
        pieces = int(training.piece.max()) + 1
        steps = max(1, pieces * schedule.patches_per_piece // schedule.batch)
        rate = _warm_cosine(schedule, steps)
        self.optimiser = optimizers.AdamW(
            learning_rate=rate, weight_decay=schedule.weight_decay, use_ema=True, ema_momentum=schedule.average_decay
        )
        self.optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias", "sharpness"])
        self.optimiser.build(network.training.trainable_variables)
        self._tf = tf
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._checkpoint = tf.train.Checkpoint(model=network.training, optimiser=self.optimiser)
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.scores)

    @property
    def stale(self) -> int:
        """Epochs since the best one."""
        totals = [score.total for score in self.scores]
        return len(totals) - 1 - int(np.argmax(totals)) if totals else 0

    def one_epoch(self) -> float:
        """Go once over a random choice of patches; return the mean loss."""
        random = np.random.default_rng([self.seed, self.epoch + 1])
        losses = [float(self._step(batch)) for batch in self._batches(random)]
        return float(np.mean(losses))

    def validate(self, validation: Examples) -> Score:
        """Score the averaged weights; keep them if they are the best so far."""
        trained = self.network.training.get_weights()
        self.optimiser.finalize_variable_values(self.network.training.trainable_variables)
        score = validation_score(self.network, validation)
        if not self.scores or score.total > max(earlier.total for earlier in self.scores):
            self.network.training.save_weights(self.folder / "best.weights.h5")
        self.network.training.set_weights(trained)
        self.scores.append(score)
        return score

    def save(self) -> None:
        """Write the checkpoint, then the scores that say how far it is."""
        self._checkpoint.write(str(self.folder / "last"))
        listing = json.dumps([score.parts for score in self.scores])
        temporary = self.folder / "scores.json.new"
        temporary.write_text(listing, "utf-8")
        temporary.replace(self.folder / "scores.json")

    def load_best(self) -> None:
        """Put the best averaged weights into the network."""
        self.network.training.load_weights(self.folder / "best.weights.h5")

    def _resume(self) -> None:
        scores = self.folder / "scores.json"
        if scores.is_file():
            self._checkpoint.read(str(self.folder / "last")).expect_partial()
            self.scores = [Score(parts) for parts in json.loads(scores.read_text("utf-8"))]

    def _batches(self, random: np.random.Generator) -> Iterator[Mapping[str, Floats]]:
        """Yield batches, the next one being prepared while one is trained on."""
        rows = _epoch_rows(self.training, self.schedule.patches_per_piece, random)
        size = self.schedule.batch
        chunks = [rows[start : start + size] for start in range(0, max(len(rows) - size + 1, 1), size)]
        with ThreadPoolExecutor(1) as ahead:
            pending = ahead.submit(self._batch, chunks[0], random)
            for chunk in chunks[1:]:
                ready, pending = pending, ahead.submit(self._batch, chunk, random)
                yield ready.result()
            yield pending.result()

    def _batch(self, rows: npt.NDArray[np.int64], random: np.random.Generator) -> Mapping[str, Floats]:
        data = self.training
        targets = {
            f"target_{name}": (column[rows] - self.moments[name][0]) / self.moments[name][1]
            for name, column in data.targets.items()
        }
        shown = random.random((len(rows), 1)) >= self.schedule.metadata_dropout
        batch = {
            "log_mel": augmented(data.patches(rows), random=random, front_end=FRONT_END),
            "metadata": data.metadata[rows] * shown,
            "value": data.value[rows],
            "sign": data.sign[rows],
            "weight": data.weight[rows],
            **targets,
        }
        batch = mixed(batch, data.corpus[rows], share=self.schedule.mixed_share, random=random)
        mean, scale = self.moments["sound"]
        batch["target_sound"] = (sound_summary(batch["log_mel"]) - mean) / scale
        batch["log_mel"] = batch["log_mel"][..., None]
        return {name: column.astype(np.float32) for name, column in batch.items()}

    def _train_step(self, batch: Mapping[str, Tensor]) -> Tensor:
        tf = self._tf
        with tf.GradientTape() as tape:
            answer = self.network.training([batch["log_mel"], batch["metadata"]], training=True)
            loss = _masked(tf, batch["value"], answer["emotion"], batch["weight"])
            loss += _masked(tf, batch["sign"], answer["sign"], 1.0)
            auxiliary = [_masked(tf, batch[f"target_{name}"], answer[name], 1.0) for name in AUXILIARY]
            total = loss + self.schedule.auxiliary_weight * tf.add_n(auxiliary)
        variables = self.network.training.trainable_variables
        gradients, _ = tf.clip_by_global_norm(tape.gradient(total, variables), 5.0)
        self.optimiser.apply_gradients(zip(gradients, variables, strict=True))
        return loss


def _masked(tf: Tensor, target: Tensor, estimate: Tensor, weight: Tensor) -> Tensor:
    """Return the mean weighted squared error over the known targets, 0 where none is known."""
    known = tf.cast(tf.math.is_finite(target), tf.float32)
    error = tf.square(tf.where(known > 0, target, 0.0) - estimate) * known * weight
    return tf.reduce_sum(error) / tf.maximum(tf.reduce_sum(known), 1.0)


def _warm_cosine(schedule: Schedule, steps_per_epoch: int) -> Tensor:
    from tf_keras import optimizers

    return optimizers.schedules.CosineDecay(
        initial_learning_rate=schedule.learning_rate / 20.0,
        decay_steps=max(1, (schedule.epochs - 1) * steps_per_epoch),
        alpha=0.01,
        warmup_target=schedule.learning_rate,
        warmup_steps=steps_per_epoch,
    )


def _epoch_rows(data: Examples, per_piece: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return a random choice of patches, the same number of each piece, in random order."""
    order = random.permutation(len(data))
    order = order[np.argsort(data.piece[order], kind="stable")]
    starts = np.searchsorted(data.piece[order], np.arange(int(data.piece.max()) + 1))
    counts = np.diff(np.append(starts, len(order)))
    picks = [start + np.arange(per_piece) % count for start, count in zip(starts, counts, strict=True)]
    return order[random.permutation(np.concatenate(picks))]
