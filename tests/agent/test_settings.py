"""The agent's settings and the file that explains them say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from agent.settings import AgentSettings, as_dict, load
from models.errors import SettingsError
from models.settings import default_text, parse


def test_the_default_file_holds_exactly_the_defaults() -> None:
    text = default_text("agent")

    assert parse(AgentSettings, text, source="agent.toml", program="agent") == AgentSettings()
    written = {section: set(keys) for section, keys in tomllib.loads(text).items()}
    assert written == {section: set(keys) for section, keys in as_dict(AgentSettings()).items()}


def test_every_key_of_the_default_file_is_explained_above_it() -> None:
    lines = default_text("agent").splitlines()
    keys = [index for index, line in enumerate(lines) if re.match(r"\w+ =", line)]

    assert keys
    assert [lines[index] for index in keys if not lines[index - 1].startswith("# ")] == []


def test_settings_written_out_read_back_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    plain = as_dict(AgentSettings())

    path = tmp_path / "agent.toml"
    path.write_text(
        "".join(f"{section} = {_inline(keys)}\n" for section, keys in plain.items()),
    )

    assert load(path) == AgentSettings()


def _inline(keys: dict[str, object]) -> str:
    return "{" + ", ".join(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in keys.items()) + "}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[device]\nid = "Living Room"', "lower-case letters, digits and hyphens"),
        ('[device]\nid = "den\\n"', "lower-case letters, digits and hyphens"),
        ('[device]\nid = ""', "lower-case letters, digits and hyphens"),
        ('[broker]\npassword_file = "p"', "password_file needs username"),
        ('[broker]\ncert_file = "c"', "cert_file and key_file go together"),
        ("[affect]\nevaluate_every_s = 0", "a number from 0.1 to 60"),
        ('[bundle]\nruntime = "tensorflow"', 'one of "auto", "litert", "tflite"'),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=re.escape(told)):
        load(path)


def test_without_a_host_the_broker_is_embedded_and_on_loopback() -> None:
    broker = AgentSettings().broker

    assert broker.is_embedded
    assert broker.address == "127.0.0.1"
