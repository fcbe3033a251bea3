"""Settings are read strictly, and every mistake is told with its place and its remedy."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, field

from models import settings
from models.errors import Reason, SettingsError
from models.settings import Section


class Broker(Section, frozen=True):
    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    ca_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if self.key_file and not self.ca_file:
            raise ValueError("key_file needs ca_file beside it")


class Playback(Section, frozen=True):
    output: Literal["device", "file", "silent"] = "device"
    volume: Annotated[float, Meta(ge=0, le=100)] = 80.0
    folders: tuple[Path, ...] = field(default_factory=lambda: (Path("~/Music").expanduser(),))


class Example(Section, frozen=True):
    broker: Broker = Broker()
    playback: Playback = field(default_factory=Playback)


def parse(text: str) -> Example:
    return settings.parse(Example, text, source="/etc/agent.toml", program="agent")


def refusal(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    return caught.value


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse("") == Example()


def test_a_tilde_in_a_path_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    read = parse('[playback]\nfolders = ["~/a", "/b"]\n[broker]\nca_file = "~/ca.pem"')

    assert read.playback.folders == (Path("/home/me/a"), Path("/b"))
    assert read.broker.ca_file == Path("/home/me/ca.pem")


def test_an_empty_text_means_not_set() -> None:
    assert parse('[broker]\nca_file = ""').broker.ca_file is None


def test_a_whole_number_may_stand_for_a_number() -> None:
    assert parse("[playback]\nvolume = 30").playback.volume == 30.0


def test_a_misspelt_key_is_answered_with_its_line_and_the_nearest_known_one() -> None:
    error = refusal("# mine\n\n[broker]\nprt = 1884\n")

    assert str(error).startswith("/etc/agent.toml:4: `[broker] prt` is not known; did you mean `port`?")
    assert error.reason is Reason.UNKNOWN_KEY


def test_a_misspelt_section_is_answered_with_the_nearest_known_one() -> None:
    assert "/etc/agent.toml:1: `[borker]` is not known; did you mean `broker`?" in str(refusal("[borker]"))


@pytest.mark.parametrize(
    ("text", "told", "reason"),
    [
        ("[broker]\nport = 0", ":2: `[broker] port` must be a whole number from 1 to 65535, found 0", "wrong_value"),
        ("[broker]\nport = '1'", 'must be a whole number from 1 to 65535, found the text "1"', "wrong_type"),
        ("broker.port = true", ":1: `[broker] port` must be a whole number from 1 to 65535, found true", "wrong_type"),
        ("[broker]\nhost = 4", "`[broker] host` must be a text, found 4", "wrong_type"),
        ("broker = 3", ":1: `[broker]` is a section, found 3", "wrong_type"),
        (
            "[playback]\noutput = 'fiel'",
            'one of "device", "file", "silent", found the text "fiel"; did you',
            "wrong_value",
        ),
        ("[playback]\nvolume = nan", "must be a number from 0 to 100, found nan", "wrong_value"),
        ("[playback]\nvolume = 101", "must be a number from 0 to 100, found 101", "wrong_value"),
        ("[playback]\nfolders = [\n'a',\n7,\n]", ":4: `[playback] folders[1]` must be a path, found 7", "wrong_type"),
        ("[playback]\nfolders = 'a'", "must be a list, each a path, found the text", "wrong_type"),
        ("[playback]\nfolders = ['a\\u0000b']", "must be a path", "wrong_value"),
        ("[broker]\nkey_file = 'k'", "`[broker]`: key_file needs ca_file beside it", "wrong_value"),
        ("[broker]\nport = 1\nport = 2", ":3: this is no valid TOML", "not_toml"),
        ("a = ", "/etc/agent.toml:1: this is no valid TOML", "not_toml"),
        ("a = " + "[" * 5000, "nested too deep", "not_toml"),
    ],
)
def test_a_wrong_value_is_told_with_what_may_stand_there(text: str, told: str, reason: str) -> None:
    text = text.replace("'a\\u0000b'", '"a\\u0000b"')
    error = refusal(text)

    assert told in str(error)
    assert error.reason == reason
    assert "config/agent.toml explains every key" in error.remedy


def test_all_mistakes_of_a_file_are_told_at_once_in_the_order_of_its_lines() -> None:
    error = refusal("[playback]\nvolume = 101\noutput = 3\n[broker]\nport = 0\nx = 1")

    places = [line.split(": ")[0] for line in error.message.splitlines()]
    assert places == [f"/etc/agent.toml:{line}" for line in (2, 3, 5, 6)]


def test_a_missing_key_that_has_no_default_is_told() -> None:
    class Strict(Section, frozen=True):
        name: str

    found = settings.problems(Strict, "")

    assert [(each.reason, each.line) for each in found] == [(Reason.MISSING, 0)]


@given(st.text(alphabet="[]{}=.,\"'\\#\n\t ab1_-é\0\ufeff", max_size=60))
def test_any_text_gives_settings_or_a_settings_error(text: str) -> None:
    with contextlib.suppress(SettingsError):
        parse(text)


def test_the_named_file_wins_over_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "attune").mkdir()
    (tmp_path / "attune" / "agent.toml").write_text("[broker]\nport = 1")
    named = tmp_path / "other.toml"
    named.write_text("[broker]\nport = 2")

    assert settings.load(Example, program="agent").broker.port == 1
    assert settings.load(Example, program="agent", config=named).broker.port == 2
    assert settings.load(Example, program="sim").broker.port == 1883


def test_without_xdg_config_home_the_file_lies_below_dot_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config" / "attune").mkdir(parents=True)
    (tmp_path / ".config" / "attune" / "sim.toml").write_text("")

    assert settings.find("sim") == tmp_path / ".config" / "attune" / "sim.toml"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere.toml does not exist") as caught:
        settings.load(Example, program="agent", config=tmp_path / "nowhere.toml")
    assert caught.value.reason is Reason.MISSING


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(Example, program="agent", config=tmp_path)
    assert caught.value.reason is Reason.UNREADABLE


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes("[broker]\nhost = 'Küche'".encode("latin-1"))
    with pytest.raises(SettingsError, match="no UTF-8") as caught:
        settings.load(Example, program="agent", config=path)
    assert caught.value.reason is Reason.NOT_TOML


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes(b"\xef\xbb\xbf[broker]\r\nport = 7\r\n")
    assert settings.load(Example, program="agent", config=path).broker.port == 7


def test_a_file_that_no_installation_has_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"lacks config/nothing.toml"):
        settings.shipped_text("nothing.toml")
