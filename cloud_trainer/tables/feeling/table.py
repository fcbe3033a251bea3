"""`user-emotion`: the attention network against what it is made of, in people that it was not trained on."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from cloud_trainer.tables.feeling import plain
from cloud_trainer.tables.feeling.arms import ARMS, Data, explanation, neural, searched
from cloud_trainer.tables.feeling.corpus import SETS, folds_of, read_corpus
from cloud_trainer.tables.feeling.scales import COLUMNS, EXPLAINED, truth_of
from cloud_trainer.tables.frame import Claim, Problem, Row, Table
from cloud_trainer.tables.learners import LEARNERS

__all__ = ["MODULES", "USER_EMOTION", "load"]

MODULES: Final = (
    "cloud_trainer.tables.feeling.arms",
    "cloud_trainer.tables.feeling.corpus",
    "cloud_trainer.tables.feeling.networks",
    "cloud_trainer.tables.feeling.plain",
    "cloud_trainer.tables.feeling.scales",
    "cloud_trainer.tables.feeling.table",
    "cloud_trainer.tables.situnes.recordings",
    "cloud_trainer.user_emotion.augmentation",
    "cloud_trainer.user_emotion.examples",
    "cloud_trainer.user_emotion.hku_examples",
    "cloud_trainer.user_emotion.layers",
    "cloud_trainer.user_emotion.network",
    "cloud_trainer.user_emotion.situnes_examples",
    "cloud_trainer.user_emotion.training",
    "cloud_trainer.user_emotion.wesad_examples",
)


@lru_cache(maxsize=1)
def load(data: Path, exam: Path | None, seed: int) -> Problem[Data]:
    """Read the sets and deal out the people; two tables that are computed one after the other share their networks."""
    corpus, felt = read_corpus(data, exam)
    return Problem(truth=truth_of(corpus, felt), group=corpus.person, data=Data(corpus), folds=folds_of(corpus, seed))


def _row(name: str) -> Row[Data]:
    return Row(
        name=name, what=ARMS[name].words, answer=partial(neural, name), tuned=explanation(name), grid=searched(name)
    )


_OURS: Final = "attention"
USER_EMOTION: Final = Table(
    name="user-emotion",
    title="User emotion: attention and its rivals",
    question="Does one network with attention over the last steps tell how somebody feels better than a network "
    "without attention, a regression for each data set, the person's own mean; and which inputs does it need?",
    protocol="Four folds over people, those of each data set dealt out evenly (leaving one person out would train each "
    "network thirty times); every row on the same folds; what a person reported earlier is known. Interval: people "
    "resampled.",
    exam_protocol="Trained on the data's people, the exam's rows scored once; what a person reported earlier in either "
    "folder is known. Interval: people resampled.",
    group="person",
    sources=SETS,
    columns=COLUMNS,
    rows=(
        Row(name="mean", what="the training people's mean of each set", answer=plain.mean, baseline=True),
        Row(name="last report", what="what the person reported last", answer=plain.last_report, baseline=True),
        Row(
            name="own running mean",
            what="the mean of the person's own earlier reports",
            answer=plain.running_mean,
            baseline=True,
        ),
        Row(
            name="ridge",
            what="ridge regression, one for each set and axis, on newest step, mean of the steps, last report",
            answer=plain.ridge,
            tuned="six settings on three folds of training people, by RMSE",
            grid=LEARNERS["ridge"].grid,
            baseline=True,
        ),
        *(_row(name) for name in ARMS if name != _OURS),
        _row(_OURS),
    ),
    reference="ridge",
    ours=_OURS,
    load=load,
    modules=MODULES,
    claims=(
        Claim("Physiology adds", _OURS, "without physiology"),
        Claim("The history adds", _OURS, "without history", EXPLAINED),
        Claim("The own word adds", _OURS, "without self-reports", EXPLAINED),
        Claim("Attention is better than recurrence", _OURS, "recurrent"),
        Claim("Our hyper-parameters are better than the paper's", _OURS, "paper"),
    ),
    notes=(
        "One network answers for all sets; the ridge regression is a specialist for each.",
        "Networks are trained as the build trains the one that ships: some fifty minutes of one core in all.",
        "People of all sets are resampled together, which widens the intervals a little.",
        "Stress is told by an arousal chosen on the training people; WESAD has no reports: rows of them answer alike.",
        "90 % regions: of those without a network, the training people's squared errors.",
    ),
)
