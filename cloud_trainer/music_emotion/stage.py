"""The stage of the build that makes `music_emotion` and the table `descriptors`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Artefact, BuildContext, TableArtefact, TrainingData
from cloud_trainer.data import emopia, emotify, vgmidi
from cloud_trainer.data.pieces import Piece, Split, shared_groups
from cloud_trainer.data.sources import training_data
from cloud_trainer.music_emotion.corpus import Corpus, build_corpus
from cloud_trainer.music_emotion.examples import AUXILIARY, Examples, MetadataOf, examples
from cloud_trainer.music_emotion.export import build_artefact
from cloud_trainer.music_emotion.network import METADATA, MusicEmotionNetwork, NetworkSize, build_network
from cloud_trainer.music_emotion.training import Schedule, train
from cloud_trainer.settings import MusicEmotionSection
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from models.audio.descriptors import DESCRIPTORS
from models.errors import DataError, Reason
from models.metadata import MetadataTable

__all__ = ["MusicEmotionStage", "metadata_of"]

Floats = npt.NDArray[np.float32]

_SETS: Final[Mapping[str, Callable[..., list[Piece]]]] = {
    "emopia": emopia.load,
    "vgmidi": vgmidi.load,
    "emotify": emotify.load,
}
_SPLITS: Final[tuple[Split, ...]] = get_args(Split)
_TINY_PIECES: Final = 6
_TINY_SIZE: Final = NetworkSize(stem=16, stages=(16, 16, 16, 16), metadata_units=4)
_SMALLEST_SCALE: Final = 1e-6
_DEFAULTS: Final = MusicEmotionSection()


@dataclass(frozen=True)
class MusicEmotionStage:
    """Render, train, evaluate and convert `music_emotion`.

    Attributes:
        settings: of network and training.
    """

    settings: MusicEmotionSection = _DEFAULTS
    name: str = "music_emotion"
    needs: Sequence[str] = ("metadata_vectors",)
    sources: Sequence[str] = (*_SETS, "piano-samples")
    packages: Sequence[str] = (
        "cloud_trainer.music_emotion",
        "cloud_trainer.rendering",
        "cloud_trainer.data.labels",
        "cloud_trainer.data.pieces",
        *(f"cloud_trainer.data.{name}" for name in _SETS),
        "cloud_trainer.evaluation.bootstrap",
        "cloud_trainer.evaluation.regression",
        "cloud_trainer.evaluation.variants",
        "cloud_trainer.quantisation",
        "cloud_trainer.tflite_child",
        "models.audio",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return {name: getattr(self.settings, name) for name in self.settings.__struct_fields__}

    def train(self, context: BuildContext) -> None:
        """Render and train; `build` and a second call find it done.

        Raises:
            DataError: a data set is missing, damaged, or leaks from one side to another.
        """
        self.trained(context)

    def build(self, context: BuildContext) -> list[Artefact]:
        """Build the model and the table of the descriptors' scales.

        Raises:
            DataError: a data set is missing, damaged, or leaks from one side to another.
            BundleError: the trained network does not convert.
        """
        start = time.monotonic()
        corpora, sides, network = self.trained(context)
        cost_s = time.monotonic() - start
        sources = [_source(context, name, corpora) for name in _SETS]
        model = build_artefact(network, sides, seed=context.seed, sources=sources, cost_s=cost_s)
        return [model, _descriptor_table(corpora, sources)]

    def trained(
        self, context: BuildContext, *, training_seed: int | None = None
    ) -> tuple[list[Corpus], dict[Split, Examples], MusicEmotionNetwork]:
        """Return the corpora, the rows by side, and the trained network; what an earlier call left is gone on with.

        Args:
            context: of the build.
            training_seed: of initial weights and batches, where it is not that which splits the songs.

        Raises:
            DataError: a data set is missing, damaged, or leaks from one side to another.
        """
        seed = context.seed if training_seed is None else training_seed
        prepare_tensorflow(threads=context.threads, seed=seed)
        corpora = build_corpus(
            _pieces(context),
            data=context.data,
            folder=context.cache / "patches",
            progress=context.progress,
            processes=context.threads,
        )
        sides = {split: examples(corpora, split, metadata_of(context)) for split in _SPLITS}
        size, schedule = _network_size(self.settings), _schedule(self.settings)
        if context.scale == "tiny":
            size, schedule = _TINY_SIZE, replace(schedule, epochs=2, batch=4, patches_per_piece=1)
        network = build_network(size, dict(AUXILIARY))
        train(
            network,
            sides["train"],
            sides["validation"],
            schedule=schedule,
            folder=context.work / "training",
            seed=seed,
            progress=context.progress,
        )
        return corpora, sides, network


def _pieces(context: BuildContext) -> list[Piece]:
    pieces = [piece for load in _SETS.values() for piece in load(context.data, seed=context.seed)]
    if context.scale == "tiny":
        pieces = _few(pieces)
    if leaks := shared_groups(pieces):
        raise DataError(
            f"songs stand on two sides of the split: {', '.join(sorted(leaks)[:5])}",
            reason=Reason.WRONG_VALUE,
            remedy="Correct the loaders in cloud_trainer.data",
        )
    return pieces


def _few(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the first pieces of each set and side."""
    chosen: dict[tuple[str, Split], list[Piece]] = {}
    for piece in pieces:
        chosen.setdefault((piece.dataset, piece.split), []).append(piece)
    return [piece for members in chosen.values() for piece in members[:_TINY_PIECES]]


def _source(context: BuildContext, name: str, corpora: Sequence[Corpus]) -> TrainingData:
    pieces = [piece for corpus in corpora for piece in corpus.pieces]
    rows = sum(piece.dataset == name and piece.split == "train" for piece in pieces)
    return training_data(context.data, name, rows=rows)


def _network_size(settings: MusicEmotionSection) -> NetworkSize:
    return NetworkSize(
        stem=settings.stem, band_stride=settings.band_stride, stages=settings.stages, dropout=settings.dropout
    )


def _schedule(settings: MusicEmotionSection) -> Schedule:
    return Schedule(**{field.name: getattr(settings, field.name) for field in fields(Schedule)})


def metadata_of(context: BuildContext) -> MetadataOf:
    """Return the function that gives a piece's metadata vector: that of its genre, where the data set varies it.

    A set of one genre would teach the branch the set, not the genre.
    """
    table = context.artefacts.get("metadata")
    unknown = np.zeros(METADATA, np.float32)
    if not isinstance(table, TableArtefact):
        return lambda _: unknown
    vectors = MetadataTable(table.arrays["key"], table.arrays["vector"])
    of_genre = {genre: vectors.vector_of([("genre", genre)]) for genre in emotify.GENRES}
    return lambda piece: of_genre[piece.genre] if piece.dataset == "emotify" else unknown


def _descriptor_table(corpora: Sequence[Corpus], sources: Sequence[TrainingData]) -> TableArtefact:
    training = np.concatenate(
        [corpus.descriptors[[piece.split == "train" for piece in corpus.pieces]] for corpus in corpora]
    )
    return TableArtefact(
        name="descriptors",
        arrays={
            "name": np.array(DESCRIPTORS),
            "mean": training.mean(axis=0).astype(np.float32),
            "scale": np.maximum(training.std(axis=0), _SMALLEST_SCALE).astype(np.float32),
        },
        description="Mean and standard deviation of the audio descriptors over the training pieces, for z-scores.",
        training_data=sources,
    )
