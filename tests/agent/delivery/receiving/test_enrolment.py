"""`attune-agent enrol`: the root that everything else follows from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from channel import Channel
from enrolled_device import stranger
from tuf.api.metadata import Metadata
from typer.testing import CliRunner

from agent.cli import app
from agent.delivery.receiving.enrolment import enrol, enrolment
from models.errors import DeliveryError, Reason, WireError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(f'[storage]\nfolder = "{tmp_path}/storage"\n')
    return file


@pytest.fixture
def root(tmp_path: Path, channel: Channel) -> Path:
    file = tmp_path / "root.json"
    file.write_bytes(channel.first_root)
    return file


def kept(tmp_path: Path) -> Path:
    return tmp_path / "storage" / "bundles" / "trust" / "stable" / "root.json"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["enrol", *map(str, arguments)], catch_exceptions=True)
    if isinstance(result.exception, DeliveryError):
        return 1, str(result.exception)
    return result.exit_code, result.stdout


def test_a_root_is_kept_and_its_keys_are_told(config: Path, root: Path, tmp_path: Path, channel: Channel):
    code, said = run(root, "--config", config)
    assert code == 0
    assert kept(tmp_path).read_bytes() == channel.first_root
    assert "Channel stable is now enrolled with root 1, valid until 2027-11-22" in said
    assert "root: 2 of 3" in said
    for keys in channel.keys.values():
        for key in keys:
            assert key.public_key.keyid in said


def test_without_a_file_it_tells_what_is_trusted(config: Path, root: Path):
    code, said = run("--config", config)
    assert code == 0
    assert "trusts no keys for channel stable" in said
    run(root, "--config", config)
    assert "Channel stable is enrolled with root 1" in run("--config", config)[1]
    assert "trusts no keys for channel beta" in run("--config", config, "--channel", "beta")[1]


def test_programs_are_answered_in_json(config: Path, root: Path, channel: Channel):
    assert json.loads(run("--config", config, "--json")[1]) == {"channel": "stable", "enrolled": False}
    answer = json.loads(run(root, "--config", config, "--json")[1])
    assert (answer["enrolled"], answer["changed"], answer["version"]) == (True, True, 1)
    assert answer["roles"]["root"]["threshold"] == 2
    assert answer["roles"]["targets"]["fingerprints"] == [channel.keys["targets"][0].public_key.keyid]


def test_the_same_root_again_changes_nothing(config: Path, root: Path, tmp_path: Path):
    run(root, "--config", config)
    (metadata := kept(tmp_path).parent / "metadata").mkdir()
    code, said = run(root, "--config", config)
    assert code == 0
    assert "was enrolled already" in said
    assert metadata.is_dir()


def test_another_root_is_refused_unless_it_is_to_replace_the_first(config: Path, root: Path, tmp_path: Path):
    run(root, "--config", config)
    (metadata := kept(tmp_path).parent / "metadata").mkdir()
    other = tmp_path / "other.json"
    other.write_bytes(Channel().first_root)
    before = kept(tmp_path).read_bytes()
    code, said = run(other, "--config", config)
    assert code == 1
    assert "--replace" in said
    assert kept(tmp_path).read_bytes() == before
    assert metadata.is_dir()
    assert run(other, "--config", config, "--replace")[0] == 0
    assert kept(tmp_path).read_bytes() == other.read_bytes()
    assert not metadata.exists()


def test_a_file_that_cannot_be_read_is_told(config: Path, tmp_path: Path):
    assert "cannot be read" in run(tmp_path / "absent.json", "--config", config)[1]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 10_000, b'{"signed": {"_type": "root"}}'])
def test_what_is_no_root_is_refused(tmp_path: Path, content: bytes):
    with pytest.raises(DeliveryError) as refused:
        enrol(tmp_path, "stable", content)
    assert refused.value.reason is Reason.MALFORMED
    assert list(tmp_path.iterdir()) == []


def test_another_role_is_no_root(tmp_path: Path, channel: Channel):
    with pytest.raises(DeliveryError) as refused:
        enrol(tmp_path, "stable", channel.metadata["timestamp.json"])
    assert refused.value.reason is Reason.MALFORMED


def test_a_root_that_is_not_signed_as_it_demands_is_refused(tmp_path: Path, channel: Channel):
    for signers in ([], channel.keys["root"][:1], [stranger(), stranger()]):
        with pytest.raises(DeliveryError) as refused:
            enrol(tmp_path, "stable", channel.write("root", signers))
        assert refused.value.reason is Reason.UNTRUSTED
    assert list(tmp_path.iterdir()) == []


def test_a_root_without_consistent_snapshots_is_refused(tmp_path: Path, channel: Channel):
    channel.signed["root"].signed.consistent_snapshot = False
    with pytest.raises(DeliveryError) as refused:
        enrol(tmp_path, "stable", channel.write("root"))
    assert refused.value.reason is Reason.MALFORMED


def test_a_channel_whose_name_leads_elsewhere_is_refused(tmp_path: Path, channel: Channel):
    with pytest.raises(WireError):
        enrol(tmp_path, "../stable", channel.first_root)
    assert list(tmp_path.iterdir()) == []


def test_an_altered_root_on_the_disk_is_told(tmp_path: Path, channel: Channel):
    enrol(tmp_path, "stable", channel.first_root)
    forged: Metadata = Metadata.from_bytes(channel.first_root)  # type: ignore[type-arg]
    forged.signed.roles["root"].threshold = 1
    (tmp_path / "trust" / "stable" / "root.json").write_bytes(forged.to_bytes())
    with pytest.raises(DeliveryError) as refused:
        enrolment(tmp_path, "stable")
    assert refused.value.reason is Reason.UNTRUSTED
