"""TUF's client on the trusted state, without a line: whatever is brought, it is an offer, an error or a need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from channel import NOW, Channel
from enrolled_device import Device
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.ngclient.updater import Updater

from agent.delivery.receiving import Limits
from agent.delivery.receiving.client import refresh
from agent.delivery.receiving.fetcher import NeedError
from agent.delivery.receiving.trust import ChannelTrust
from models.errors import DeliveryError

FILES = ("2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")


def test_the_client_asks_for_one_file_after_the_other_and_changes_nothing_until_it_has_all(
    channel: Channel, device: Device
):
    trust, brought, asked = ChannelTrust(device.folder, channel.name), {}, []
    before = device.state()
    for _ in FILES:
        with pytest.raises(NeedError) as need:
            refresh(trust, brought, NOW, Limits())
        assert device.state() == before
        asked.append(need.value.file)
        brought[need.value.file] = channel.metadata.get(need.value.file)
    assert tuple(asked) == FILES
    assert refresh(trust, brought, NOW, Limits()).offer.channel == channel.name


def test_what_is_used_of_the_client_that_it_does_not_publish_is_there(channel: Channel, tmp_path: Path):
    updater = Updater(str(tmp_path), "x:", bootstrap=channel.first_root)
    assert updater._trusted_set.reference_time.tzinfo is not None
    assert updater._trusted_set.root.version == 1
    assert isinstance(type(updater._trusted_set).targets, property)


def test_a_device_without_a_root_says_what_to_do(tmp_path: Path):
    with pytest.raises(DeliveryError, match="attune-agent enrol"):
        refresh(ChannelTrust(tmp_path, "stable"), {}, NOW, Limits())


@st.composite
def spoilt(draw: st.DrawFn, genuine: bytes) -> bytes:
    """Something like a genuine file: cut, with a byte changed, with a piece doubled, or anything at all."""
    where = draw(st.integers(0, len(genuine) - 1))
    until = draw(st.integers(where, len(genuine)))
    change = draw(st.sampled_from(["cut", "flip", "double", "any"]))
    if change == "any":
        return draw(st.binary(max_size=200))
    if change == "cut":
        return genuine[:where] + genuine[until:]
    if change == "double":
        return genuine[:until] + genuine[where:]
    return genuine[:where] + bytes([genuine[where] ^ draw(st.integers(1, 255))]) + genuine[where + 1 :]


_CHANNEL = Channel()


@settings(max_examples=40)
@given(data=st.data(), name=st.sampled_from(FILES))
def test_a_file_that_was_changed_in_any_way_is_refused_or_means_the_same(
    data: Any, name: str, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("device")
    device = Device(folder, _CHANNEL)
    genuine = {file: _CHANNEL.metadata.get(file) for file in FILES}
    brought = genuine | {name: data.draw(spoilt(genuine[name] or _CHANNEL.first_root))}
    trust = ChannelTrust(folder, _CHANNEL.name)
    honest = refresh(ChannelTrust(Device(folder / "other", _CHANNEL).folder, _CHANNEL.name), genuine, NOW, Limits())
    before = device.state()
    try:
        verified = refresh(trust, brought, NOW, Limits())
    except (DeliveryError, NeedError):
        kept = {file for file, content in device.state().items() if before.get(file) != content}
        assert all(device.state()[file] in {*_CHANNEL.metadata.values()} for file in kept)
    else:  # white space, or the order of keys: not covered by the signature, and of no meaning
        assert (verified.offer, verified.files) == (honest.offer, honest.files)
    shutil.rmtree(folder)
