"""What `manifest.json` says of a bundle.

Rules:

- Every file of the bundle is listed with its size and SHA-256; what is not listed does not belong to it.
- No figure without its trivial baseline beside it.
- A reader refuses a format or a feature schema that it does not know, before it opens any model.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "FORMAT",
    "MODELS",
    "TABLES",
    "Figure",
    "File",
    "Manifest",
    "Model",
    "Precision",
    "Table",
    "Tensor",
    "TrainingSet",
]

FORMAT: Final = 1
MODELS: Final = ("music_emotion", "user_emotion", "sequence", "hybrid")
"""The models that every bundle holds."""
TABLES: Final = ("items", "metadata", "descriptors")
"""The tables that every bundle holds."""

Precision = Literal["float32", "int8"]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
# Anchored by \A and \Z: `$` would let a trailing line feed pass.
# A file lies in the bundle's folder itself or one below; never outside of it.
FileName = Annotated[str, Meta(pattern=r"\A([a-z0-9_]+/)?[a-z0-9_][a-z0-9_.-]*\Z")]


class File(msgspec.Struct, frozen=True):
    """A file of the bundle."""

    path: FileName
    bytes: Annotated[int, Meta(ge=0)]
    sha256: Digest


class Tensor(msgspec.Struct, frozen=True):
    """An input or output of a model; float32."""

    name: str
    shape: list[int]
    unit: str
    description: str = ""


class Figure(msgspec.Struct, frozen=True):
    """A held-out figure and what the trivial baseline reaches on the same rows."""

    value: float
    baseline: float | None = None
    baseline_name: str = ""
    protocol: str = ""
    count: int = 0


class TrainingSet(msgspec.Struct, frozen=True):
    """A data set that was trained on."""

    name: str
    sha256: str
    licence: str
    rows: int = 0
    citation: str = ""


class Model(msgspec.Struct, frozen=True):
    """A model of the bundle, in one or more precisions."""

    variants: dict[Precision, File]
    preferred: Precision
    inputs: list[Tensor]
    outputs: list[Tensor]
    golden: File
    tolerance: dict[Precision, float]
    metrics: dict[str, Figure] = {}
    training_data: list[TrainingSet] = []
    front_end: dict[str, float | int | str] = {}
    operators: dict[Precision, dict[str, int]] = {}
    cost_s: float = 0.0
    description: str = ""


class Table(msgspec.Struct, frozen=True):
    """A table of the bundle: an .npz without pickles."""

    file: File
    description: str = ""
    training_data: list[TrainingSet] = []
    metrics: dict[str, Figure] = {}


class Manifest(msgspec.Struct, frozen=True):
    """The whole of manifest.json.

    `version` is year.month.number; `embedding_space` names the space of the audio embedding: vectors of two spaces are
    never compared; `step_s` is the length of a user_emotion step on the device.
    """

    format: int
    version: Annotated[str, Meta(pattern=r"\A\d{4}\.\d{1,2}\.\d+\Z")]
    created: str
    embedding_space: Annotated[str, Meta(pattern=r"\A[0-9a-z-]+\Z")]
    feature_schema: int
    step_s: float
    models: dict[str, Model]
    tables: dict[str, Table]
    licence: File
    producer: dict[str, str] = {}

    @property
    def files(self) -> list[File]:
        """Every file of the bundle but the manifest itself."""
        models = [file for model in self.models.values() for file in (*model.variants.values(), model.golden)]
        return [*models, *(table.file for table in self.tables.values()), self.licence]
