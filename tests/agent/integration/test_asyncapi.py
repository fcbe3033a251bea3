"""The document of the wire is what the code does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from agent.integration.asyncapi import document
from agent.integration.commands import VERBS, parse
from agent.integration.publisher import Publisher
from models.errors import Reason, WireError
from models.wire.messages import Affect, BundleStatus, Cause, Goal, Health, Now, Parts, Queue, Source, encode
from models.wire.topics import DeviceTopics

PARTS = Parts(0.25, 0.25, 0.25, 0.25)
STATES: dict[str, msgspec.Struct] = {
    "affect": Affect(1.0, 0.1, -0.3, (0.2, 0.15), 0.1, 0.9, True, "1", {"rr": Source("strap", 0.98, 0.4)}),
    "now": Now(1.0, "stopped", 0.0, None, ""),
    "queue": Queue(1.0, Goal("match"), PARTS, [], Cause("start", 1.0, 3.0)),
    "health": Health(1.0, 2.0, "ok", {}, {}),
    "bundle": BundleStatus(1.0, "1", "e1", "tflite", {}, "stable"),
}
COMMANDS: dict[str, dict[str, Any]] = {
    **{verb: {} for verb in ("play", "pause", "next", "previous", "like", "dislike")},
    "seek": {"seconds": 3},
    "volume": {"percent": 50},
    "goal": {"mode": "lead", "valence": 0.6, "arousal": -0.5, "minutes": 20},
    "feeling": {"valence": 0.2, "arousal": -1},
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def validator(described: dict[str, Any], message: str) -> jsonschema.Draft202012Validator:
    payload = described["components"]["messages"][message]["payload"]
    return jsonschema.Draft202012Validator({**payload, "components": described["components"]})


def test_the_file_in_docs_is_what_the_code_makes(described: dict[str, Any], repository: Path) -> None:
    written = json.loads((repository / "docs" / "asyncapi.json").read_text(encoding="utf-8"))

    assert written == described, "run: python -m agent.integration.asyncapi > docs/asyncapi.json"


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = list(references(described))
    assert found
    for reference in found:
        place: Any = described
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]


def test_every_schema_is_a_schema(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_parameter_of_an_address_is_described(described: dict[str, Any]) -> None:
    for channel in described["channels"].values():
        named = {level[1:-1] for level in channel["address"].split("/") if level.startswith("{")}
        assert named == set(channel["parameters"])


@pytest.mark.parametrize("name", STATES)
def test_state_is_published_where_and_how_the_document_says(name: str, described: dict[str, Any]) -> None:
    sent: list[tuple[str, bytes, int, bool]] = []

    def publish(topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        sent.append((topic, payload, qos, retain))

    publisher = Publisher(DeviceTopics("den"), publish, is_embedded=True, publish_affect=False, publish_streams=False)
    getattr(publisher, name)(STATES[name])

    [(topic, payload, qos, retain)] = sent
    binding = described["operations"][f"send{name.title()}"]["bindings"]["mqtt"]
    assert topic == described["channels"][name]["address"].replace("{device}", "den")
    assert (qos, retain) == (binding["qos"], binding["retain"])
    validator(described, type(STATES[name]).__name__).validate(json.loads(payload))


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_that_the_document_allows_is_understood(verb: str, described: dict[str, Any]) -> None:
    [message] = described["channels"][verb]["messages"]

    validator(described, message).validate(COMMANDS[verb])
    assert parse(verb, json.dumps(COMMANDS[verb]).encode(), retained=False).verb == verb
    assert described["channels"][verb]["address"] == f"attune/1/device/{{device}}/command/{verb}"


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_key_is_refused_by_document_and_agent_alike(verb: str, described: dict[str, Any]) -> None:
    wrong = {**COMMANDS[verb], "louder": True}
    [message] = described["channels"][verb]["messages"]

    assert not validator(described, message).is_valid(wrong)
    with pytest.raises(WireError) as caught:
        parse(verb, json.dumps(wrong).encode(), retained=False)
    assert caught.value.reason is Reason.WRONG_VALUE


def test_a_null_track_of_the_player_is_allowed(described: dict[str, Any]) -> None:
    validator(described, "Now").validate(json.loads(encode(STATES["now"])))


def test_the_example_of_a_pack_is_one(described: dict[str, Any]) -> None:
    [example] = described["components"]["messages"]["SenmlJson"]["examples"]
    validator(described, "SenmlJson").validate(example["payload"])
