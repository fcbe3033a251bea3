from pathlib import Path

import msgspec
import pytest

from firmware_sim.link import Outgoing
from firmware_sim.listener.affect import Affect
from firmware_sim.music.sidecar import Intended, encode_intended
from firmware_sim.settings import LibrarySection, ListenerSection, SimulatorSettings, WearableSection
from firmware_sim.simulation import Simulation, intended_by_title
from models.errors import DataError, SettingsError
from models.wire.messages import Now, NowTrack, Truth, decode

START = 1_800_000_000.0


def live(settings: SimulatorSettings, seconds: float) -> tuple[Simulation, list[Outgoing]]:
    simulation = Simulation(settings, started_at=START, length_s=seconds)
    messages = []
    while simulation.elapsed_s < seconds:
        messages += simulation.next()
    return simulation, messages


def truths(messages: list[Outgoing]) -> list[Truth]:
    return [decode(m.payload, Truth) for m in messages if m.topic == "attune/1/sim/me/truth"]


def test_two_runs_of_a_seed_send_the_same_bytes():
    settings = SimulatorSettings(listener=ListenerSection(seed=9))
    assert live(settings, 20)[1] == live(settings, 20)[1]


def test_the_truth_is_told_once_a_second_and_never_stored_by_the_broker():
    _, messages = live(SimulatorSettings(listener=ListenerSection(course="scripted", script="0,0.5,-0.5")), 10)
    told = truths(messages)
    assert [truth.t for truth in told] == [START + second for second in range(10)]
    assert {(truth.valence, truth.arousal) for truth in told} == {(0.5, -0.5)}
    assert not any(message.retain or message.qos for message in messages if message.topic.endswith("truth"))


def test_a_script_is_fitted_to_the_length():
    listener = ListenerSection(course="scripted", script="calm-then-excited", fit=True)
    told = truths(live(SimulatorSettings(listener=listener), 30)[1])
    assert told[0].arousal < 0 < told[-1].arousal


def test_several_wearables_are_worn_at_once():
    worn = (WearableSection(name="band"), WearableSection(name="strap", kind="strap"))
    simulation, messages = live(SimulatorSettings(wearables=worn), 5)
    senders = {message.topic.split("/")[5] for message in messages if "/sense/" in message.topic}
    assert senders == {"band", "strap"}
    assert set(simulation.report().packs) == {"band", "strap"}
    assert simulation.report().packs_sent == sum("/sense/" in message.topic for message in messages)


def test_two_wearables_of_one_name_are_refused():
    with pytest.raises(SettingsError, match="share a name"):
        Simulation(SimulatorSettings(wearables=(WearableSection(), WearableSection())), started_at=START)


def test_following_needs_the_catalogue(tmp_path: Path):
    with pytest.raises(SettingsError, match="intended"):
        Simulation(SimulatorSettings(listener=ListenerSection(course="follow")), started_at=START)
    settings = SimulatorSettings(library=LibrarySection(folder=tmp_path))
    with pytest.raises(DataError):
        Simulation(settings, started_at=START)


def test_a_following_listener_is_pulled_by_what_the_agent_plays(tmp_path: Path):
    content = encode_intended({"a.flac": Intended("A", "us", 0.9, 0.9)}, {})
    (tmp_path / ".intended.json").write_bytes(content)
    assert intended_by_title(tmp_path) == {("A", "us"): Affect(0.9, 0.9)}
    listener = ListenerSection(course="follow", susceptibility=1.0)
    simulation = Simulation(
        SimulatorSettings(listener=listener, library=LibrarySection(folder=tmp_path)), started_at=START
    )
    track = NowTrack(id="1", title="A", artist="us", album="", duration_s=50, valence=-1, arousal=-1)
    simulation.see(Now(t=0, status="playing", position_s=0, track=track, why=""))
    messages = [message for _ in range(4 * 120) for message in simulation.next()]
    last = truths(messages)[-1]
    # The agent's own belief about the track, -1, has no say.
    assert Affect(last.valence, last.arousal).distance(Affect(0.9, 0.9)) < 0.1


def test_habits_speak_over_the_wire_as_commands():
    listener = ListenerSection(reports_every_s=5)
    simulation, messages = live(SimulatorSettings(listener=listener), 21)
    commands = [message for message in messages if "/command/" in message.topic]
    assert [message.topic for message in commands] == ["attune/1/device/living-room/command/feeling"] * 4
    assert all(message.qos == 1 and not message.retain for message in commands)
    assert simulation.report().commands == {"feeling": 4}
    assert msgspec.json.decode(commands[0].payload).keys() == {"valence", "arousal"}
