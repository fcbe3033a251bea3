"""What `attune-trainer search` and `attune-trainer confirm` do: choose the rivals, run them, write log and winners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cloud_trainer.artefact import Scale
from cloud_trainer.data.sources import verify
from cloud_trainer.progress import Progress
from cloud_trainer.search import frozen as frozen_settings
from cloud_trainer.search.confirming import confirm as confirm_all
from cloud_trainer.search.log import SearchLog, read_log, write
from cloud_trainer.search.registry import rivals as rivals_of
from cloud_trainer.search.running import SearchRun, merged, winners
from cloud_trainer.search.running import search as search_all
from cloud_trainer.search.space import SearchContext, Space
from cloud_trainer.settings import TrainerSettings
from cloud_trainer.stages import stages
from cloud_trainer.workshop import Workshop, run_stages
from models.errors import Reason, SettingsError

__all__ = ["Place", "confirm", "run"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a search reads and writes, and how.

    Attributes:
        data: root of the data sets.
        work: folder of caches; the search has its own inside.
        results: folder of the tables' results; the log goes into `search` inside it.
        frozen: folder of the winners; the installation's own where `None`.
        scale: `full` or `tiny`.
        seed: of everything random.
        settings: of the stages that a rival needs, and how many threads a trial may use.
        progress: where progress is shown.
    """

    data: Path
    work: Path
    results: Path
    frozen: Path | None
    scale: Scale
    seed: int
    settings: TrainerSettings
    progress: Progress

    def log(self, model: str) -> Path:
        """Return where the log of a model's search stands."""
        return self.results / "search" / (f"{model}.json" if self.scale == "full" else f"{model}-{self.scale}.json")

    def keep(self, log: SearchLog) -> None:
        """Write the log and, at full scale or where a folder was named, the winners.

        Raises:
            StorageError: the disk refuses.
        """
        write(self.log(log.model), log)
        if self.scale == "full" or self.frozen is not None:
            write((self.frozen or frozen_settings.folder()) / f"{log.model}.json", winners(log))
            frozen_settings.read.cache_clear()


def run(model: str, *, rivals: Sequence[str], budget: int, place: Place) -> SearchLog:
    """Search a model's rivals and write the log and, at full scale, the winners.

    Args:
        model: a name of `registry.RIVALS`.
        rivals: names; all where empty.
        budget: trials a rival.
        place: where and how.

    Raises:
        SettingsError: a model or rival is not known.
        DataError: a data set is missing or changed, or no trial gave a score.
        StorageError: the disk refuses.
    """
    spaces = _chosen(model, rivals)
    log = search_all(SearchRun(model=model, budget=budget, context=_context(model, spaces, place)), spaces)
    path = place.log(model)
    log = merged(read_log(path) if path.is_file() else None, log)
    place.keep(log)
    return log


def confirm(model: str, *, rivals: Sequence[str], seeds: int, place: Place) -> SearchLog:
    """Train start and winner of a search at full length, and write the log and the winners that hold.

    Args:
        model: a name of `registry.RIVALS`.
        rivals: names; all where empty.
        seeds: trainings of start and winner each.
        place: where and how; the seed that splits the rows is that of the search.

    Raises:
        SettingsError: a model or rival is not known.
        DataError: a data set is missing or changed, or nothing was searched.
        StorageError: the disk refuses.
    """
    spaces = _chosen(model, rivals)
    log = read_log(place.log(model))
    place = replace(place, seed=log.seed)
    log = confirm_all(log, spaces, seeds=seeds, context=_context(model, spaces, place))
    place.keep(log)
    return log


def _context(model: str, spaces: Sequence[Space], place: Place) -> SearchContext:
    verify(place.data, {source for space in spaces for source in space.sources})
    needed = {stage for space in spaces for stage in space.needs}
    threads = place.settings.build.threads
    shop = Workshop(
        data=place.data,
        work=place.work,
        scale=place.scale,
        seed=place.seed,
        progress=place.progress,
        threads=threads,
    )
    return SearchContext(
        data=place.data,
        work=place.work / place.scale / model / "search",
        shared=place.work / place.scale / model / "shared",
        scale=place.scale,
        seed=place.seed,
        threads=threads,
        progress=place.progress,
        artefacts=run_stages(stages(needed, place.settings), shop).artefacts if needed else {},
    )


def _chosen(model: str, names: Sequence[str]) -> list[Space]:
    spaces = {space.name: space for space in rivals_of(model)}
    if unknown := [name for name in names if name not in spaces]:
        raise SettingsError(
            f"{model} has no rival {', '.join(unknown)}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Name some of: {', '.join(spaces)}",
        )
    return [spaces[name] for name in names] if names else list(spaces.values())
