"""The stage of the build that makes `sequence` and, for later stages, its item vectors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Artefact, BuildContext, Figure, TensorSpec
from cloud_trainer.checkpoint import trained_once
from cloud_trainer.data.sources import training_data
from cloud_trainer.evaluation.variants import Export, export
from cloud_trainer.recommenders.cooccurrence import item_vectors
from cloud_trainer.recommenders.corpus import Corpus, load_corpus
from cloud_trainer.recommenders.full_ranking import Case, figures_of, rank_all
from cloud_trainer.recommenders.sequence_data import HISTORY, chronological_cases, padded
from cloud_trainer.recommenders.sequence_model import (
    SEQUENCE,
    SequenceSettings,
    TrainedSequence,
    from_arrays,
    network,
    sequence_scores,
    train_sequence,
)
from cloud_trainer.tensorflow_setup import prepare_tensorflow

__all__ = ["INPUTS", "OUTPUTS", "SequenceStage", "training_sequences"]

Rows = list[dict[str, npt.NDArray[np.float32]]]

INPUTS: Final = (
    TensorSpec(
        name="items",
        shape=(1, HISTORY, SEQUENCE),
        unit="1",
        description="Slice `sequence` of the last 50 items' vectors, the newest last, zeros on the left.",
    ),
    TensorSpec(name="mask", shape=(1, HISTORY), unit="0 or 1", description="1 where there is an item."),
)
OUTPUTS: Final = (
    TensorSpec(name="user", shape=(1, SEQUENCE), unit="1", description="v_u, in the space of the items' vectors."),
    TensorSpec(name="attention", shape=(1, HISTORY), unit="0..1", description="Weights of the items; they sum to 1."),
)
_CALIBRATION_ROWS: Final = 200


@dataclass(frozen=True)
class SequenceStage:
    """Train, evaluate and convert `sequence`.

    Attributes:
        settings: of the training.
    """

    settings: SequenceSettings = field(default_factory=SequenceSettings)
    name: str = "sequence"
    needs: Sequence[str] = ()
    sources: Sequence[str] = ("hetrec-lastfm",)
    packages: Sequence[str] = (
        "cloud_trainer.recommenders.sequence_stage",
        "cloud_trainer.recommenders.sequence_model",
        "cloud_trainer.recommenders.sequence_data",
        "cloud_trainer.recommenders.cooccurrence",
        "cloud_trainer.recommenders.metadata_vectors",
        "cloud_trainer.recommenders.corpus",
        "cloud_trainer.recommenders.interactions",
        "cloud_trainer.recommenders.full_ranking",
        "cloud_trainer.evaluation",
        "cloud_trainer.data.hetrec",
        "cloud_trainer.data.tables",
        "cloud_trainer.checkpoint",
        "cloud_trainer.epochs",
        "cloud_trainer.quantisation",
        "cloud_trainer.tflite_child",
        "models.identity",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return asdict(self.settings)

    def train(self, context: BuildContext) -> None:
        """Train; `build` and a second call find it done.

        Raises:
            DataError: HetRec is absent or damaged.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        self._trained(context)

    def build(self, context: BuildContext) -> list[Artefact]:
        """Build the model; its extras are the items' vectors, in the order of the corpus, and the network's weights.

        Raises:
            DataError: HetRec is absent or damaged.
            BundleError: the trained network does not convert.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        start = time.monotonic()
        corpus, trained, initial = self._trained(context)
        cost_s = time.monotonic() - start
        return [export(_described(context, corpus, trained, initial), cost_s=cost_s)]

    def _trained(self, context: BuildContext) -> tuple[Corpus, TrainedSequence, npt.NDArray[np.float32]]:
        corpus = load_corpus(context)
        settings = self.settings
        if context.scale == "tiny":
            settings = replace(settings, epochs=1, steps=2, batch=8, negatives=16)
        training, initial = training_sequences(corpus, context.seed)
        validation = chronological_cases(corpus.sequences, corpus.listeners("validation"))
        stored = trained_once(
            context.work / "sequence.npz",
            lambda: train_sequence(
                training,
                validation,
                initial,
                settings=settings,
                seed=context.seed,
                progress=context.progress,
                checkpoint=context.work / "sequence-epoch.npz",
            ).as_arrays(),
        )
        return corpus, from_arrays(stored), initial


def training_sequences(corpus: Corpus, seed: int) -> tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.float32]]:
    """Return the training listeners' sequences and the vectors to begin with.

    What they play without known order is a sequence in a drawn order: it teaches what goes together.
    """
    generator = np.random.default_rng(seed)
    users = corpus.listeners("train")
    ordered = [corpus.sequences[user] for user in users]
    unordered = [generator.permutation(corpus.histories[user].items) for user in users]
    together = [np.union1d(corpus.histories[user].items, corpus.sequences[user]) for user in users]
    initial = item_vectors(together, items=len(corpus.space.keys), size=SEQUENCE, seed=seed)
    return [*ordered, *unordered], initial


def _described(
    context: BuildContext, corpus: Corpus, trained: TrainedSequence, initial: npt.NDArray[np.float32]
) -> Export:
    cases = chronological_cases(corpus.sequences, corpus.listeners("test"))
    model, single = network(), network(batch_size=1)
    model.set_weights(trained.weights)
    single.set_weights(trained.weights)
    popularity = rank_all(cases, corpus.popularity_scores)
    protocol = (
        "listeners that nothing was trained on, in time order: the first four fifths given, the artists of the last "
        f"fifth ranked among all {len(corpus.space.keys)}; seed {context.seed}"
    )
    mean = rank_all(cases, lambda chosen: _means(initial, chosen))

    def judge(answers: Mapping[str, npt.NDArray[Any]]) -> dict[str, Figure]:
        result = rank_all(cases, lambda _: np.asarray(answers["user"] @ trained.vectors.T))
        return figures_of("hetrec_sequences", result, popularity, protocol=protocol, seed=context.seed)

    unordered = rank_all(corpus.test, lambda chosen: sequence_scores(model, trained.vectors, chosen))
    return Export(
        name="sequence",
        inputs=INPUTS,
        outputs=OUTPUTS,
        function=lambda items, mask: single([items, mask]),
        owner=single,
        calibration=_rows(trained.vectors, chronological_cases(corpus.sequences, corpus.listeners("train"))),
        judged=_rows(trained.vectors, cases),
        judge=judge,
        metrics={
            "hetrec_sequences.mean_vector_ndcg_at_10": Figure(
                value=float(mean.ndcg.mean()),
                baseline=float(popularity.ndcg.mean()),
                baseline_name="popularity",
                protocol=f"the plain mean of the co-occurrence vectors, for comparison; {protocol}",
                count=len(cases),
            ),
            **figures_of(
                "hetrec_plays",
                unordered,
                rank_all(corpus.test, corpus.popularity_scores),
                protocol="a drawn fifth of a new listener's artists, the rest given in no order, all others ranked",
                seed=context.seed,
            ),
        },
        training_data=[training_data(context.data, "hetrec-lastfm", rows=corpus.plays + corpus.tags)],
        extras=trained.as_arrays(),
        description=(
            "Bi-LSTM with attention over the last 50 item vectors and a residual connection; v_uᵀ x_i ranks what comes "
            "next. Trained on the artists that Last.fm listeners tagged, in the order of months."
        ),
    )


def _means(vectors: npt.NDArray[np.float32], cases: Sequence[Case]) -> npt.NDArray[np.float32]:
    users = np.stack([vectors[given.items[-HISTORY:]].mean(axis=0) for _, given, _ in cases])
    return np.asarray(users @ vectors.T, np.float32)


def _rows(vectors: npt.NDArray[np.float32], cases: Sequence[Case]) -> Rows:
    rows = []
    for _, given, _ in cases[:_CALIBRATION_ROWS]:
        items, mask = padded(given.items)
        rows.append({"items": (vectors[items] * mask[:, None])[None], "mask": mask[None]})
    return rows
