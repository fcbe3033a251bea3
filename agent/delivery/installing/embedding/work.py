"""The child of an embedding: `python -m agent.delivery.installing.embedding.work`, a job on standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from agent.catalogue.analysis import Analyser
from agent.catalogue.files import fingerprint
from agent.catalogue.tags import read_tags
from agent.delivery.installing.children.inside import Report, end_first, read_job
from agent.delivery.installing.children.job import EmbeddingJob
from agent.storage.database import Database
from agent.storage.records import AnalysisRow
from models.bundle.reader import Bundle
from models.errors import AttuneError, AudioError, BundleError, Reason

__all__ = ["embed", "main"]

_BATCH: Final = 16
"""As a scan's: half a minute's work at most on a slow device, and few enough commits for a memory card."""
Track = tuple[str, bytes, bytes]


def main() -> None:
    """Embeds the catalogue of the job on standard input, and tells after each batch how far it is."""
    report = Report()
    job = msgspec.msgpack.decode(read_job(), type=EmbeddingJob)
    end_first()
    try:
        asyncio.run(embed(job, lambda *counts: report("embedded", counts)))
    except BundleError as error:
        report("refused", {"message": error.message, "reason": error.reason, "remedy": error.remedy})
    except AttuneError as error:
        report("later", {"message": error.message, "reason": error.reason, "remedy": error.remedy})
    except (RuntimeError, ValueError) as error:
        # The TFLite runtime's own, of a model that was right on its golden inputs.
        report("refused", {"message": f"the new audio model fails: {error!r}"[:500], "reason": Reason.FAILED})


async def embed(job: EmbeddingJob, tell: Callable[[int, int, int], None]) -> None:
    """Embeds every track that was heard in the space in use and not yet in the new one.

    Args:
        job: what is to be done.
        tell: called at the start and after each batch with the tracks done, of how many, and left out.

    Raises:
        BundleError: the model fails.
        StorageError: the disk refuses; what was stored before stays.
    """
    analyser = Analyser.of_bundle(Bundle.open(Path(job.bundle), runtime=job.runtime))
    tried: set[str] = set()
    async with await Database.open(Path(job.storage)) as database:
        while True:
            # Asked again at the end: a scan beside this may have found more.
            every = await database.unembedded(embedding_space="", like=job.running_space)
            left = await database.unembedded(embedding_space=analyser.embedding_space, like=job.running_space)
            todo = [track for track in left if track[0] not in tried]
            tell(len(every) - len(left), len(every), len(left) - len(todo))
            if not todo:
                return
            batch = todo[:_BATCH]
            tried |= {track[0] for track in batch}
            await database.put_analyses(_hear(batch, analyser))


def _hear(tracks: Sequence[Track], analyser: Analyser) -> list[AnalysisRow]:
    """Hears tracks; a file that cannot be read, or has become another one since the last scan, is left out."""
    rows = []
    for track_id, name, content in tracks:
        path = Path(os.fsdecode(name))
        with contextlib.suppress(AudioError, OSError):
            if fingerprint(path, path.stat().st_size) != content:
                continue
            heard = analyser.analyse(path, read_tags(path).values())
            rows.append(
                AnalysisRow(
                    track_id=track_id,
                    embedding_space=analyser.embedding_space,
                    fingerprint=content,
                    valence=heard.valence,
                    arousal=heard.arousal,
                    embedding=heard.embedding,
                    descriptors=heard.descriptors,
                    analysed_t=time.time(),
                )
            )
    return rows


if __name__ == "__main__":
    main()
