"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from publishing_desk import Desk

from cloud_trainer.publishing.folder import ChannelFolder, write_whole
from models.errors import DeliveryError, Reason, WireError


@pytest.mark.parametrize("function", ["fsync", "fchmod"])
@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, Reason.DISK_FULL), (errno.EIO, Reason.READ_ONLY)])
def test_a_write_that_fails_leaves_the_old_file(
    function: str, code: int, reason: Reason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def fails(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, function, fails)
    with pytest.raises(DeliveryError, match=str(path)) as caught:
        write_whole(path, b"new")
    assert caught.value.reason is reason
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        write_whole(tmp_path / "file" / "below", b"content")
    assert caught.value.reason is Reason.READ_ONLY
    with (
        pytest.raises(DeliveryError, match="cannot be written"),
        ChannelFolder(tmp_path / "file", "stable").locked(),
    ):
        pass


def test_two_programs_do_not_work_on_a_channel_at_a_time(desk: Desk):
    with desk.folder.locked():
        with (
            pytest.raises(DeliveryError, match="another attune-trainer") as caught,
            ChannelFolder(desk.settings.folder, "stable").locked(),
        ):
            pass
        assert caught.value.reason is Reason.WRONG_STATE
    with ChannelFolder(desk.settings.folder, "stable").locked():
        pass


@pytest.mark.parametrize("name", ["", "Stable", "a/b", "+", "#", "a b", "..", "a" * 65])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(name: str, tmp_path: Path):
    with pytest.raises(WireError, match="channel"):
        ChannelFolder(tmp_path, name)


def test_a_chunk_of_the_wrong_size_is_written_again(desk: Desk):
    name = desk.folder.put_chunk(b"content")
    desk.folder._chunk_path(name).write_bytes(b"cut")
    with pytest.raises(DeliveryError, match="damaged"):
        desk.folder.chunk(name)
    assert desk.folder.put_chunk(b"content") == name
    assert desk.folder.chunk(name) == b"content"


def test_a_drive_that_knows_no_modes_takes_a_file_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuses(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refuses)
    write_whole(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
