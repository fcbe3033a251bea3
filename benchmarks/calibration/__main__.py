"""Whether the affect state is as sure as it may be, on held-out people: writes the table and the reliability curve.

    python -m benchmarks.calibration [--data ../shared/data] [--folds 4] [--seed 1] [--people validation] [--quick]

People are dealt into folds. Per fold `user_emotion` is trained on the other people by the trainer's own functions; the
held-out people's recordings then go through the real `AffectStation` on their own clock, and its state at each rating
is compared with the rating before it is told. Weights and findings are kept under `--work` by a hash of code and data,
so a run that was cut off goes on. `--people validation` plays the people who decide when training stops instead of the
held-out ones: constants are chosen on them. It prints and writes nothing; nor does `--quick`, which runs one fold of
barely trained models.
"""

from __future__ import annotations

import os

# One thread: the matrices are 4 by 4.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.calibration.figure import draw
from benchmarks.calibration.learning import Lesson, learned, replay_key
from benchmarks.calibration.people import People, fold_of, load
from benchmarks.calibration.studies import Found, Plan, merge, read, study, validating, write
from benchmarks.calibration.tables import page
from cloud_trainer.user_emotion.training import Settings

_log = logging.getLogger("attune.benchmarks")
_REPOSITORY = Path(__file__).resolve().parents[2]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=_REPOSITORY.parent / "shared" / "data", help="research data sets")
    parser.add_argument("--folds", type=int, default=4, help="groups of people, at least 2")
    parser.add_argument("--seed", type=int, default=1, help="of the deal of people and of the training")
    parser.add_argument("--people", choices=("held-out", "validation"), default="held-out", help="whom to play")
    parser.add_argument("--work", type=Path, default=_REPOSITORY / ".build" / "calibration", help="what is kept")
    parser.add_argument("--docs", type=Path, default=_REPOSITORY / "docs", help="where table and figure go")
    parser.add_argument("--quick", action="store_true", help="one fold, few epochs: whether everything runs")
    return parser.parse_args(words)


def _found(arguments: argparse.Namespace, people: People, number: int, settings: Settings, plan: Plan) -> Found:
    lesson = Lesson(arguments.data, settings, arguments.folds, number, arguments.seed)
    path = arguments.work / f"found-{replay_key(lesson, {**asdict(plan), 'people': arguments.people})}.npz"
    if (stored := read(path)) is not None:
        _log.info("fold %d: taken from %s", number, path)
        return stored
    model, training_s = learned(lesson, arguments.work)
    fold = fold_of(people, number, folds=arguments.folds, seed=arguments.seed)
    if arguments.people == "validation":
        fold = validating(fold, people)
    found = study(fold, people, model, plan, training_s=training_s)
    write(path, found)
    _log.info("fold %d: %d ratings replayed in %.0f s", number, len(found.filter), found.cost_s[0, 1])
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page and the figure."""
    arguments = _arguments(words)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    started, settings, plan = time.monotonic(), Settings(), Plan()
    if arguments.quick:
        settings = replace(settings, epochs=3, steps=20, wesad_pool=1000)
        plan = Plan(minutes=3, told_minutes=1, told={"daily": (0, 5)})
    people = load(arguments.data)
    numbers = range(1 if arguments.quick else arguments.folds)
    found = merge([_found(arguments, people, number, settings, plan) for number in numbers])
    text = page(found, folds=arguments.folds, seed=arguments.seed, settings=settings, plan=plan)
    print(text)
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    if not arguments.quick and arguments.people == "held-out":
        (arguments.docs / "tables").mkdir(parents=True, exist_ok=True)
        (arguments.docs / "tables" / "calibration.md").write_text(text, "utf-8")
        draw(found, arguments.docs / "images" / "calibration.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
