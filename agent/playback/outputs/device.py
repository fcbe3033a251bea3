"""The sound card, through PortAudio."""

from __future__ import annotations

import atexit
import sys
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.playback.clock import Clock
from agent.playback.outputs.base import Render
from agent.playback.outputs.quiet import silence_audio_libraries
from models.errors import PlaybackError, Reason

__all__ = ["DeviceOutput"]

_STALLED_S = 3.0  # a device that was pulled out often stops asking without an error; a living one asks every 0.1 s
_REMEDY = 'Connect a sound device, choose one by [playback] device, or set [playback] output = "silent"'


class DeviceOutput:
    """A stream of PortAudio's; its thread calls `render`, which neither waits nor decodes.

    Args:
        device: name of the device or a part of it; None for the system's default.
        sample_rate: Hz.
        latency_s: what to buffer.
        clock: to notice a stream that has stopped asking.
    """

    name = "device"

    def __init__(self, device: str | None, sample_rate: int, *, latency_s: float, clock: Clock) -> None:
        self._device = device or None
        self._sample_rate = sample_rate
        self._wanted_latency_s = latency_s
        self._clock = clock
        self._library: Any = None  # sounddevice publishes no type information
        self._stream: Any = None
        self._asked = 0.0
        self.latency_s = 0.0  # as PortAudio states it
        self.underruns = 0

    def start(self, render: Render) -> None:
        """Open the device.

        Raises:
            PlaybackError: NO_DEVICE, with the system's own words.
        """
        library = _load()

        def callback(out: NDArray[np.float32], _frames: int, _time: object, status: Any) -> None:  # noqa: ANN401
            self._asked = self._clock.now()
            if status.output_underflow and not status.priming_output:
                self.underruns += 1
            render(out)

        self._asked = self._clock.now()
        stream = None
        try:
            stream = library.OutputStream(
                samplerate=self._sample_rate,
                channels=2,
                dtype="float32",
                device=self._device,
                latency=self._wanted_latency_s,
                callback=callback,
            )
            stream.start()
        except (library.PortAudioError, ValueError, OSError) as error:
            if stream is not None:
                stream.close(ignore_errors=True)
            where = f'The sound device "{self._device}"' if self._device else "The default sound device"
            raise PlaybackError(
                f"{where} cannot be opened: {error}", reason=Reason.NO_DEVICE, remedy=_REMEDY
            ) from error
        self._library, self._stream = library, stream
        self.latency_s = float(stream.latency)

    def failure(self) -> PlaybackError | None:
        """Return NO_DEVICE when the stream has ended or stopped asking."""
        if self._stream is None:
            return None
        try:
            lost = not self._stream.active or self._clock.now() - self._asked > _STALLED_S
        except self._library.PortAudioError:
            lost = True
        return PlaybackError("The sound device is gone", reason=Reason.NO_DEVICE, remedy=_REMEDY) if lost else None

    def stop(self) -> None:
        """Close the device; what it has buffered is not waited for."""
        stream, self._stream, self.latency_s = self._stream, None, 0.0
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)


def _load() -> ModuleType:
    """Import PortAudio, or, when it is there already, let it look for devices anew."""
    known = "sounddevice" in sys.modules
    silence_audio_libraries()  # before the import, which looks for devices too
    try:
        import sounddevice
    except OSError as error:
        raise PlaybackError(
            f"PortAudio cannot be loaded: {error}", reason=Reason.NO_DEVICE, remedy="sudo apt install libportaudio2"
        ) from error
    try:
        if known and any("JACK" in api["name"] for api in sounddevice.query_hostapis()):
            # A device was lost, and it may be that the JACK server has ended. Then PortAudio's clean-up runs into an
            # assertion and takes the process along (Terminate in pa_jack.c): do without it, now and at exit.
            atexit.unregister(sounddevice._exit_handler)  # noqa: SLF001
        elif known:
            # The documented way, underscores and all, to see a device that was plugged in since: PortAudio lists them
            # when it starts and never again.
            sounddevice._terminate()  # noqa: SLF001
            sounddevice._initialize()  # noqa: SLF001
    except sounddevice.PortAudioError as error:
        raise PlaybackError(f"PortAudio does not start: {error}", reason=Reason.NO_DEVICE, remedy=_REMEDY) from error
    library: ModuleType = sounddevice
    return library
