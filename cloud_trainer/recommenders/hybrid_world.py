"""Everything that the fusion is trained and judged on: factors, artists, SiTunes' tracks, occasions of both sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import BuildContext
from cloud_trainer.checkpoint import trained_once
from cloud_trainer.data import deezer, situnes
from cloud_trainer.recommenders.corpus import Corpus, load_corpus
from cloud_trainer.recommenders.emotion_bridge import EmotionBridge, artist_emotions, fit, sound_of
from cloud_trainer.recommenders.factors import FactorSettings, train_ncf, train_svdpp
from cloud_trainer.recommenders.full_ranking import Case
from cloud_trainer.recommenders.hybrid_contexts import (
    Contexts,
    Items,
    Rated,
    UserVectors,
    contexts_of_histories,
    rated_contexts,
    situnes_items,
)
from cloud_trainer.recommenders.hybrid_network import Frozen
from cloud_trainer.recommenders.hybrid_training import Played, Validation
from cloud_trainer.recommenders.interactions import History
from cloud_trainer.recommenders.layout import item_table
from cloud_trainer.recommenders.sequence_model import user_vectors

__all__ = ["BLOCK", "World", "block_candidates", "build_world"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BLOCK: Final = 256
"""Candidates that the model scores in one call."""
_FOLDINGS: Final = {"full": 3, "tiny": 1}
_VALIDATION_LISTENERS: Final = 80


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


def build_world(context: BuildContext, factors: FactorSettings) -> World:
    """Train SVD++ and NCF and put together what the fusion needs.

    Raises:
        DataError: a data set is absent or damaged.
    """
    generator = np.random.default_rng(context.seed)
    corpus = load_corpus(context)
    histories = corpus.training_histories()
    svdpp, ncf = (
        trained_once(
            context.work / f"{name}.npz",
            partial(
                train,
                histories,
                corpus.validation,
                items=len(corpus.space.keys),
                settings=factors,
                seed=context.seed,
                progress=context.progress,
                checkpoint=context.work / f"{name}-epoch.npz",
            ),
        )
        for name, train in (("svdpp", train_svdpp), ("ncf", train_ncf))
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


def block_candidates(cases: Sequence[Case], items: int, generator: np.random.Generator) -> Ints:
    """Return a block per case: the asked artists first, then drawn ones that are neither asked for nor given."""
    blocks = np.full((len(cases), BLOCK), -1, np.int64)
    for block, (_, given, asked) in zip(blocks, cases, strict=True):
        others = np.setdiff1d(np.arange(items), np.union1d(given.items, asked))
        drawn = generator.choice(others, min(BLOCK - len(asked), len(others)), replace=False)
        chosen = np.concatenate([asked, drawn])[:BLOCK]
        block[: len(chosen)] = chosen
    return blocks
