"""From the trainer's commands to the player: a bundle is signed, sent, tested, taken over; taken back when worse."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from running_agent import RunningAgent, running_agent, write_settings

from firmware_sim.bundles.spoil import How, spoil
from models.bundle.reader import default_bundle, read_manifest

SHIPPED = read_manifest(default_bundle()).version
TAKEN_S = 180.0


class Publisher:
    """The commands of the trainer, on a computer with keys of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._config = folder / "trainer.toml"
        self._config.write_text(
            f'[publishing]\nport = {port}\nfolder = "{folder / "channels"}"\nkeys = "{folder / "keys"}"\n'
        )
        self.root = folder / "channels" / "stable" / "root.json"

    def run(self, *words: str) -> str:
        secrets = {"ATTUNE_PASSPHRASE": "correct horse", "ATTUNE_ROOT_PASSPHRASE": "battery staple"}
        done = subprocess.run(
            [sys.executable, "-m", "cloud_trainer", *words, "--config", str(self._config)],
            env=os.environ | secrets,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def publish(self, bundle: Path, *options: str) -> None:
        await asyncio.to_thread(self.run, "publish", str(bundle), *options)


def changed_bundle(folder: Path, *prefer: str) -> Path:
    """The bundle that ships with models in other precisions, as the next version."""
    options: Sequence[str] = [word for each in prefer for word in ("--prefer", each)]
    command = [sys.executable, "-m", "cloud_trainer", "repack", *options, "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def config(scanned: Path, tmp_path: Path, port: int) -> Path:
    shutil.copytree(scanned / "data", tmp_path / "data")
    return write_settings(
        tmp_path,
        port=port,
        library={"folders": [str(scanned / "music")]},
        bundle={"probation_minutes": 0.1},
        playback={"output": "file"},
    )


@pytest.fixture
def publisher(tmp_path: Path, port: int) -> Publisher:
    made = Publisher(tmp_path, port)
    made.run("keys", "init")
    return made


def enrol(config: Path, publisher: Publisher) -> None:
    command = [sys.executable, "-m", "agent", "enrol", str(publisher.root), "--config", str(config)]
    subprocess.run(command, check=True, capture_output=True)


async def ended(agent: RunningAgent, outcome: str, *, after: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = await agent.wait(
        "bundle", lambda value: value["outcome"] == outcome, after=after, within_s=TAKEN_S
    )
    return told


def gaps(recording: Path) -> list[float]:
    """Seconds at which the sound stops dead: runs of digital silence between two tracks that cross-fade."""
    samples, rate = soundfile.read(recording, always_2d=True)
    loud = np.flatnonzero(np.abs(samples).max(axis=1) > 0.0)
    steps = np.diff(loud)
    return [float(loud[at]) / rate for at in np.flatnonzero(steps > rate // 10)]


async def test_a_changed_bundle_is_pushed_tested_and_taken_over_while_the_music_plays(
    config: Path, port: int, publisher: Publisher, tmp_path: Path
) -> None:
    bundle = changed_bundle(tmp_path / "changed", "user_emotion=float32")
    async with running_agent(config, port) as agent:
        assert (await agent.wait("bundle"))["version"] == SHIPPED
        # The device may be enrolled while it plays.
        await asyncio.to_thread(enrol, config, publisher)
        await publisher.publish(bundle)
        taken = await ended(agent, "activated")
        assert taken["version"] == taken["offered"] == read_manifest(bundle).version
        assert taken["precision"]["user_emotion"] == "float32"
        queue = await agent.wait("queue", lambda value: value["cause"]["kind"] == "bundle")
        assert queue["tracks"]
        confirmed = await ended(agent, "confirmed")
        assert confirmed["stage"] == "idle"
        stages = {json.loads(each)["stage"] for each in agent.log["attune/1/device/test/bundle"]}
        assert stages >= {"fetching", "testing", "probation"}
        health = await agent.wait("health", after=agent.count("health"))
        assert health["playback"]["underruns"] == 0
        assert (await agent.wait("affect", after=agent.count("affect")))["model"] == taken["version"]
        fleet = json.loads(await asyncio.to_thread(publisher.run, "fleet", "--json"))
        assert "confirmed" in json.dumps(fleet)
    assert gaps(tmp_path / "played.wav") == []
    async with running_agent(config, port) as agent:
        assert (await agent.wait("bundle"))["version"] == taken["version"]


@pytest.mark.parametrize(("how", "word"), [("answers", "user_emotion"), ("weights", "crash")])
async def test_a_bad_bundle_is_refused_with_its_reason_and_the_player_goes_on(
    config: Path, port: int, publisher: Publisher, tmp_path: Path, how: How, word: str
) -> None:
    bundle = tmp_path / "bad"
    spoil(default_bundle(), bundle, how)
    enrol(config, publisher)
    async with running_agent(config, port) as agent:
        await publisher.publish(bundle, "--untested")
        refused = await ended(agent, "refused")
        assert refused["version"] == SHIPPED
        assert word in refused["reason"]
        assert refused["code"] == "failed"
        assert (await agent.wait("affect", after=agent.count("affect")))["model"] == SHIPPED


async def test_a_new_audio_model_takes_over_when_the_catalogue_has_its_vectors(
    config: Path, port: int, publisher: Publisher, tmp_path: Path
) -> None:
    bundle = changed_bundle(tmp_path / "changed", "music_emotion=float32")
    enrol(config, publisher)
    async with running_agent(config, port) as agent:
        await publisher.publish(bundle)
        confirmed = await ended(agent, "confirmed")
        assert confirmed["embedding_space"] == read_manifest(bundle).embedding_space
        stages = [json.loads(each)["stage"] for each in agent.log["attune/1/device/test/bundle"]]
        assert stages.index("embedding") < stages.index("probation")
        queue = await agent.wait("queue", after=agent.count("queue"))
        # Of the four tracks one plays, and two may be in the player's hands already.
        assert queue["tracks"]
