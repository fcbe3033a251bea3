"""The stage of the build that makes `hybrid` and the table `items`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Artefact, BuildContext, TableArtefact, TensorSpec, TrainingData
from cloud_trainer.checkpoint import trained_once
from cloud_trainer.data.sources import training_data
from cloud_trainer.evaluation.variants import Export, export
from cloud_trainer.recommenders.emotion_bridge import (
    explained_variance,
    summary,
)
from cloud_trainer.recommenders.factors import FactorSettings, Weights
from cloud_trainer.recommenders.hybrid_evaluation import judge_blocks, ranking_figures
from cloud_trainer.recommenders.hybrid_network import AFFECT, EMBEDDING, score_block
from cloud_trainer.recommenders.hybrid_training import HybridSettings, train_fusion
from cloud_trainer.recommenders.hybrid_world import BLOCK, World, block_candidates, build_world
from cloud_trainer.recommenders.layout import SIZE, SLICES
from cloud_trainer.recommenders.sequence_model import SEQUENCE
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from models.situation import SITUATION

__all__ = ["INPUTS", "OUTPUTS", "HybridStage"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

INPUTS: Final = (
    TensorSpec(
        name="user_pooled",
        shape=(1, SIZE),
        unit="1",
        description="|N|^-1/2 times the sum of w_j x_j over the history's N items, w_j in (0, 1] the confidence.",
    ),
    TensorSpec(name="user_sequence", shape=(1, SEQUENCE), unit="1", description="v_u of the model `sequence`."),
    TensorSpec(name="candidates", shape=(1, BLOCK, SIZE), unit="1", description="Item vectors; zeros fill the block."),
    TensorSpec(
        name="candidates_audio",
        shape=(1, BLOCK, EMBEDDING),
        unit="1",
        description="Embeddings v_a of length 1; zeros where unknown.",
    ),
    TensorSpec(
        name="user_audio",
        shape=(1, EMBEDDING),
        unit="1",
        description="Mean v_a of the liked and recent tracks, brought to length 1; zeros where unknown.",
    ),
    TensorSpec(
        name="affect",
        shape=(1, AFFECT),
        unit="-1..1",
        description="Valence, arousal, their standard deviations, and 1 where known; else all zeros.",
    ),
    TensorSpec(
        name="situation", shape=(1, len(SITUATION)), unit="see models.situation", description="Zeros where unknown."
    ),
)
OUTPUTS: Final = (
    TensorSpec(name="svdpp", shape=(1, BLOCK), unit="logit", description="Score of SVD++; higher is better."),
    TensorSpec(name="ncf", shape=(1, BLOCK), unit="logit", description="Score of NCF; higher is better."),
    TensorSpec(
        name="fused", shape=(1, BLOCK), unit="0..1", description="Gated fusion: about the chance of a like if played."
    ),
)
_CALIBRATION_ROWS: Final = 60
_JUDGED_LISTENERS: Final = 60


@dataclass(frozen=True)
class HybridStage:
    """Train SVD++, NCF and their fusion; lay out the table of items.

    Attributes:
        settings: of the fusion's training.
        factors: of SVD++'s and NCF's.
    """

    settings: HybridSettings = field(default_factory=HybridSettings)
    factors: FactorSettings = field(default_factory=FactorSettings)
    name: str = "hybrid"
    needs: Sequence[str] = ("music_emotion", "sequence")
    sources: Sequence[str] = ("hetrec-lastfm", "situnes", "deezer-mood")
    packages: Sequence[str] = (
        "cloud_trainer.recommenders",
        "cloud_trainer.evaluation",
        "cloud_trainer.data.hetrec",
        "cloud_trainer.data.situnes",
        "cloud_trainer.data.deezer",
        "cloud_trainer.data.labels",
        "cloud_trainer.data.tables",
        "cloud_trainer.checkpoint",
        "cloud_trainer.epochs",
        "cloud_trainer.quantisation",
        "cloud_trainer.tflite_child",
        "models.identity",
        "models.situation",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return {"fusion": asdict(self.settings), "factors": asdict(self.factors)}

    def train(self, context: BuildContext) -> None:
        """Train the factors and their fusion; `build` and a second call find it done.

        Raises:
            DataError: a data set is absent or damaged.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        self._fusion(context, build_world(context, self._factors(context)))

    def build(self, context: BuildContext) -> list[Artefact]:
        """Build model and table.

        Raises:
            DataError: a data set is absent or damaged.
            BundleError: the trained model does not convert.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        start = time.monotonic()
        world = build_world(context, self._factors(context))
        fusion = self._fusion(context, world)
        cost_s = time.monotonic() - start
        sources = [
            training_data(context.data, "hetrec-lastfm", rows=world.corpus.plays),
            training_data(context.data, "situnes", rows=len(world.rated["train"].track)),
            training_data(context.data, "deezer-mood", rows=world.songs),
        ]
        model = export(_described(context, world, fusion, sources), cost_s=cost_s)
        return [model, _table(context, world, sources)]

    def _factors(self, context: BuildContext) -> FactorSettings:
        tiny = context.scale == "tiny"
        return replace(self.factors, epochs=2, check_every=1, batch=8, negatives=8) if tiny else self.factors

    def _fusion(self, context: BuildContext, world: World) -> Weights:
        settings = self.settings
        if context.scale == "tiny":
            settings = replace(settings, epochs=1, steps=2, batch=4, positives=2, negatives=6)
        return trained_once(
            context.work / "fusion.npz",
            lambda: train_fusion(
                world.played,
                world.rated["train"],
                validation=world.validation,
                frozen=world.frozen,
                settings=settings,
                seed=context.seed,
                progress=context.progress,
                checkpoint=context.work / "fusion-epoch.npz",
            ),
        )


def _described(context: BuildContext, world: World, fusion: Weights, sources: Sequence[TrainingData]) -> Export:
    generator = np.random.default_rng([context.seed, 3])
    cases, test = world.corpus.test[:_JUDGED_LISTENERS], world.rated["test"]
    blocks = block_candidates(cases, len(world.artists.vectors), generator)
    rows = [
        *_rows(world.test.take(np.arange(len(cases))).inputs(world.artists, blocks)),
        *_rows(test.contexts.inputs(world.tracks, _alone(test.track))),
    ]
    few = generator.integers(0, len(world.played.contexts), _CALIBRATION_ROWS)
    drawn = generator.integers(0, len(world.artists.vectors), (_CALIBRATION_ROWS, BLOCK))
    rated = world.rated["train"].take(generator.integers(0, len(world.rated["train"].track), _CALIBRATION_ROWS))
    return Export(
        name="hybrid",
        inputs=INPUTS,
        outputs=OUTPUTS,
        function=lambda **inputs: score_block(fusion, world.frozen, inputs),
        calibration=[
            *_rows(world.played.contexts.take(few).inputs(world.artists, drawn)),
            *_rows(rated.contexts.inputs(world.tracks, _alone(rated.track))),
        ],
        judged=rows,
        judge=lambda answers: judge_blocks(answers, cases, blocks, test),
        metrics=ranking_figures(world, fusion, seed=context.seed),
        training_data=sources,
        description=(
            "SVD++ and NCF with the listener folded in, and a gated fusion of both with the sequence model's v_u, the "
            "sound, the listener's affect state and the situation. Trained on Last.fm play counts and SiTunes' ratings."
        ),
    )


def _rows(inputs: Mapping[str, Floats]) -> list[dict[str, Floats]]:
    count = len(inputs["affect"])
    return [{name: values[row : row + 1] for name, values in inputs.items()} for row in range(count)]


def _alone(tracks: Ints) -> Ints:
    """Return blocks with one candidate each, in the first place."""
    block = np.full((len(tracks), BLOCK), -1, np.int64)
    block[:, 0] = tracks
    return block


def _table(context: BuildContext, world: World, sources: Sequence[TrainingData]) -> TableArtefact:
    figures = explained_variance(world.artists.vectors, world.emotions, seed=context.seed)
    context.progress.note(f"items: held-out R2 of the vectors from emotion: {summary(figures)}")
    listeners = np.log1p(world.corpus.popularity())
    # Half precision in single-precision columns: the last bits are noise, and zeros compress.
    vectors = world.artists.vectors.astype(np.float16).astype(np.float32)
    return TableArtefact(
        name="items",
        arrays={
            "key": world.corpus.space.keys,
            "vector": vectors,
            "popularity": (listeners / max(listeners.max(), 1e-9)).astype(np.float32),
            "slice_names": np.array(list(SLICES)),
            "slice_bounds": np.array([(part.start, part.stop) for part in SLICES.values()], np.int32),
            "from_audio": world.bridge.from_sound(world.frozen.emotion_map),
            "mean": vectors.mean(axis=0).astype(np.float32),
        },
        description=(
            "Artists that at least four Last.fm listeners play or tag. Keys: models.identity, kind artist. "
            "`popularity` is the logarithm of one plus the listeners, over its largest value. `from_audio` (129, D) "
            "gives the vector of an unknown track from [v_a, 1], by way of emotion, which explains little."
        ),
        training_data=sources,
        metrics=figures,
    )
