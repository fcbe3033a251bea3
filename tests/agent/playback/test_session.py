"""Whatever the listener does, the log tells the sound: a long random session, checked frame by frame."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from playback_by_hand import MakeRig, Shelf, Sound

from agent.playback import Ended, Started

RATE = 8000
SECONDS = 3
COMMANDS = st.sampled_from(
    ["play", "pause", "next", "previous", "seek", "hear", "hear", "replace", "broken", "volume", "starve", "late"]
)


def marked(number: int):
    """A track whose every frame says which it is: left over right is frame over track number, at any volume."""
    frames = np.arange(1, SECONDS * RATE + 1, dtype=np.float32) / 2**16
    return np.stack([frames, np.full(len(frames), (number + 1) / 64, dtype=np.float32)], axis=1)


def frames_of(sound: Sound, number: int):
    return np.rint(sound[:, 0] / sound[:, 1] * (number + 1) * (2**16 / 64)).astype(int) - 1


class Listener:
    """Does what the commands say and keeps what came out."""

    def __init__(self, make_shelf: type[Shelf], make_rig: MakeRig) -> None:
        self.shelf = make_shelf()
        self.player = make_rig(self.shelf, *(self.track(number) for number in range(40)))
        self.sound = []
        self.next_number = 40

    def track(self, number: int, **how: int):
        return self.shelf.put(str(number), marked(number), **how)

    def do(self, command: str, amount: float):
        engine = self.player.engine
        match command:
            case "hear":
                self.sound.append(self.player.hear(amount, block=160))
            case "seek":
                engine.seek(amount)
            case "replace":
                engine.play(self.track(self.next_number % 60))
                self.next_number += 1
            case "broken":
                self.player.queue.insert(0, self.track(62, broken_at=round(amount * 4000)))
            case "volume":
                engine.renderer.volume = amount / 3.0
            case "starve":
                out = np.empty((200, 2), dtype=np.float32)
                for _ in range(round(amount * 40)):
                    self.sound.append(out[: engine.renderer.render(out)].copy())
            case "late":
                engine.step(self.player.now)
            case _:
                getattr(engine, command)()


@settings(max_examples=150, deadline=None)
@given(commands=st.lists(st.tuples(COMMANDS, st.floats(0.0, 3.0)), max_size=40))
@example(commands=[("starve", 3.0), ("previous", 0.0), ("hear", 1.0)])  # sought in the moment in which the track ends
def test_every_frame_that_was_heard_is_the_one_that_the_log_says(
    commands: list[tuple[str, float]], make_shelf: type[Shelf], make_rig: MakeRig
):
    listener = Listener(make_shelf, make_rig)
    listener.do("play", 0.0)
    for command, amount in commands:
        listener.do(command, amount)
    engine = listener.player.engine
    engine.close()
    sound = np.concatenate([np.zeros((0, 2), dtype=np.float32), *listener.sound])

    covered = np.zeros(len(sound), dtype=bool)
    for span in engine.timeline.played():
        part = sound[span.start_frame : span.end_frame]
        assert len(part) == span.end_frame - span.start_frame
        assert not covered[span.start_frame : span.end_frame].any()
        covered[span.start_frame : span.end_frame] = True
        loud = part[:, 1] > 1e-4
        expected = span.track_frame + np.arange(len(part))
        assert np.array_equal(frames_of(part[loud], int(span.track_id)), expected[loud])
    assert not sound[~covered].any()

    events = listener.player.events
    started = [event.track.id for event in events if isinstance(event, Started)]
    ended = [event for event in events if isinstance(event, Ended)]
    assert started == [event.track.id for event in ended]
    assert sum(round(event.played_s * RATE) for event in ended) == covered.sum()
    assert all(reader.closed for reader in listener.shelf.readers)
