"""What a search of `sequence` and `hybrid` may choose, and how a choice is scored on validation listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from cloud_trainer.progress import ObservedProgress, Progress
from cloud_trainer.recommenders.corpus import load_corpus
from cloud_trainer.recommenders.factors import FactorSettings
from cloud_trainer.recommenders.hybrid_training import HybridSettings, train_fusion
from cloud_trainer.recommenders.hybrid_world import build_world
from cloud_trainer.recommenders.sequence_data import chronological_cases
from cloud_trainer.recommenders.sequence_model import SequenceSettings, train_sequence
from cloud_trainer.recommenders.sequence_stage import training_sequences
from cloud_trainer.search.space import Number, Objective, Report, SearchContext, Settings, Space, Whole
from cloud_trainer.tensorflow_setup import prepare_tensorflow

__all__ = ["HYBRID", "SEQUENCE"]

_SEQUENCE: Final = SequenceSettings()
_HYBRID: Final = HybridSettings()


def _prepare_sequence(context: SearchContext) -> Objective:
    prepare_tensorflow(threads=context.threads, seed=context.drawn_by)
    corpus = load_corpus(context.as_build())
    training, initial = training_sequences(corpus, context.seed)
    validation = chronological_cases(corpus.sequences, corpus.listeners("validation"))
    base = replace(_SEQUENCE, epochs=1, steps=2, negatives=16) if context.scale == "tiny" else _SEQUENCE

    def trained(settings: Settings, progress: Progress) -> None:
        train_sequence(
            training, validation, initial, settings=replace(base, **settings), seed=context.drawn_by, progress=progress
        )

    return _best_epoch(trained, context)


def _prepare_hybrid(context: SearchContext) -> Objective:
    prepare_tensorflow(threads=context.threads, seed=context.drawn_by)
    factors = FactorSettings()
    base = _HYBRID
    if context.scale == "tiny":
        factors = replace(factors, epochs=2, check_every=1, batch=8, negatives=8)
        base = replace(base, epochs=1, steps=2, batch=4, positives=2, negatives=6)
    world = build_world(context.as_build(), factors)

    def trained(settings: Settings, progress: Progress) -> None:
        train_fusion(
            world.played,
            world.rated["train"],
            validation=world.validation,
            frozen=world.frozen,
            settings=replace(base, **settings),
            seed=context.drawn_by,
            progress=progress,
        )

    return _best_epoch(trained, context)


def _best_epoch(trained: Callable[[Settings, Progress], Any], context: SearchContext) -> Objective:
    """Return the objective that is the validation score of the best epoch, told after every epoch."""

    def objective(settings: Settings, report: Report) -> float:
        scores: list[float] = []

        def observe(epoch: int, figures: Mapping[str, float]) -> None:
            scores.append(figures["validation"])
            report(epoch, max(scores))

        trained(settings, ObservedProgress(context.progress, observe))
        return max(scores)

    return objective


SEQUENCE: Final = (
    Space(
        name="sequence",
        what="Bi-LSTM with attention over the last fifty items; NDCG@10 of validation listeners' later artists",
        ranges={
            "learning_rate": Number(1e-4, 1e-2, log=True),
            "decay": Number(1e-3, 10.0, log=True),
            "dropout": Number(0.0, 0.7),
            "batch": Whole(64, 512, 64),
        },
        start={
            "learning_rate": _SEQUENCE.learning_rate,
            "decay": _SEQUENCE.decay,
            "dropout": _SEQUENCE.dropout,
            "batch": _SEQUENCE.batch,
        },
        sources=("hetrec-lastfm",),
        modules=tuple(
            f"cloud_trainer.recommenders.{name}"
            for name in ("search", "sequence_model", "sequence_data", "sequence_stage", "corpus", "interactions")
        ),
        prepare=_prepare_sequence,
    ),
)
HYBRID: Final = (
    Space(
        name="hybrid",
        what="gated fusion of SVD++, NCF, sequence and sound; AUC of later ratings plus NDCG@10 of new listeners",
        ranges={
            "learning_rate": Number(1e-4, 1e-2, log=True),
            "decay": Number(1e-6, 1e-2, log=True),
            "hide": Number(0.0, 0.6),
            "rated_weight": Number(0.05, 2.0, log=True),
        },
        start={
            "learning_rate": _HYBRID.learning_rate,
            "decay": _HYBRID.decay,
            "hide": _HYBRID.hide,
            "rated_weight": _HYBRID.rated_weight,
        },
        sources=("hetrec-lastfm", "situnes", "deezer-mood"),
        modules=tuple(
            f"cloud_trainer.recommenders.{name}"
            for name in ("search", "hybrid_training", "hybrid_network", "hybrid_world", "hybrid_contexts", "factors")
        ),
        prepare=_prepare_hybrid,
        needs=("music_emotion", "sequence"),
    ),
)
