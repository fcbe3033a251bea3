"""The real output path through PortAudio, into a sound card that JACK's dummy driver plays.

ALSA's `file` plugin writes down what the card would have played. Needs jackd2, libasound2-plugins and libportaudio2;
runs in processes of its own, because PortAudio reads its configuration once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 44_100

PLAY = """
import sys, threading
from pathlib import Path
from agent.playback import Player, PlaybackSettings, TrackToPlay, Started, Stopped, OutputLost
done, tracks, lost = threading.Event(), [TrackToPlay(p, Path(p)) for p in sys.argv[2:]], []
def on_event(event):
    if isinstance(event, OutputLost):
        lost.append(event)
        print(event.error, flush=True)
    if isinstance(event, Started):
        print("started", event.track.id, flush=True)
    if isinstance(event, Stopped):
        done.set()
with Player(PlaybackSettings(output="device", sample_rate=44100, device=sys.argv[1] or None),
            next_track=lambda: tracks.pop(0) if tracks else None, on_event=on_event) as player:
    player.play()
    done.wait(30)
    print("status", player.status().output, player.status().underruns, player.status().frames_played)
"""


class SoundCard:
    """An ALSA configuration whose default device is a JACK server without hardware.

    Attributes:
        environment: for a process that is to play on it.
        captured: WAV file of what it played.
    """

    def __init__(self, folder: Path) -> None:
        self._name = f"attune-test-{os.getpid()}"
        self._server: subprocess.Popen[bytes] | None = None
        self.captured = folder / "heard.wav"
        configuration = folder / "asound.conf"
        configuration.write_text(
            f"""
            </usr/share/alsa/alsa.conf>
            pcm.!default {{ type plug slave.pcm "capture" }}
            pcm.capture {{ type file slave.pcm "jack_card" file "{self.captured}" format "wav" }}
            pcm.jack_card {{ type jack playback_ports {{ 0 system:playback_1 1 system:playback_2 }} }}
            ctl.!default {{ type null }}
            """
        )
        self.environment = {
            **os.environ,
            "JACK_DEFAULT_SERVER": self._name,
            "JACK_NO_START_SERVER": "1",
            "ALSA_CONFIG_PATH": str(configuration),
        }

    def plug_in(self) -> None:
        self._server = subprocess.Popen(
            ["jackd", "-n", self._name, "-r", "--no-mlock", "-d", "dummy", "-r", str(RATE), "-p", "1024"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        subprocess.run(["jack_wait", "-w", "-t", "20"], env=self.environment, check=True, capture_output=True)

    def pull_out(self) -> None:
        if self._server is not None:
            # Never SIGKILL: JACK keeps eight servers in shared memory, and one that could not sign off stays there.
            self._server.terminate()
            self._server.wait(10)
            self._server = None
        for left in Path("/dev/shm").glob(f"jack*{self._name}*"):  # noqa: S108 - where JACK's clients leave theirs
            left.unlink()


@pytest.fixture
def sound_card(tmp_path: Path) -> Iterator[SoundCard]:
    plugin = next(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_jack.so"), None)
    if not shutil.which("jackd") or not shutil.which("jack_wait") or plugin is None:
        pytest.skip("needs a sound card made of software: apt install jackd2 libasound2-plugins libportaudio2")
    card = SoundCard(tmp_path)
    try:
        card.plug_in()
        yield card
    finally:
        card.pull_out()


def run_player(environment: dict[str, str], device: str, *files: Path):
    return subprocess.run(
        [sys.executable, "-c", PLAY, device, *map(str, files)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_a_sound_card_gets_two_files_without_a_gap(sound_card: SoundCard, tmp_path: Path, repository: Path):
    whole = (0.5 * np.sin(2 * np.pi * 441 * np.arange(3 * RATE) / RATE)).astype(np.float32)
    for name, part in (("a.wav", whole[: RATE + 333]), ("b.wav", whole[RATE + 333 :])):
        soundfile.write(tmp_path / name, part, RATE, subtype="FLOAT")
    result = run_player(
        {**sound_card.environment, "PYTHONPATH": str(repository)}, "default", tmp_path / "a.wav", tmp_path / "b.wav"
    )
    assert f"status device 0 {len(whole)}" in result.stdout, result.stdout + result.stderr
    # ALSA writes the card's float samples behind a header that calls them integers: 44 bytes to leave out.
    heard = np.frombuffer(sound_card.captured.read_bytes()[44:], dtype="<f4").reshape(-1, 2)
    start = np.flatnonzero(heard[:, 0])[0] - 1  # the sine's first sample is 0
    heard = heard[start : start + len(whole)]
    # What the card had not yet played when the device was closed is missing at the end.
    assert len(heard) > 2.7 * RATE
    assert np.array_equal(heard, np.repeat(whole[: len(heard), np.newaxis], 2, axis=1))


def test_without_a_sound_card_it_says_so_once_and_plays_on(tmp_path: Path, repository: Path):
    pytest.importorskip("sounddevice", reason="needs PortAudio: apt install libportaudio2", exc_type=OSError)
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE // 2), RATE)
    result = run_player({**os.environ, "PYTHONPATH": str(repository)}, "no such device", tmp_path / "a.wav")
    assert result.stdout.count("cannot be opened") == 1
    assert "status silent 0 22050" in result.stdout
    assert "ALSA" not in result.stderr
    assert "jack" not in result.stderr.lower()


LOSE = """
import sys, threading
from pathlib import Path
from agent.playback import Player, PlaybackSettings, TrackToPlay, OutputRestored
back, track = threading.Event(), TrackToPlay("a", Path(sys.argv[1]))
def on_event(event):
    print(type(event).__name__, flush=True)
    if isinstance(event, OutputRestored):
        back.set()
with Player(PlaybackSettings(output="device"), next_track=lambda: track, on_event=on_event) as player:
    player.play()
    assert back.wait(100)
    print(player.status().output, player.status().underruns)
"""


@pytest.mark.slow
def test_a_sound_card_that_is_pulled_out_and_put_back_gets_the_music_again(
    sound_card: SoundCard, tmp_path: Path, repository: Path
):
    soundfile.write(tmp_path / "a.wav", np.zeros(100 * RATE), RATE)
    with subprocess.Popen(
        [sys.executable, "-c", LOSE, str(tmp_path / "a.wav")],
        env={**sound_card.environment, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as player:
        assert player.stdout is not None
        said = iter(player.stdout.readline, "")
        assert [next(said).strip() for _ in range(2)] == ["Resumed", "Started"]
        sound_card.pull_out()
        assert next(said).strip() == "OutputLost"
        sound_card.plug_in()
        assert [line.strip() for line in said] == ["OutputRestored", "device 0", "Ended"]
    assert player.returncode == 0
