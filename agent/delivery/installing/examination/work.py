"""The child of an examination: `python -m agent.delivery.installing.examination.work`, a job on standard input.

It says each step before it takes it, so that the parent knows where it ended if it does not come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.delivery.installing.children.inside import (
    Report,
    end_first,
    limit_memory,
    limit_time,
    read_job,
    resident_bytes,
)
from agent.delivery.installing.children.job import Answer, ExaminationJob
from agent.delivery.installing.examination import agreement, measuring, sanity
from agent.storage.records import TrackTable
from models.bundle.reader import Bundle
from models.errors import AttuneError, AudioError, BundleError, Reason

__all__ = ["examine", "main"]

Say = Callable[[str], None]
_SPREAD: Final = 1e-3


def main() -> None:
    """Examines the bundle of the job on standard input and answers with one line."""
    report = Report()
    job = msgspec.msgpack.decode(read_job(), type=ExaminationJob)
    limit_time(job.limits.seconds)
    limit_memory(job.limits.memory_bytes)
    end_first()
    try:
        answer = examine(job, lambda step: report("step", step))
        report("answer", msgspec.to_builtins(answer))
    except AttuneError as error:
        report("refused", {"message": error.message, "reason": error.reason, "remedy": error.remedy})
    except MemoryError:
        more = job.limits.memory_bytes >> 20
        report("refused", {"message": f"the bundle needs more than {more} MiB of memory", "reason": Reason.FAILED})
    except Exception as error:  # noqa: BLE001 - whatever a bundle makes the runtime or NumPy raise is its own fault
        report("refused", {"message": f"the bundle fails: {error!r}"[:500], "reason": Reason.FAILED})


def examine(job: ExaminationJob, say: Say) -> Answer:
    """Examines a bundle in this process.

    Args:
        job: what is to be examined.
        say: called with each step before it is taken.

    Raises:
        BundleError: why it is refused.
        Exception: whatever a broken model makes its runtime raise.
    """
    folder, running_folder = job.folders()
    say("opening the bundle in use")
    held = resident_bytes()
    running = _running(running_folder, job)
    running_bytes = resident_bytes() - held
    say("opening it")
    candidate = Bundle.open(folder, runtime=job.runtime)
    _require_own_space(candidate, running)
    say("its golden inputs")
    held = resident_bytes()
    differences = candidate.self_test()
    candidate_bytes = resident_bytes() - held
    _require_size(candidate, candidate_bytes, running_bytes, job)
    say("its speed")
    latency_ms = measuring.latencies_ms(candidate, running)
    measuring.require_speed(candidate, latency_ms, job.limits)
    say("made-up listeners")
    agreement.require_feeling(candidate, running)
    heard = _rank(candidate, running, job, say)
    return Answer(
        version=candidate.manifest.version,
        embedding_space=candidate.manifest.embedding_space,
        is_new_space=running is None or candidate.manifest.embedding_space != running.manifest.embedding_space,
        differences={name: float(value) for name, value in differences.items()},
        latency_ms=latency_ms,
        memory_bytes=max(candidate_bytes, 0),
        tracks_heard=heard,
    )


def _running(folder: Path, job: ExaminationJob) -> Bundle | None:
    """The bundle in use, loaded; None where it cannot be, for then there is nothing to compare with."""
    try:
        bundle = Bundle.open(folder, runtime=job.runtime)
        bundle.self_test()
    except BundleError:
        return None
    return bundle


def _require_own_space(candidate: Bundle, running: Bundle | None) -> None:
    """Refuses another audio model under the name of the embedding space in use: vectors of the two would meet."""
    if running is None or candidate.manifest.embedding_space != running.manifest.embedding_space:
        return
    if _audio_model(candidate) != _audio_model(running):
        raise BundleError(
            f"bundle {candidate.manifest.version} has another audio model than the one in use,"
            f" but the same embedding space {candidate.manifest.embedding_space}",
            reason=Reason.INCOMPATIBLE,
            remedy="Build it with attune-trainer, which names the space after the model",
        )


def _audio_model(bundle: Bundle) -> Any:  # noqa: ANN401 - compared alone
    model = bundle.manifest.models["music_emotion"]
    return model.variants[model.preferred].sha256, model.front_end


def _require_size(candidate: Bundle, candidate_bytes: int, running_bytes: int, job: ExaminationJob) -> None:
    limits = job.limits
    if candidate_bytes > max(limits.larger * running_bytes, limits.larger_floor_bytes):
        raise BundleError(
            f"bundle {candidate.manifest.version} needs {candidate_bytes >> 20} MiB of memory,"
            f" {max(running_bytes, 0) >> 20} MiB the bundle in use",
            reason=Reason.WORSE,
            remedy="Build smaller models; the bundle in use stays",
        )


def _rank(candidate: Bundle, running: Bundle | None, job: ExaminationJob, say: Say) -> int:
    """Ranks the catalogue; returns how many tracks it was tried on."""
    table = job.tracks.table()
    if len(table) < sanity.LEAST_TRACKS:
        return 0
    say("ranking with the bundle in use")
    try:
        before = sanity.sense_of(running, table) if running is not None and _is_in(table, running) else None
    except BundleError:
        return 0  # a catalogue that is all alike says nothing of any bundle
    if not _is_in(table, candidate):
        say("hearing some of your music")
        heard = _hear(candidate, job)
        if len(heard) < sanity.LEAST_TRACKS:
            return 0
        rows = {track_id: row for row, track_id in enumerate(table.ids)}
        known = table.emotion[[rows[track_id] for track_id in heard.ids]]
        _require_variety(candidate, heard.embedding)
        agreement.require_hearing(candidate, heard.emotion, known)
        table = heard
    say("ranking your music")
    sanity.require_sense(candidate, sanity.sense_of(candidate, table), before)
    return len(table)


def _is_in(table: TrackTable, bundle: Bundle) -> bool:
    return table.embedding_space == bundle.manifest.embedding_space


def _require_variety(candidate: Bundle, embedding: NDArray[np.float32]) -> None:
    """Refuses an audio model to which all tracks sound alike: the audio signal would rank nothing."""
    if float(embedding.std(axis=0).max()) < _SPREAD:
        raise BundleError(
            f"bundle {candidate.manifest.version} hears the same in every track",
            reason=Reason.FAILED,
            remedy="Look at its audio model and build it again; the bundle in use stays",
        )


def _hear(candidate: Bundle, job: ExaminationJob) -> TrackTable:
    """Hears tracks spread over the sample with the candidate; files that cannot be heard now are left out."""
    from agent.catalogue.analysis import Analyser
    from agent.catalogue.tags import read_tags

    analyser, tracks = Analyser.of_bundle(candidate), job.tracks.table()
    chosen = np.unique(np.linspace(0, len(tracks) - 1, min(job.limits.heard, len(tracks))).round().astype(int))
    rows, heard = [], []
    for row in chosen.tolist():
        path = Path(tracks.path[row])
        try:
            heard.append(analyser.analyse(path, read_tags(path).values()))
        except AudioError:
            continue
        rows.append(row)
    if not rows:
        return tracks.rows([])
    return replace(
        tracks.rows(rows),
        embedding_space=analyser.embedding_space,
        emotion=np.array([(each.valence, each.arousal) for each in heard], np.float32),
        embedding=np.array([each.embedding for each in heard], np.float32),
        descriptors=np.array([each.descriptors for each in heard], np.float32),
    )


if __name__ == "__main__":
    main()
