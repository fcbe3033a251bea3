"""The stage of the build that makes `hybrid` and the table `items`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Artefact, BuildContext, TableArtefact, TensorSpec, TrainingData
from cloud_trainer.data import deezer, situnes
from cloud_trainer.data.sources import training_data
from cloud_trainer.evaluation.variants import Export, export
from cloud_trainer.recommenders.corpus import Corpus, load_corpus
from cloud_trainer.recommenders.emotion_bridge import (
    EmotionBridge,
    artist_emotions,
    explained_variance,
    fit,
    sound_of,
    summary,
)
from cloud_trainer.recommenders.factors import FactorSettings, Weights, train_ncf, train_svdpp
from cloud_trainer.recommenders.hybrid_contexts import (
    Contexts,
    Items,
    Rated,
    UserVectors,
    contexts_of_histories,
    rated_contexts,
    situnes_items,
)
from cloud_trainer.recommenders.hybrid_evaluation import BLOCK, block_candidates, judge_blocks, ranking_figures
from cloud_trainer.recommenders.hybrid_network import AFFECT, EMBEDDING, Frozen, score_block
from cloud_trainer.recommenders.hybrid_training import HybridSettings, Played, Validation, train_fusion
from cloud_trainer.recommenders.interactions import History
from cloud_trainer.recommenders.layout import SIZE, SLICES, item_table
from cloud_trainer.recommenders.sequence_model import SEQUENCE, user_vectors
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
_FOLDINGS: Final = {"full": 3, "tiny": 1}
_CALIBRATION_ROWS: Final = 60
_JUDGED_LISTENERS: Final = 60
_VALIDATION_LISTENERS: Final = 80


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
        "cloud_trainer.quantisation",
        "cloud_trainer.tflite_child",
        "models.identity",
        "models.situation",
    )

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return {"fusion": asdict(self.settings), "factors": asdict(self.factors)}

    def build(self, context: BuildContext) -> list[Artefact]:
        """Build model and table.

        Raises:
            DataError: a data set is absent or damaged.
            BundleError: the trained model does not convert.
        """
        prepare_tensorflow(threads=context.threads, seed=context.seed)
        start = time.monotonic()
        world = _world(context, self._factors(context))
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
        return train_fusion(
            world.artists,
            world.played,
            world.tracks,
            world.rated["train"],
            validation=world.validation,
            frozen=world.frozen,
            settings=settings,
            seed=context.seed,
            progress=context.progress,
        )


@dataclass(frozen=True)
class World:
    """Everything that the fusion is trained and judged on.

    Attributes:
        corpus: HetRec.
        artists: HetRec's, with embeddings drawn from their emotions.
        emotions: the artists' emotions, NaN where unknown.
        bridge: from emotion to item vectors.
        played: occasions of HetRec's training listeners.
        validation: what the fusion's epochs are judged by.
        test: occasions of its test listeners, in the order of `corpus.test`.
        tracks: SiTunes'.
        rated: SiTunes' ratings by side: all of the lab and the earlier 70 % of daily life, then 10 and 20 %.
        frozen: what the fusion does not change.
        songs: number of Deezer's songs.
    """

    corpus: Corpus
    artists: Items
    emotions: Floats
    bridge: EmotionBridge
    played: Played
    validation: Validation
    test: Contexts
    tracks: Items
    rated: Mapping[str, Rated]
    frozen: Frozen
    songs: int


def _world(context: BuildContext, factors: FactorSettings) -> World:
    generator = np.random.default_rng(context.seed)
    corpus = load_corpus(context)
    histories = corpus.training_histories()
    trainers = (train_svdpp, train_ncf)
    svdpp, ncf = (
        train(
            histories,
            corpus.validation,
            items=len(corpus.space.keys),
            settings=factors,
            seed=context.seed,
            progress=context.progress,
        )
        for train in trainers
    )
    sequence = context.model("sequence")
    vectors = item_table(svdpp, ncf, np.asarray(sequence.extras["vectors"], np.float32))
    emotion_map = np.asarray(context.model("music_emotion").extras["emotion_map"], np.float32)
    songs = deezer.load(context.data)
    emotions = artist_emotions(corpus.space, songs)
    bridge = fit(vectors, emotions)
    artists = Items(vectors, sound_of(emotions, emotion_map, generator))
    to_users = partial(user_vectors, _sequence_network(sequence.extras))
    data = situnes.load(context.data)
    tracks, known = situnes_items(
        data, corpus.space, artists, bridge=bridge, emotion_map=emotion_map, generator=generator
    )
    context.progress.note(f"hybrid: the singers of {known.mean():.0%} of SiTunes' tracks are known")
    rated = _in_time(rated_contexts(data, tracks, to_users))
    cases = corpus.validation[:_VALIDATION_LISTENERS]
    return World(
        corpus=corpus,
        artists=artists,
        emotions=emotions,
        bridge=bridge,
        played=_played(context, histories, artists, to_users),
        validation=Validation(
            artists=artists,
            contexts=contexts_of_histories([given for _, given, _ in cases], artists, to_users),
            blocks=block_candidates(cases, len(vectors), generator),
            asked=[min(len(asked), BLOCK) for _, _, asked in cases],
            tracks=tracks,
            rated=rated["validation"],
        ),
        test=contexts_of_histories([given for _, given, _ in corpus.test], artists, to_users),
        tracks=tracks,
        rated=rated,
        frozen=Frozen({name: value for name, value in ncf.items() if name != "items"}, emotion_map),
        songs=len(songs.artist),
    )


def _sequence_network(extras: Mapping[str, npt.NDArray[Any]]) -> Any:  # noqa: ANN401 - TensorFlow publishes no types
    from cloud_trainer.recommenders.sequence_model import network

    model = network()
    model.set_weights([extras[f"weight.{place}"] for place in range(len(model.get_weights()))])
    return model


def _in_time(rated: Rated) -> dict[str, Rated]:
    order = np.argsort(rated.time, kind="stable")
    daily = order[rated.daily[order]]
    first, second = int(len(daily) * 0.7), int(len(daily) * 0.8)
    return {
        "train": rated.take(np.concatenate([order[~rated.daily[order]], daily[:first]])),
        "validation": rated.take(daily[first:second]),
        "test": rated.take(daily[second:]),
    }


def _played(context: BuildContext, histories: Sequence[History], artists: Items, to_users: UserVectors) -> Played:
    """Fold each training history several times: part given, the rest asked for."""
    generator = np.random.default_rng([context.seed, 2])
    given: list[History] = []
    asked: list[Ints] = []
    for history in [*histories] * _FOLDINGS[context.scale]:
        order = generator.permutation(len(history.items))
        count = max(1, min(len(order) - 1, int(len(order) * generator.uniform(0.3, 0.9))))
        given.append(History(history.items[order[:count]], history.weights[order[:count]]))
        asked.append(history.items[order[count:]])
    contexts = contexts_of_histories(given, artists, to_users)
    return Played(contexts, asked, [history.items for history in given])


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
