import asyncio
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from firmware_sim.demo import run as demo
from firmware_sim.demo.run import Options
from firmware_sim.demo.workspace import Workspace, free_port
from models.errors import AttuneError

PROGRAMS = Path(__file__).parent / "programs"
OPTIONS = Options(seconds=4.0, script="0,0.4,-0.6; 1,0.4,-0.6", reports_every_s=0.0, output="silent", view=False)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs of the demo are small scripts; the wearable is the real one."""
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin") is None:
        pytest.skip("needs the mosquitto broker: apt install mosquitto")

    def stand_in(name: str) -> str:
        script = tmp_path / name
        source = PROGRAMS / {"attune-agent": "fake_agent.py", "attune-sim": "fake_sim.py"}[name]
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {source} "$@"\n')
        script.chmod(0o755)
        return str(script)

    monkeypatch.setattr(demo, "program", stand_in)
    monkeypatch.setattr(demo, "_LINE_EVERY_S", 0.5)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "demo", free_port(0), 12, 1)


def left_over(workspace: Workspace) -> list[int]:
    pids = [int(pid) for pid in next(workspace.folder.glob("data-*/pids")).read_text().split()]
    assert len(pids) == 2
    # A process that was killed may take a moment to go.
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    return [process.pid for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def test_a_demo_ends_by_itself_with_a_summary_and_leaves_nothing_running(workspace: Workspace):
    told: list[str] = []
    summary = await demo.run(workspace, OPTIONS, stop=asyncio.Event(), tell=told.append)
    assert summary.reranks >= 2
    assert summary.latency_ms == {"p50": 7.0, "p99": 7.0}
    assert summary.played == ["Calm 1"]
    assert summary.audio_s == 2.5
    assert summary.underruns == 0
    assert summary.packs > 10
    assert summary.unscored == 0
    assert 0 < summary.best_distance <= summary.match_distance
    assert summary.estimate_distance is not None
    assert json.loads(workspace.summary.read_text())["reranks"] == summary.reranks
    assert any("truly +0.40 -0.60" in text for text in told)
    assert summary.text()
    assert not left_over(workspace)


async def test_a_demo_over_bluetooth_says_so_and_leaves_nothing_running(workspace: Workspace):
    over_the_air = replace(workspace, air_port=free_port(0))
    # Bluetooth is found, connected to and asked what it offers before the first beat comes.
    options = replace(OPTIONS, seconds=12.0)
    summary = await demo.run(over_the_air, options, stop=asyncio.Event(), tell=lambda _: None)
    assert summary.carrier == "bluetooth"
    assert summary.packs > 10
    assert summary.estimate_distance is not None
    assert "notices over Bluetooth" in summary.text()
    assert not left_over(over_the_air)


async def test_a_stop_ends_an_endless_demo_with_a_summary(workspace: Workspace):
    stop = asyncio.Event()

    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if sum("feels" in each and "truly" in each for each in told) == 3:
            stop.set()

    summary = await demo.run(workspace, replace(OPTIONS, seconds=None), stop=stop, tell=tell)
    assert summary.packs > 0
    assert not left_over(workspace)


async def test_an_agent_that_dies_is_reported_with_its_last_words(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE_AGENT", "dies")
    with pytest.raises(AttuneError, match="the fake agent was told to die"):
        await demo.run(workspace, OPTIONS, stop=asyncio.Event(), tell=lambda _: None)
    assert not left_over(workspace)


async def test_a_demo_in_which_nothing_is_ranked_fails(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAKE_AGENT", "silent")
    with pytest.raises(AttuneError, match="ranked nothing"):
        await demo.run(workspace, replace(OPTIONS, seconds=1.0), stop=asyncio.Event(), tell=lambda _: None)
    assert not left_over(workspace)


async def test_a_scan_that_fails_ends_the_demo_before_it_begins(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAKE_SCAN", "1")
    with pytest.raises(AttuneError, match="failed with status 1"):
        await demo.run(workspace, OPTIONS, stop=asyncio.Event(), tell=lambda _: None)
    assert not workspace.summary.exists()


async def test_a_stop_while_music_is_made_ends_the_demo(workspace: Workspace):
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(AttuneError, match="Stopped"):
        await demo.run(workspace, OPTIONS, stop=stop, tell=lambda _: None)


@pytest.mark.parametrize(
    ("seconds", "script", "course"),
    [
        (None, None, "four-moods"),
        (60.0, None, "calm-then-excited"),
        (120.0, None, "four-moods"),
        (60.0, "commute", "commute"),
    ],
)
def test_the_course_leaves_feelings_time_to_change(seconds: float | None, script: str | None, course: str):
    assert Options(seconds=seconds, script=script, reports_every_s=0.0, output="silent", view=False).course == course
