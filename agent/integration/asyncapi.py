"""The AsyncAPI 3 document of the wire, made from the message types, the topics and the table of quantities.

`python -m agent.integration.asyncapi > docs/asyncapi.json` writes it; a test fails while that file is not what this
module makes, and another while topics, quality of service or retention are not what the publisher does.

Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0, MQTT bindings 0.2.0.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import msgspec

from agent.integration.commands import VERBS
from models.wire.messages import (
    Affect,
    BundleStatus,
    CommandError,
    FeedbackReport,
    Health,
    Now,
    Queue,
    Reply,
    Truth,
)
from models.wire.quantities import QUANTITIES
from models.wire.topics import ROOT, DeviceTopics, sense, truth

__all__ = ["document"]

Json = dict[str, Any]

_STATES: Final[dict[str, tuple[type[msgspec.Struct], int]]] = {
    "affect": (Affect, 1),
    "now": (Now, 1),
    "queue": (Queue, 1),
    "health": (Health, 0),
    "bundle": (BundleStatus, 1),
}
"""What a device says of itself, all retained: the last level of its topic, its type, its quality of service."""

_PLACEHOLDER: Final = "placeholder-"
"""Topics are built by the code that the agent uses, with names that are then made parameters."""

_PARAMETERS: Final = {
    "device": "Name of a player, [a-z0-9-]+: [device] id in its settings.",
    "listener": "Name of a person, [a-z0-9-]+: [listener] id in the settings.",
    "wearable": "Name of a sensor, [a-z0-9-]+, chosen by whoever publishes.",
    "verb": "A verb of the commands.",
    "id": "The id that the command carried, [a-z0-9-]{1,64}.",
    "name": "Name of a simulator, [a-z0-9-]+.",
}


def document() -> Json:
    """Make the document."""
    channels = {"sense": _sense_channel(), "availability": _availability_channel()}
    operations = {
        "receiveSense": _operation(
            "receive", "sense", summary="Take in sensor packs of the listener's wearables.", qos=1
        ),
        "sendAvailability": _operation(
            "send", "availability", summary="Say `online`; the last will says `offline`.", qos=1, retain=True
        ),
    }
    for name, (kind, qos) in _STATES.items():
        channels[name] = _channel(_topics_of(name), kind)
        operations[f"send{name.title()}"] = _operation("send", name, summary=_summary(kind), qos=qos, retain=True)
    for verb, body in VERBS.items():
        channels[verb] = _channel(_device().command(verb), body)
        operations[f"receive{verb.title()}"] = _command(verb)
    channels["commandError"] = _channel(_device().command_error(f"{_PLACEHOLDER}verb"), CommandError)
    channels["reply"] = _channel(_device().reply(f"{_PLACEHOLDER}id"), Reply)
    channels["truth"] = _channel(truth(f"{_PLACEHOLDER}name"), Truth)
    channels["feedback"] = _channel(_device().feedback, FeedbackReport)
    operations["sendFeedback"] = _operation("send", "feedback", summary=_summary(FeedbackReport), qos=1)
    operations["sendCommandError"] = _operation("send", "commandError", summary=_summary(CommandError), qos=1)
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "protocolVersion": "3.1.1",
                "description": "The embedded broker, or any other of MQTT 3.1.1 or later.",
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _info() -> Json:
    return {
        "title": "Attune",
        "version": ROOT.rpartition("/")[2],
        "description": (
            "What an Attune player says and understands over MQTT, from the player's point of view. Keys may be added "
            "to what it says, none are renamed: ignore those that you do not know. Commands are strict: unknown keys "
            "are refused, and so are retained commands. Times are seconds since the epoch."
        ),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _device() -> DeviceTopics:
    return DeviceTopics(f"{_PLACEHOLDER}device")


def _topics_of(state: str) -> str:
    topic: str = getattr(_device(), state)
    return topic


def _kinds() -> list[type[msgspec.Struct]]:
    states = [kind for kind, _ in _STATES.values()]
    return list(dict.fromkeys([*states, *VERBS.values(), CommandError, FeedbackReport, Reply, Truth]))


def _summary(kind: type[msgspec.Struct]) -> str:
    """First sentence of a type's docstring, without the topic before the colon."""
    first = (kind.__doc__ or "").strip().split("\n")[0]
    told = first.partition(": ")[2] or first
    return told[:1].upper() + told[1:]


def _channel(topic: str, kind: type[msgspec.Struct]) -> Json:
    return _address(topic) | {"messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}}}


def _address(topic: str) -> Json:
    levels = topic.split("/")
    names = [level.removeprefix(_PLACEHOLDER) for level in levels if level.startswith(_PLACEHOLDER)]
    address = "/".join(
        f"{{{level.removeprefix(_PLACEHOLDER)}}}" if level.startswith(_PLACEHOLDER) else level for level in levels
    )
    parameters = {name: {"description": _PARAMETERS[name]} for name in names}
    return {"address": address, "parameters": parameters}


def _sense_channel() -> Json:
    names = (f"{_PLACEHOLDER}listener", f"{_PLACEHOLDER}wearable")
    channel = _address(sense(*names, next(iter(QUANTITIES))))
    channel["address"] = channel["address"].rpartition("/")[0] + "/{quantity}"
    units = "; ".join(f"{name} in {each.unit}" for name, each in QUANTITIES.items())
    channel["parameters"]["quantity"] = {"description": f"What is measured: {units}.", "enum": list(QUANTITIES)}
    channel["messages"] = {
        "SenmlJson": {"$ref": "#/components/messages/SenmlJson"},
        "SenmlCbor": {"$ref": "#/components/messages/SenmlCbor"},
    }
    return channel


def _availability_channel() -> Json:
    channel = _address(_device().availability)
    return channel | {"messages": {"Availability": {"$ref": "#/components/messages/Availability"}}}


def _operation(action: str, channel: str, *, summary: str, qos: int, retain: bool = False) -> Json:
    binding = {"qos": qos, "retain": retain, "bindingVersion": "0.2.0"}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "bindings": {"mqtt": binding},
    }


def _command(verb: str) -> Json:
    operation = _operation(
        "receive", verb, summary=f"Carry out `{verb}`; a payload may be empty where no key is required.", qos=1
    )
    operation["reply"] = {"channel": {"$ref": "#/channels/reply"}}
    return operation


def _messages() -> Json:
    pack = {"$ref": "#/components/schemas/SenmlPack"}
    messages: Json = {
        "Availability": {
            "contentType": "text/plain",
            "payload": {"type": "string", "enum": ["online", "offline"]},
            "summary": "Whether the player runs.",
        },
        "SenmlJson": {
            "contentType": "application/senml+json",
            "payload": pack,
            "summary": "A sensor pack (RFC 8428).",
            "examples": [{"payload": [{"bn": "strap:", "n": "hr", "u": "beat/min", "bt": 1767225600.0, "v": 61.0}]}],
        },
        "SenmlCbor": {
            "contentType": "application/senml+cbor",
            "payload": pack,
            "summary": "The same in CBOR, with the integer labels of RFC 8428, table 4.",
        },
    }
    for kind in _kinds():
        schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
        messages[kind.__name__] = {"contentType": "application/json", "payload": schema, "summary": _summary(kind)}
    return messages


def _schemas() -> Json:
    _, components = msgspec.json.schema_components(_kinds(), ref_template="#/components/schemas/{name}")
    number, text = {"type": "number"}, {"type": "string"}
    components["SenmlPack"] = {
        "type": "array",
        "minItems": 1,
        "description": (
            "Records with their base fields resolved as RFC 8428 says. The topic decides the quantity; of a record's "
            "name only what follows the last ':' or '/' counts. Labels that are not known are ignored, unless they "
            "end in '_'. Three records x, y, z of one time are one sample of acc."
        ),
        "items": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("bn", "bu", "n", "u"), text),
                **dict.fromkeys(("bt", "bv", "v", "t"), number),
                "bver": {"type": "integer", "maximum": 10},
            },
        },
    }
    return dict(sorted(components.items()))


def main() -> None:
    """Write the document to standard output."""
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=False) + "\n")


if __name__ == "__main__":
    main()
