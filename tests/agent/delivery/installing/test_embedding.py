"""A catalogue in the space of another audio model, made by a real child process beside the one in use."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from bundles import changed_bundle
from installing_helpers import assert_runs
from models_gone_wrong import mapped
from sounding_library import heard, write_sounds

from agent.delivery.installing.children.child import Child
from agent.delivery.installing.embedding import embedding
from agent.delivery.installing.embedding.embedding import Embedded, Embedding
from agent.delivery.installing.slots.slots import Slots
from agent.library import Library
from agent.storage import Database
from models.bundle.reader import Bundle, default_bundle, read_manifest
from models.errors import AttuneError, BundleError, DeliveryError, Reason

SHIPPED = read_manifest(default_bundle())
AUDIO = SHIPPED.models["music_emotion"].variants[SHIPPED.models["music_emotion"].preferred].path
TRACKS = 20


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path) as opened:
        await heard(opened, write_sounds(tmp_path / "music", TRACKS, seconds=0.5))
        yield opened


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    """A device in the middle of installing a bundle with an audio model of its own."""
    slots = Slots.open(tmp_path / "slots", default_bundle())
    folder = slots.begin("2099.1.1", "d" * 64, "r1")
    folder.rmdir()
    new_audio_bundle(folder)
    slots.proceed("embedding")
    return slots


def new_audio_bundle(folder: Path, factor: float = 0.9) -> None:
    changed_bundle(
        folder,
        version="2099.1.1",
        files={AUDIO: mapped("emotion", factor)},
        manifest=lambda plain: plain.update({"embedding_space": "new-space"}),
    )


def of(slots: Slots, tmp_path: Path) -> Embedding:
    return Embedding(tmp_path, slots.path("a"), running_space=SHIPPED.embedding_space)


async def assert_untouched(slots: Slots, database: Database) -> None:
    """The bundle in use sees what it saw before."""
    assert_runs(slots, "2026.11.1")
    assert len(await database.load_tracks(embedding_space=SHIPPED.embedding_space)) == TRACKS


async def test_the_catalogue_is_embedded_beside_the_one_in_use(slots: Slots, database: Database, tmp_path: Path):
    before = await database.load_tracks(embedding_space=SHIPPED.embedding_space)
    told: list[Embedded] = []
    assert await of(slots, tmp_path).run(told.append) == Embedded(TRACKS, TRACKS, 0)
    assert [each.done for each in told] == [0, 16, 20]
    new = await database.load_tracks(embedding_space="new-space")
    assert new.ids == before.ids
    np.testing.assert_allclose(new.emotion, np.float32(0.9) * before.emotion, atol=1e-3)
    after = await database.load_tracks(embedding_space=SHIPPED.embedding_space)
    np.testing.assert_array_equal(after.emotion, before.emotion)
    await assert_untouched(slots, database)


async def test_each_bundle_sees_the_vectors_of_its_own_space_alone(slots: Slots, database: Database, tmp_path: Path):
    await of(slots, tmp_path).run()
    for folder, space in ((slots.path("shipped"), SHIPPED.embedding_space), (slots.path("a"), "new-space")):
        repertoire = await Library(database, Bundle.open(folder), queue_length=5).load()
        assert (repertoire.catalogue.embedding_space, len(repertoire.catalogue)) == (space, TRACKS)


async def test_an_embedding_that_was_killed_goes_on_where_it_was(
    slots: Slots, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    children: list[Child] = []
    start = Child.start

    async def watched(module: str, job: bytes) -> Child:
        children.append(await start(module, job))
        return children[-1]

    monkeypatch.setattr(embedding.Child, "start", watched)

    def kill(state: Embedded) -> None:
        if state.done == 16:
            os.kill(children[-1]._process.pid, signal.SIGKILL)

    with pytest.raises(DeliveryError) as caught:
        await of(slots, tmp_path).run(kill)
    assert caught.value.reason is Reason.FAILED
    await assert_untouched(slots, database)
    told: list[Embedded] = []
    await of(slots, tmp_path).run(told.append)
    assert told[0].done >= 16
    assert told[-1] == Embedded(TRACKS, TRACKS, 0)


async def test_a_cancelled_embedding_ends_its_child_and_keeps_what_was_done(
    slots: Slots, database: Database, tmp_path: Path
):
    is_under_way = asyncio.Event()

    def note(state: Embedded) -> None:
        if state.done:
            is_under_way.set()

    task = asyncio.create_task(of(slots, tmp_path).run(note))
    await is_under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    slots.abandon()
    assert (await database.embedding_spaces())["new-space"] >= 16
    await assert_untouched(slots, database)


async def test_a_damaged_file_is_left_out_and_the_rest_is_embedded(slots: Slots, database: Database, tmp_path: Path):
    (tmp_path / "music/007.wav").unlink()
    (tmp_path / "music/003.wav").write_bytes(b"another content")
    assert await of(slots, tmp_path).run() == Embedded(TRACKS - 2, TRACKS, 2)
    await assert_untouched(slots, database)


async def test_a_music_disk_that_is_not_there_is_waited_for(slots: Slots, database: Database, tmp_path: Path):
    (tmp_path / "music").rename(tmp_path / "unplugged")
    with pytest.raises(DeliveryError, match="20 of 20 tracks cannot be read now") as caught:
        await of(slots, tmp_path).run()
    assert caught.value.reason is Reason.UNREADABLE
    await assert_untouched(slots, database)
    (tmp_path / "unplugged").rename(tmp_path / "music")
    assert (await of(slots, tmp_path).run()).done == TRACKS


async def test_an_audio_model_that_crashes_on_this_catalogue_is_refused(
    slots: Slots, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    error = await ended(slots, tmp_path, monkeypatch, "print('{\"embedded\":[0,20,0]}', flush=True); os.abort()")
    assert (type(error), error.reason) == (BundleError, Reason.FAILED)
    await assert_untouched(slots, database)


async def test_an_audio_model_that_answers_with_no_number_is_refused(slots: Slots, database: Database, tmp_path: Path):
    folder = slots.begin("2099.1.1", "e" * 64, "r2")
    folder.rmdir()
    new_audio_bundle(folder, float("nan"))
    with pytest.raises(BundleError, match="no number") as caught:
        await Embedding(tmp_path, folder, running_space=SHIPPED.embedding_space).run()
    assert caught.value.reason is Reason.FAILED
    await assert_untouched(slots, database)


async def test_a_disk_that_is_full_ends_it_until_there_is_room(
    slots: Slots, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said = '{"embedded":[0,20,0]}\\n{"later":{"message":"the disk is full","reason":"disk_full"}}'
    error = await ended(slots, tmp_path, monkeypatch, f"print('{said}', flush=True)")
    assert (type(error), error.reason) == (DeliveryError, Reason.DISK_FULL)
    await assert_untouched(slots, database)


async def test_a_child_that_does_not_start_says_nothing_of_the_bundle(
    slots: Slots, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    error = await ended(slots, tmp_path, monkeypatch, "sys.exit(1)")
    assert (type(error), error.reason) == (DeliveryError, Reason.FAILED)
    error = await ended(slots, tmp_path, monkeypatch, "print('hello')")
    assert (type(error), error.reason) == (BundleError, Reason.FAILED)
    await assert_untouched(slots, database)


async def ended(slots: Slots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> AttuneError:
    """Run an embedding with another program for a child; return what it raised."""

    async def start(_module: str, job: bytes) -> Child:
        return await Child.of_command([sys.executable, "-S", "-c", f"import os, sys\n{program}"], job)

    monkeypatch.setattr(embedding.Child, "start", start)
    with pytest.raises(AttuneError) as caught:
        await of(slots, tmp_path).run()
    return caught.value
