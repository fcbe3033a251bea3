"""Where the sound goes."""

from __future__ import annotations

from agent.playback.clock import Clock
from agent.playback.messages import PlaybackSettings
from agent.playback.outputs.base import Output, Render
from agent.playback.outputs.device import DeviceOutput
from agent.playback.outputs.file import FileOutput
from agent.playback.outputs.paced import SilentOutput

__all__ = ["DeviceOutput", "FileOutput", "Output", "Render", "SilentOutput", "make_output"]


def make_output(settings: PlaybackSettings, *, clock: Clock) -> Output:
    """Return the output that the settings ask for, not yet started."""
    if settings.output == "device":
        return DeviceOutput(settings.device, settings.sample_rate, latency_s=settings.latency_s, clock=clock)
    if settings.output == "file":
        return FileOutput(settings.file, settings.sample_rate, clock=clock)
    return SilentOutput(settings.sample_rate, clock=clock)
