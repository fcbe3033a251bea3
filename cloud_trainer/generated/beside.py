"""What a bundle reaches on research data that was held out, whatever it was trained on: the free one beside the other.

Both emotion models are asked, in the variant that the device runs. The recommenders are not: the artists of generated
data exist nowhere, so that the free bundle ranks by what it predicts from sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.artefact import Figure
from cloud_trainer.data import emopia, emotify, vgmidi
from cloud_trainer.data.pieces import Piece
from cloud_trainer.music_emotion.corpus import build_corpus
from cloud_trainer.music_emotion.evaluation import held_out_figures, piece_table
from cloud_trainer.music_emotion.examples import examples
from cloud_trainer.music_emotion.network import METADATA
from cloud_trainer.progress import Progress
from cloud_trainer.quantisation import run_tflite
from cloud_trainer.report.free import Beside, Line
from cloud_trainer.user_emotion import wesad_examples
from cloud_trainer.user_emotion.evaluation import explained
from cloud_trainer.user_emotion.examples import concatenate
from cloud_trainer.user_emotion.sides import read_sides
from models.bundle.reader import Bundle

__all__ = ["beside"]

_PIECES: Final = (emopia, vgmidi, emotify)


def beside(ships: Bundle, free: Bundle, *, data: Path, work: Path, seed: int, progress: Progress) -> Beside:
    """Judge the emotion models of two bundles on the same held-out research data.

    Args:
        ships: trained on research data; it must not have seen the test side of this seed.
        free: trained on generated data.
        data: root of the research data.
        work: folder of the stages' caches, where rendered pieces are.
        seed: of the splits.
        progress: where it is shown.

    Raises:
        DataError: a data set is missing or damaged.
        BundleError: a model does not run.
    """
    music = _music((ships, free), data, work=work, seed=seed, progress=progress)
    people = _people((ships, free), data, seed=seed, progress=progress)
    lines = [*music, *people]
    return Beside(ships.manifest.version, free.manifest.version, seed, lines)


def _music(bundles: tuple[Bundle, Bundle], data: Path, *, work: Path, seed: int, progress: Progress) -> list[Line]:
    pieces = [piece for module in _PIECES for piece in module.load(data, seed=seed)]
    # All pieces, as the build takes them: what it has rendered is found again.
    corpora = build_corpus(pieces, data=data, folder=work / "music_emotion" / "shared" / "patches", progress=progress)
    rows = examples(corpora, "test", lambda _: np.zeros(METADATA, np.float32))
    means = {
        name: _mean([piece for piece in pieces if piece.dataset == name]) for name in {one.dataset for one in pieces}
    }
    unknown = np.zeros((1, METADATA), np.float32)
    inputs = [
        {"log_mel": rows.patches(np.array([row])).astype(np.float32)[..., None], "metadata": unknown}
        for row in range(len(rows))
    ]
    figures = []
    for bundle in bundles:
        emotion = run_tflite(_content(bundle, "music_emotion"), inputs).outputs["emotion"]
        figures.append(held_out_figures(piece_table(rows, np.asarray(emotion, np.float32)), means, ""))
        progress.note(f"music_emotion of {bundle.manifest.version} on {len(rows)} patches")
    return _lines(*figures)


def _mean(pieces: list[Piece]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    training = [(piece.valence, piece.arousal) for piece in pieces if piece.split == "train"]
    return np.asarray(np.mean(training, axis=0), np.float32)


def _people(bundles: tuple[Bundle, Bundle], data: Path, *, seed: int, progress: Progress) -> list[Line]:
    sides = read_sides(data, scale="full", seed=seed, progress=progress, sides=("train", "test"))
    judged = concatenate([sides.examples["test"], *map(wesad_examples.held_out, sides.subjects["test"])])
    steps, mask = judged.normalised()
    inputs = [{"steps": steps[row : row + 1], "mask": mask[row : row + 1]} for row in range(len(steps))]
    figures = [
        explained(run_tflite(_content(bundle, "user_emotion"), inputs).outputs, judged, sides.examples["train"])
        for bundle in bundles
    ]
    return _lines(*figures)


def _lines(ships: Mapping[str, Figure], free: Mapping[str, Figure]) -> list[Line]:
    return [
        Line(name, one.count, one.baseline_name, one.baseline, one.value, free[name].value)
        for name, one in ships.items()
    ]


def _content(bundle: Bundle, name: str) -> bytes:
    entry = bundle.manifest.models[name]
    return (bundle.folder / entry.variants[entry.preferred].path).read_bytes()
