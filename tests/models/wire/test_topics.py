from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import WireError
from models.wire.topics import (
    ChannelTopics,
    DeviceTopics,
    feedback_filter,
    parse_bundle_report,
    parse_feedback,
    parse_sense,
    sense,
    sense_filter,
)

names = st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True)


@given(listener=names, wearable=names, quantity=names)
def test_a_sense_topic_is_taken_apart_into_what_built_it(listener: str, wearable: str, quantity: str) -> None:
    parsed = parse_sense(sense(listener, wearable, quantity))
    assert (parsed.listener, parsed.wearable, parsed.quantity) == (listener, wearable, quantity)


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "A", "a b", "é", "a_b"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(name: str) -> None:
    for build in (DeviceTopics, sense_filter, lambda bad: sense("me", bad, "hr")):
        with pytest.raises(WireError):
            build(name)


@given(st.text(max_size=60))
def test_any_other_topic_is_no_sense_topic(topic: str) -> None:
    with pytest.raises(WireError):
        parse_sense(topic)


def test_a_command_topic_gives_its_verb_and_an_error_topic_none() -> None:
    topics = DeviceTopics("kitchen")
    assert topics.verb("attune/1/device/kitchen/command/play") == "play"
    assert topics.verb("attune/1/device/kitchen/command/play/error") is None
    assert topics.verb("attune/1/device/cellar/command/play") is None


def test_a_verb_that_cannot_stand_in_a_topic_is_answered_as_unknown() -> None:
    assert DeviceTopics("kitchen").command_error("Wörd").endswith("/command/unknown/error")


@pytest.mark.parametrize("file", ["timestamp.json", "1.root.json", "12.snapshot.json", "7.targets.json"])
def test_a_metadata_file_of_a_channel_has_a_topic_that_gives_its_name_again(file: str) -> None:
    topics = ChannelTopics("stable")
    assert topics.metadata_file(topics.metadata(file)) == file


@pytest.mark.parametrize("file", ["root.json", "0.root.json", "1.timestamp.json", "../1.root.json", "1.other.json", ""])
def test_what_is_no_metadata_file_has_no_topic(file: str) -> None:
    with pytest.raises(WireError, match="is no metadata file of a channel"):
        ChannelTopics("stable").metadata(file)


def test_a_chunk_has_a_topic_that_gives_its_address_again() -> None:
    topics, digest = ChannelTopics("stable"), "0a" * 32
    assert topics.chunk_address(topics.chunk(digest)) == digest
    assert topics.chunk_address(ChannelTopics("beta").chunk(digest)) is None
    with pytest.raises(WireError, match="is no address of a chunk"):
        topics.chunk("#")


def test_the_topic_of_a_bundle_names_its_device() -> None:
    assert parse_bundle_report(DeviceTopics("attic").bundle) == "attic"
    assert parse_bundle_report(DeviceTopics("attic").queue) is None


@given(device=names)
def test_the_topic_of_feedback_names_its_device(device: str) -> None:
    topic = DeviceTopics(device).feedback
    assert parse_feedback(topic) == device
    assert topic.rpartition("/")[0] == feedback_filter().removesuffix("/+")


@pytest.mark.parametrize("device", ["", "KITCHEN", "a/b", "a" * 65, "kitchen\n"])
def test_what_is_no_topic_of_feedback_names_no_device(device: str) -> None:
    assert parse_feedback(f"attune/1/feedback/{device}") is None
