import socket
import tomllib
from pathlib import Path

import pytest

from firmware_sim.demo.workspace import Workspace, free_port, on_free_port
from models.errors import AttuneError, Reason


def test_the_agents_settings_are_toml_with_the_keys_of_the_design(tmp_path: Path):
    workspace = Workspace(tmp_path / 'a "folder" with ünusual name', 1999, 72, 4)
    workspace.write("file")
    content = tomllib.loads(workspace.config.read_text(encoding="utf-8"))
    assert content["broker"] == {"host": "", "port": 1999}
    assert content["library"]["folders"] == [str(workspace.music)]
    assert content["playback"] == {"output": "file", "file": str(workspace.wav), "autoplay": True}
    assert Path(content["storage"]["folder"]).is_dir()


def test_another_listener_gets_data_of_their_own(tmp_path: Path):
    for seed in (1, 2):
        Workspace(tmp_path, 1999, 72, seed).write("silent")
    assert {path.name for path in tmp_path.glob("data-*")} == {"data-1", "data-2"}


def test_results_of_an_earlier_run_are_removed(tmp_path: Path):
    workspace = Workspace(tmp_path, 1999, 72, 1)
    workspace.summary.write_text("{}")
    workspace.wav.write_bytes(b"old")
    workspace.write("file")
    assert not workspace.summary.exists()
    assert not workspace.wav.exists()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AttuneError) as refusal:
        Workspace(tmp_path / "file", 1999, 72, 1).write("silent")
    assert refusal.value.reason is Reason.READ_ONLY


def test_a_taken_port_is_replaced_by_a_free_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wished = taken.getsockname()[1]
        assert free_port(wished) != wished
    assert free_port(wished) == wished


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path):
    workspace = Workspace(tmp_path, free_port(0), 12, 1)
    workspace.write("silent")
    assert on_free_port(workspace, "silent") is workspace
    with socket.create_server(("127.0.0.1", workspace.port)):
        moved = on_free_port(workspace, "silent")
    assert moved.port != workspace.port
    assert f"port = {moved.port}" in workspace.config.read_text()
