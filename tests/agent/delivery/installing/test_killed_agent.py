"""An agent that is killed with -9 while a child of it tests a bundle or embeds the catalogue."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import installing_program
import pytest
from bundles import changed_bundle
from installing_helpers import assert_runs
from sounding_library import heard, write_sounds

from agent.delivery.installing.slots.slots import Slots
from agent.storage import Database
from models.bundle.reader import default_bundle, read_manifest

SPACE, TRACKS = read_manifest(default_bundle()).embedding_space, 20


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path) as opened:
        await heard(opened, write_sounds(tmp_path / "music", TRACKS, seconds=0.5))
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A bundle with an embedding space of its own."""
    changed_bundle(
        tmp_path / "source",
        version="2099.1.1",
        manifest=lambda plain: plain.update({"embedding_space": "new-space"}),
    )
    return tmp_path / "source"


def run(folder: Path, source: Path, *, kill_when: Callable[[list[list[str]]], bool]) -> list[list[str]]:
    """Run the program until it ends, or kill it as soon as it has said what is waited for; return what it said."""
    agent = subprocess.Popen(
        [sys.executable, installing_program.__file__, str(folder), str(source)], stdout=subprocess.PIPE, text=True
    )
    said: list[list[str]] = []
    assert agent.stdout is not None
    with agent.stdout:
        for line in agent.stdout:
            said.append(line.split())
            if kill_when(said):
                children = [os.pidfd_open(int(words[1])) for words in said[-1:] if words[0] == "child"]
                agent.kill()
                assert agent.wait() == -signal.SIGKILL
                for child in children:
                    _wait_for_end(child)
                return said
    assert agent.wait() == 0
    return said


def _wait_for_end(process: int) -> None:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    assert poll.poll(30_000), "the child outlives the agent"
    os.close(process)


async def test_an_agent_killed_beside_its_child_goes_on_and_leaves_no_child(
    database: Database, tmp_path: Path, source: Path
):
    run(tmp_path, source, kill_when=lambda said: said[-1][0] == "child")
    slots = Slots.open(tmp_path / "slots", default_bundle())
    assert slots.state.phase == "testing"
    assert_runs(slots, "2026.11.1")
    assert len(await database.load_tracks(embedding_space=SPACE)) == TRACKS
    said = run(tmp_path, source, kill_when=lambda _: False)
    assert said[-1] == ["activated", str(TRACKS)]
    assert_runs(Slots.open(tmp_path / "slots", default_bundle()), "2099.1.1")


async def test_an_agent_killed_between_two_batches_embeds_no_track_twice(
    database: Database, tmp_path: Path, source: Path
):
    run(tmp_path, source, kill_when=lambda said: said[-1] == ["embedded", "16"])
    assert (await database.embedding_spaces())["new-space"] >= 16
    assert_runs(Slots.open(tmp_path / "slots", default_bundle()), "2026.11.1")
    said = run(tmp_path, source, kill_when=lambda _: False)
    first = next(words for words in said if words[0] == "embedded")
    assert int(first[1]) >= 16
    assert_runs(Slots.open(tmp_path / "slots", default_bundle()), "2099.1.1")
