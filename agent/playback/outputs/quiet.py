"""Keeps ALSA and JACK from writing to the terminal.

Both print a page of complaints to standard error whenever PortAudio looks for devices on a machine without them. What
is wrong is reported by PortAudio's return values; the page would only tear the live view apart, every few seconds.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

__all__ = ["silence_audio_libraries"]

# snd_lib_error_handler_t of alsa/error.h; its variable arguments are not looked at.
_ALSA_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
# The argument of jack_set_error_function and jack_set_info_function, jack/jack.h.
_JACK_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


def _nothing(*_arguments: object) -> None:
    pass


# Kept for good: the libraries keep the addresses.
_alsa_handler = _ALSA_HANDLER(_nothing)
_jack_handler = _JACK_HANDLER(_nothing)


@functools.cache
def silence_audio_libraries() -> None:
    """Set handlers that do nothing, once; libraries that are not there are left alone."""
    if (alsa := _loaded("libasound.so.2")) is not None:
        alsa.snd_lib_error_set_handler(_alsa_handler)
    if (jack := _loaded("libjack.so.0")) is not None:
        jack.jack_set_error_function(_jack_handler)
        jack.jack_set_info_function(_jack_handler)


def _loaded(name: str) -> Any:  # noqa: ANN401 - a library's functions have no types here
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
