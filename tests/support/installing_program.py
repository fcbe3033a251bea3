"""An agent that does nothing but install a bundle, to be killed: `python installing_program.py FOLDER BUNDLE`.

Says on standard output where it is: the process id of each child that it starts, and each batch of the embedding.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
from pathlib import Path

from agent.delivery.installing.children.child import Child
from agent.delivery.installing.embedding.embedding import Embedded, Embedding
from agent.delivery.installing.examination.examining import CatalogueSample, examine
from agent.delivery.installing.probation import Rates
from agent.delivery.installing.slots.slots import Slots
from agent.storage import Database
from models.bundle.reader import default_bundle, read_manifest
from models.delivery.offer import Offer, Phase, Rollout


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 - a program


async def install(folder: Path, source: Path) -> None:
    """Install a bundle as the delivery does, from the first byte to probation."""
    manifest, running = read_manifest(source), read_manifest(default_bundle())
    offer = Offer(
        channel="stable",
        version=manifest.version,
        bytes=1,
        bundle_format=manifest.format,
        feature_schema=manifest.feature_schema,
        rollout=Rollout(id="r1", phases=[Phase()]),
    )
    slots = Slots.open(folder / "slots", default_bundle())
    slots.boot()
    say("boot", slots.state.phase)
    digest = hashlib.sha256((source / "manifest.json").read_bytes()).hexdigest()
    slot = slots.begin(offer.version, digest, offer.rollout.id)
    shutil.copytree(source, slot, dirs_exist_ok=True)
    slots.proceed("testing")
    async with await Database.open(folder) as database:
        table = await database.load_tracks(embedding_space=running.embedding_space)
    await examine(slot, offer=offer, running=slots.running, sample=CatalogueSample.of(table, 12))
    slots.proceed("embedding")
    embedded = await Embedding(folder, slot, running_space=running.embedding_space).run(_tell)
    slots.activate(Rates())
    say("activated", embedded.done)


def _tell(state: Embedded) -> None:
    say("embedded", state.done)


def main() -> None:
    start = Child.start

    async def watched(module: str, job: bytes) -> Child:
        child = await start(module, job)
        say("child", child._process.pid)
        return child

    Child.start = watched  # type: ignore[method-assign,assignment]
    asyncio.run(install(Path(sys.argv[1]), Path(sys.argv[2])))


if __name__ == "__main__":
    main()
