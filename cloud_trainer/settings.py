"""The trainer's settings; `config/trainer.toml` explains every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, field

from cloud_trainer.publishing.settings import PublishingSection
from models.settings import Section

__all__ = [
    "BuildSection",
    "BundleSection",
    "CardsSection",
    "DataSection",
    "MusicEmotionSection",
    "SearchSection",
    "TablesSection",
    "TrainSection",
    "TrainerSettings",
]

Positive = Annotated[int, Meta(ge=1, le=10_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class DataSection(Section, frozen=True):
    """Where the research data sets lie."""

    folder: Path = Path("../shared/data")


class BuildSection(Section, frozen=True):
    """How a build runs."""

    work: Path = field(default_factory=lambda: Path("~/.cache/attune/trainer").expanduser())
    threads: Annotated[int, Meta(ge=1, le=256)] = 2
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1


class BundleSection(Section, frozen=True):
    """What the bundle is called."""

    version: Annotated[str, Meta(pattern=r"^\d{4}\.\d{1,2}\.\d+$")] = "2026.11.4"


class TablesSection(Section, frozen=True):
    """How tables are computed, where they leave their results, and the report its page."""

    jobs: Annotated[int, Meta(ge=0, le=256)] = 0
    results: Path = Path("docs/tables/trainer")
    report: Path = Path(".build/report")


class TrainSection(Section, frozen=True):
    """What a training leaves behind beside its model."""

    tensorboard: bool = False


class SearchSection(Section, frozen=True):
    """How a search runs."""

    trials: Positive = 20


class CardsSection(Section, frozen=True):
    """Where the model cards go."""

    folder: Path = Path("docs/cards")


class MusicEmotionSection(Section, frozen=True):
    """The music emotion network and its training."""

    # TensorFlow 2.21's oneDNN convolutions of fewer than 16 channels corrupt the heap on processors with AVX-512.
    stem: Annotated[int, Meta(ge=16, le=64)] = 16
    band_stride: Annotated[int, Meta(ge=1, le=4)] = 2
    stages: tuple[Annotated[int, Meta(ge=16, le=512)], ...] = (24, 48, 96, 96)
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.3
    epochs: Positive = 22
    patience: Positive = 12
    batch: Annotated[int, Meta(ge=1, le=1024)] = 32
    patches_per_piece: Annotated[int, Meta(ge=1, le=64)] = 4
    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0)] = 2e-3
    weight_decay: Share = 0.05
    auxiliary_weight: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.5
    average_decay: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.995
    metadata_dropout: Share = 0.5
    mixed_share: Share = 0.15


class TrainerSettings(Section, frozen=True):
    """All settings of `attune-trainer`."""

    data: DataSection = DataSection()
    build: BuildSection = field(default_factory=BuildSection)
    bundle: BundleSection = BundleSection()
    tables: TablesSection = field(default_factory=TablesSection)
    train: TrainSection = TrainSection()
    search: SearchSection = SearchSection()
    cards: CardsSection = field(default_factory=CardsSection)
    music_emotion: MusicEmotionSection = MusicEmotionSection()
    publishing: PublishingSection = field(default_factory=PublishingSection)
