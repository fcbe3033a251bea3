"""What a stage of the build hands over: trained models, tables, and what a reader must know about them.

Rules that this module keeps:

1. A model carries every variant (float32, int8) under the same input and output names.
2. No figure without its peer: a `Figure` holds the value and the trivial baseline measured on the same rows.
3. Whatever was trained on is listed with its checksum and its licence.
4. Golden inputs come with the outputs of each variant, so that a device can test itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from cloud_trainer.progress import Progress

__all__ = [
    "Artefact",
    "BuildContext",
    "Figure",
    "Golden",
    "ModelArtefact",
    "Scale",
    "Stage",
    "TableArtefact",
    "TensorSpec",
    "TrainableStage",
    "TrainingData",
    "Variant",
]

Variant = Literal["float32", "int8"]
Scale = Literal["full", "tiny"]
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """An input or output of a model, under the name of its signature.

    Attributes:
        name: the signature's name.
        shape: with the batch dimension, always 1.
        unit: the unit or range of the values, such as `dB, normalised` or `-1..1`.
        description: one sentence.
    """

    name: str
    shape: tuple[int, ...]
    unit: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A held-out figure beside the trivial baseline on the same rows.

    Attributes:
        value: what the model reaches.
        baseline: what the trivial peer reaches, `None` where the figure has no peer (a count, a share of time).
        baseline_name: what the trivial peer is, such as `predict the training mean` or `popularity`.
        protocol: data set, split, seed: enough to measure it again.
        count: how many rows it was measured on.
    """

    value: float
    baseline: float | None = None
    baseline_name: str = ""
    protocol: str = ""
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """A file or set that a model was trained on.

    Attributes:
        name: the set's name, such as `emopia`.
        sha256: of the set's lines in SHA256SUMS, so that any changed file shows.
        licence: as its source states it; `not stated` where it says nothing.
        rows: how many rows of it were trained on.
        citation: how its authors want to be cited.
    """

    name: str
    sha256: str
    licence: str
    rows: int = 0
    citation: str = ""


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One input of every kind and what each variant answered in the trainer.

    Attributes:
        inputs: arrays by input name.
        outputs: per variant, arrays by output name.
        tolerance: largest absolute difference per variant that a correct runtime on other hardware may show.
    """

    inputs: Arrays
    outputs: Mapping[Variant, Arrays]
    tolerance: Mapping[Variant, float]


@dataclass(frozen=True, kw_only=True)
class ModelArtefact:
    """A trained and converted model.

    Attributes:
        name: as the model contract names it.
        variants: the TFLite flatbuffers.
        preferred: the variant that the figures favour for the device.
        inputs: specifications of the inputs.
        outputs: specifications of the outputs.
        metrics: held-out figures by name, such as `emopia.arousal_accuracy`.
        training_data: what it was trained on.
        golden: golden inputs with outputs.
        cost_s: seconds that training took, rendering included.
        front_end: parameters of the computation in front of the model, such as the normalisation of the log-mel patch.
        extras: small arrays that later stages need (the map from the embedding to the emotion).
        description: a paragraph for the manifest.
    """

    name: str
    variants: Mapping[Variant, bytes]
    preferred: Variant
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    metrics: Mapping[str, Figure]
    training_data: Sequence[TrainingData]
    golden: Sequence[Golden]
    cost_s: float
    front_end: Mapping[str, float | int | str] = field(default_factory=dict)
    extras: Arrays = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class TableArtefact:
    """A table of the bundle.

    Attributes:
        name: as the model contract names it.
        arrays: the columns by name; no object arrays, so that the file loads without pickle.
        description: what stands in it, for the manifest.
        training_data: what it was computed from.
        metrics: held-out figures by name, where it has any.
    """

    name: str
    arrays: Arrays
    description: str
    training_data: Sequence[TrainingData]
    metrics: Mapping[str, Figure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that would need pickle.

        Raises:
            ValueError: a column is an object array.
        """
        for column, values in self.arrays.items():
            if np.asarray(values).dtype == object:
                raise ValueError(f"column {column!r} of table {self.name!r} is an object array; use numbers or str")


Artefact = ModelArtefact | TableArtefact


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """What a stage needs to know about the build that it is part of.

    Attributes:
        data: folder of the research data sets.
        work: this stage's own folder for checkpoints; it survives an interrupted build, and is another one when
            anything changes that decides the stage's result.
        scale: `full`, or `tiny`: the same code on a handful of rows, within seconds.
        seed: of every random number.
        progress: where progress is shown.
        artefacts: what the stages before this one handed over, by artefact name.
        threads: how many threads a stage may use.
        shared: the stage's folder for caches that outlive such changes (rendered sound); the stage sees to it that
            what it finds there is still right. `work` unless given.
    """

    data: Path
    work: Path
    scale: Scale
    seed: int
    progress: Progress
    artefacts: Mapping[str, Artefact] = field(default_factory=dict)
    threads: int = 2
    shared: Path | None = None

    @property
    def cache(self) -> Path:
        """The folder of caches that outlive a change of the stage."""
        return self.shared or self.work

    def model(self, name: str) -> ModelArtefact:
        """Return the model that an earlier stage built.

        Raises:
            KeyError: no earlier stage of this build handed it over; the stage must name it in `needs`.
        """
        artefact = self.artefacts[name]
        if not isinstance(artefact, ModelArtefact):
            raise KeyError(f"{name!r} is a table, not a model")
        return artefact


@runtime_checkable
class Stage(Protocol):
    """One part of the build: it turns data into artefacts.

    A stage's result is cached by a hash of `configuration`, of the source files of `packages`, of the checksums of the
    data sets in `sources`, of scale and seed, and of the artefacts that it `needs`.
    """

    @property
    def name(self) -> str:
        """The stage's name, as `--stages` takes it."""

    @property
    def needs(self) -> Sequence[str]:
        """Names of the stages that must have run before."""

    @property
    def sources(self) -> Sequence[str]:
        """Folders of the data root that the stage reads."""

    @property
    def packages(self) -> Sequence[str]:
        """Dotted names of our packages and modules whose change makes a cached result stale."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Everything that decides the result beside code and data, JSON-serialisable."""

    def build(self, context: BuildContext) -> list[Artefact]:
        """Train, evaluate and convert.

        Raises:
            DataError: a data set is absent or damaged.
        """


@runtime_checkable
class TrainableStage(Stage, Protocol):
    """A stage that can train alone: `build` finds the training done, evaluates and converts."""

    def train(self, context: BuildContext) -> None:
        """Train, leaving checkpoints in the work folder; go on from those that an interruption left there.

        Raises:
            DataError: a data set is absent or damaged.
            StorageError: the disk refuses.
        """
