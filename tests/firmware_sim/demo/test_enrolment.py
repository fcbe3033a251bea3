"""The demo's player trusts the keys of whoever makes some on this computer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from firmware_sim.demo import enrolment
from firmware_sim.demo.children import Children
from models.delivery.places import root_of


@pytest.fixture
def enrolled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What the stand-in of attune-agent was asked for; it refuses a root that says `bad`."""
    script, asked = tmp_path / "attune-agent", tmp_path / "asked"
    script.write_text(
        f'#!/bin/sh\necho "$@" > {asked}\ngrep -q bad "$2" && echo "attune-agent: no root" >&2 && exit 1\nexit 0\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(enrolment, "program", lambda _name: str(script))
    monkeypatch.setattr(enrolment, "_LOOK_EVERY_S", 0.01)
    return asked


@pytest.mark.parametrize(("root", "word"), [("good", "trusts your keys"), ("bad", "does not trust your keys")])
async def test_a_root_that_appears_while_the_demo_plays_is_given_to_the_player(
    tmp_path: Path, enrolled: Path, root: str, word: str
) -> None:
    told: list[str] = []
    async with Children() as children:
        task = asyncio.create_task(
            enrolment.enrol_when_keys_appear(
                children, tmp_path / "agent.toml", tmp_path / "log", told.append, folder=tmp_path / "channels"
            )
        )
        await asyncio.sleep(0)
        path = root_of(tmp_path / "channels", "stable")
        path.parent.mkdir(parents=True)
        path.write_text(root)
        async with asyncio.timeout(20):
            await task
    assert word in told[0]
    assert enrolled.read_text().split() == [
        *("enrol", str(path), "--replace", "--channel", "stable", "--config", str(tmp_path / "agent.toml")),
    ]
