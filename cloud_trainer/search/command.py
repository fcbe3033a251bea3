"""What `attune-trainer search` does: choose the rivals, run them, write log and winners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloud_trainer.artefact import Scale
from cloud_trainer.data.sources import verify
from cloud_trainer.progress import Progress
from cloud_trainer.search import frozen as frozen_settings
from cloud_trainer.search.log import SearchLog, read_log, write
from cloud_trainer.search.registry import rivals as rivals_of
from cloud_trainer.search.running import SearchRun, merged, winners
from cloud_trainer.search.running import search as search_all
from cloud_trainer.search.space import SearchContext, Space
from cloud_trainer.settings import TrainerSettings
from cloud_trainer.stages import stages
from cloud_trainer.workshop import Workshop, run_stages
from models.errors import Reason, SettingsError

__all__ = ["run"]


def run(
    model: str,
    *,
    rivals: Sequence[str],
    budget: int,
    data: Path,
    work: Path,
    results: Path,
    frozen: Path | None,
    scale: Scale,
    seed: int,
    settings: TrainerSettings,
    progress: Progress,
) -> SearchLog:
    """Search a model's rivals and write the log and, at full scale, the winners.

    Args:
        model: a name of `registry.RIVALS`.
        rivals: names; all where empty.
        budget: trials a rival.
        data: root of the data sets.
        work: folder of caches; the search has its own inside.
        results: folder of the tables' results; the log goes into `search` inside it.
        frozen: folder of the winners; the installation's own where `None`.
        scale: `full` or `tiny`.
        seed: of everything random.
        settings: of the stages that a rival needs, and how many threads a trial may use.
        progress: where progress is shown.

    Raises:
        SettingsError: a model or rival is not known.
        DataError: a data set is missing or changed, or no trial gave a score.
        StorageError: the disk refuses.
    """
    threads = settings.build.threads
    spaces = _chosen(model, rivals)
    verify(data, {source for space in spaces for source in space.sources})
    needed = {stage for space in spaces for stage in space.needs}
    shop = Workshop(data=data, work=work, scale=scale, seed=seed, progress=progress, threads=threads)
    context = SearchContext(
        data=data,
        work=work / scale / model / "search",
        shared=work / scale / model / "shared",
        scale=scale,
        seed=seed,
        threads=threads,
        progress=progress,
        artefacts=run_stages(stages(needed, settings), shop).artefacts if needed else {},
    )
    log = search_all(SearchRun(model=model, budget=budget, context=context), spaces)
    path = results / "search" / (f"{model}.json" if scale == "full" else f"{model}-{scale}.json")
    log = merged(read_log(path) if path.is_file() else None, log)
    write(path, log)
    if scale == "full" or frozen is not None:
        write((frozen or frozen_settings.folder()) / f"{model}.json", winners(log))
        frozen_settings.read.cache_clear()
    return log


def _chosen(model: str, names: Sequence[str]) -> list[Space]:
    spaces = {space.name: space for space in rivals_of(model)}
    if unknown := [name for name in names if name not in spaces]:
        raise SettingsError(
            f"{model} has no rival {', '.join(unknown)}",
            reason=Reason.WRONG_VALUE,
            remedy=f"Name some of: {', '.join(spaces)}",
        )
    return [spaces[name] for name in names] if names else list(spaces.values())
