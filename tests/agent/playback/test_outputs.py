"""Outputs alone: the WAV file, and going silent when the wanted output is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playback_by_hand import ManualClock, Sound

from agent.playback.clock import SystemClock
from agent.playback.outputs.base import Render
from agent.playback.outputs.device import DeviceOutput
from agent.playback.outputs.file import FileOutput
from agent.playback.outputs.switch import OutputSwitch
from agent.playback.outputs.wav import WavWriter
from models.errors import PlaybackError, Reason

RATE = 8000


def noise(frames: int):
    return np.random.default_rng(7).uniform(-0.9, 0.9, (frames, 2)).astype(np.float32)


def test_a_16_bit_sound_comes_out_bit_for_bit(tmp_path: Path):
    original = np.arange(-32768, 32768, dtype=np.int16).repeat(2).reshape(-1, 2)
    writer = WavWriter(tmp_path / "a.wav", RATE)
    writer.write(original.astype(np.float32) / np.float32(32768.0))
    writer.close()
    assert np.array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], original)


def test_what_is_too_loud_is_clipped_and_does_not_wrap(tmp_path: Path):
    writer = WavWriter(tmp_path / "a.wav", RATE)
    writer.write(np.array([[1.5, -1.5]], dtype=np.float32))
    writer.close()
    assert soundfile.read(tmp_path / "a.wav", dtype="int16")[0].tolist() == [[32767, -32768]]


@pytest.mark.parametrize("blocks", [0, 1, 19, 20, 33])
def test_a_file_whose_writer_was_killed_is_valid_and_lacks_less_than_a_second(tmp_path: Path, blocks: int):
    sound = noise(400 * 33)
    writer = WavWriter(tmp_path / "a.wav", RATE)
    for number in range(blocks):
        writer.write(sound[number * 400 : (number + 1) * 400])
    writer._file.flush()
    shutil.copy(tmp_path / "a.wav", tmp_path / "killed.wav")
    writer.close()
    read, rate = soundfile.read(tmp_path / "killed.wav", always_2d=True)
    assert rate == RATE
    assert 0 <= blocks * 400 - len(read) < RATE
    np.testing.assert_allclose(read, sound[: len(read)], atol=1 / 32768)


def test_past_the_limit_of_wav_it_becomes_an_rf64(tmp_path: Path):
    writer = WavWriter(tmp_path / "a.wav", RATE, riff_limit=20_000)
    sound = noise(10_000)
    writer.write(sound)
    writer.close()
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RF64"
    read, _ = soundfile.read(tmp_path / "a.wav")
    np.testing.assert_allclose(read, sound, atol=1 / 32768)


def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path, clock: ManualClock):
    (tmp_path / "taken").write_text("no folder")
    output = FileOutput(tmp_path / "taken" / "played.wav", RATE, clock=clock)
    with pytest.raises(PlaybackError, match=r"taken.*cannot be written.*Choose another"):
        output.start(lambda _out: 0)


def test_a_disk_that_fills_leaves_a_readable_file_and_is_not_tried_again(tmp_path: Path, clock: ManualClock):
    output = FileOutput(tmp_path / "played.wav", RATE, clock=clock)
    output.start(len)
    clock.advance(1.0)

    def full(_samples: Sound):
        raise OSError(28, "No space left on device")

    clock.settle()
    output._writer.write = full
    clock.advance(0.1)
    assert "No space left" in str(output.failure())
    output.stop()
    assert soundfile.info(tmp_path / "played.wav").frames >= RATE
    with pytest.raises(PlaybackError):
        output.start(len)


class FakeOutput:
    def __init__(self, name: str, refusals: int = 0) -> None:
        self.name, self.refusals, self.broken, self.running = name, refusals, None, False
        self.underruns, self.latency_s, self.attempts = 0, 0.0, 0

    def start(self, _render: Render):
        self.attempts += 1
        if self.refusals:
            self.refusals -= 1
            raise PlaybackError("no card", reason=Reason.NO_DEVICE)
        self.broken, self.running = None, True

    def failure(self):
        return self.broken

    def stop(self):
        self.running = False


def make_switch(wanted: FakeOutput):
    told = []
    switch = OutputSwitch(
        wanted,
        FakeOutput("silent"),
        render=len,
        on_switch=told.append,
        on_lost=lambda error: told.append(error.reason),
        on_restored=lambda: told.append("restored"),
    )
    return switch, told


def test_without_a_sound_card_it_says_so_once_and_tries_less_and_less_often():
    wanted = FakeOutput("device", refusals=1000)
    switch, told = make_switch(wanted)
    switch.start(0.0)
    for tenth in range(36_000):
        switch.check(tenth / 10)
    assert switch.degraded
    assert switch.current.running
    assert told.count(Reason.NO_DEVICE) == 1
    assert 60 <= wanted.attempts <= 70


def test_a_device_that_is_lost_in_the_middle_comes_back():
    wanted = FakeOutput("device")
    switch, told = make_switch(wanted)
    switch.start(0.0)
    switch.check(1.0)
    wanted.broken, wanted.refusals = PlaybackError("gone", reason=Reason.NO_DEVICE), 1
    for tenth in range(20, 150):
        switch.check(tenth / 10)
    assert [word for word in told if word not in ("device", "silent")] == [Reason.NO_DEVICE, "restored"]
    assert not switch.degraded
    assert wanted.running
    assert not switch._fallback.running


def test_a_machine_without_the_named_device_is_told_how_to_choose_one():
    pytest.importorskip("sounddevice", reason="needs PortAudio", exc_type=OSError)
    output = DeviceOutput("no such device", RATE, latency_s=0.2, clock=SystemClock())
    with pytest.raises(PlaybackError, match="no such device") as caught:
        output.start(lambda _out: 0)
    assert caught.value.reason is Reason.NO_DEVICE
    assert "[playback] device" in caught.value.remedy
