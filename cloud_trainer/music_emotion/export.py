"""From the trained network to the artefact: what is converted, on what it is judged, what the manifest says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import Figure, ModelArtefact, TensorSpec, TrainingData
from cloud_trainer.data.pieces import Split
from cloud_trainer.evaluation.variants import Export, export
from cloud_trainer.music_emotion.corpus import FRONT_END
from cloud_trainer.music_emotion.evaluation import held_out_figures, piece_table
from cloud_trainer.music_emotion.examples import Examples
from cloud_trainer.music_emotion.network import EMBEDDING, METADATA, MusicEmotionNetwork, emotion_map, inference
from models.audio.log_mel import MELS
from models.audio.patches import PATCH_FRAMES

__all__ = ["INPUTS", "OUTPUTS", "build_artefact"]

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float32]

_CALIBRATION_PATCHES: Final = 200
_PROTOCOL: Final = (
    "emopia: official validation part, rendered; vgmidi, emotify: 20 % held out by song; per piece, mean over patches"
)

INPUTS: Final = (
    TensorSpec(
        name="log_mel",
        shape=(1, MELS, PATCH_FRAMES, 1),
        unit="dB, normalised by front_end",
        description="Log-mel patch of 14.8 s.",
    ),
    TensorSpec(
        name="metadata", shape=(1, METADATA), unit="1", description="Metadata vector of the track; zeros where unknown."
    ),
)
OUTPUTS: Final = (
    TensorSpec(name="emotion", shape=(1, 2), unit="-1..1", description="Valence, arousal."),
    TensorSpec(name="embedding", shape=(1, EMBEDDING), unit="1", description="v_a, of length 1."),
)


def build_artefact(
    network: MusicEmotionNetwork,
    sides: Mapping[Split, Examples],
    *,
    seed: int,
    sources: Sequence[TrainingData],
    cost_s: float,
) -> ModelArtefact:
    """Convert, evaluate every variant on the held-out side through the device's runtime, and choose.

    Accuracies of signs are reported of float32 alone and judge no variant: on a small held-out side one piece near zero
    moves them by more than int8 costs.

    Args:
        network: trained.
        sides: the rows by side; calibration takes patches of the training side.
        seed: of the choice of calibration patches.
        sources: what was trained on.
        cost_s: seconds spent on rendering and training.

    Raises:
        BundleError: the network does not convert, or its variants do not run.
    """
    test = sides["test"]
    model = Export(
        name="music_emotion",
        inputs=INPUTS,
        outputs=OUTPUTS,
        function=lambda log_mel, metadata: network.inference([log_mel, metadata], training=False),
        owner=network.inference,
        calibration=_calibration(sides["train"], seed),
        judged=[_row(test, index) for index in range(len(test))],
        judge=lambda outputs: _continuous(_figures(outputs["emotion"], test, sides["train"])),
        metrics=_accuracies(network, sides) | _with_metadata(network, sides),
        training_data=sources,
        description=(
            "Residual CNN on a log-mel patch, averaged over time; the embedding v_a is a unit vector of 128 numbers, "
            "and the emotion tanh of a linear function of it plus a shift by metadata. Trained on rendered piano and "
            "on recordings in four genres."
        ),
        extras={"emotion_map": emotion_map(network)},
    )
    return replace(export(model, cost_s=cost_s), front_end=FRONT_END.as_manifest())


def _figures(emotion: npt.NDArray[Any], rows: Examples, training: Examples) -> dict[str, Figure]:
    untold = np.zeros((len(training), 2), np.float32)
    means = {name: table.truth.mean(axis=0) for name, table in piece_table(training, untold).items()}
    return held_out_figures(piece_table(rows, np.asarray(emotion, np.float32)), means, _PROTOCOL)


def _continuous(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    return {name: figure for name, figure in figures.items() if not name.endswith("_accuracy")}


def _accuracies(network: MusicEmotionNetwork, sides: Mapping[Split, Examples]) -> dict[str, Figure]:
    figures = _figures(_emotion(network, sides["test"]), sides["test"], sides["train"])
    return {name: figure for name, figure in figures.items() if name.endswith("_accuracy")}


def _with_metadata(network: MusicEmotionNetwork, sides: Mapping[Split, Examples]) -> dict[str, Figure]:
    """Return the figures of the held-out pieces whose metadata is known, with it, beside those without it."""
    known = sides["test"].take(np.flatnonzero(sides["test"].metadata.any(axis=1)))
    if not len(known):
        return {}
    with_it = _figures(_emotion(network, known, known.metadata), known, sides["train"])
    without = _figures(_emotion(network, known), known, sides["train"])
    return {
        f"{name}_with_metadata": replace(figure, baseline=without[name].value, baseline_name="without metadata")
        for name, figure in with_it.items()
    }


def _emotion(network: MusicEmotionNetwork, rows: Examples, metadata: Floats | None = None) -> Floats:
    patches = rows.patches(np.arange(len(rows)))
    return np.asarray(inference(network, patches, metadata=metadata)["emotion"], np.float32)


def _calibration(training: Examples, seed: int) -> list[Arrays]:
    random = np.random.default_rng([seed, 7])
    count = min(_CALIBRATION_PATCHES, len(training))
    return [_row(training, int(index)) for index in random.choice(len(training), size=count, replace=False)]


def _row(rows: Examples, index: int) -> Arrays:
    patch = rows.patches(np.array([index])).astype(np.float32)
    return {"log_mel": patch[..., None], "metadata": np.zeros((1, METADATA), np.float32)}
