"""Decoding with libav (FFmpeg, through PyAV): MP4, AAC, Opus, WMA, Matroska and the rarer lossless formats.

The demuxer is always named (see `agent.decoding.content`), and the file is handed over open, so that nothing in it can
make libav open anything else. Packets that do not decode are dropped, as a radio would; only a long run of them is an
error.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import AudioError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av
    from numpy.typing import NDArray

__all__ = ["LibavDecoder"]

# Lossy codecs need the packets before a frame to rebuild it: 80 ms for Opus (RFC 7845, 4.6), two frames for AAC.
_PREROLL_S: Final = 0.1
# About a second of any codec: music with a hole of that length goes on, a file of nothing but garbage does not.
_BAD_PACKETS_LIMIT: Final = 50


class LibavDecoder:
    """A file that libav decodes.

    Attributes:
        sample_rate: Hz.
        channels: how many.
        frames: length as far as the file states it or libav estimates it from the bit rate, else None.
    """

    def __init__(self, path: Path, libav_format: str) -> None:
        import av

        self._av = av
        self._path = path
        with ExitStack() as opened:
            self._file = opened.enter_context(path.open("rb"))
            try:
                # Tags in another encoding than they should be are no reason to refuse the sound.
                container = av.open(self._file, mode="r", format=libav_format, metadata_errors="replace")
                self._container = opened.enter_context(container)
                self._stream = self._first_audio_stream()
                self.sample_rate: int = self._stream.codec_context.sample_rate
                self._layout = self._stream.codec_context.layout
                self.channels: int = self._layout.nb_channels
                self._blocks = self._decode_from(0)
                # Decoding the first block proves that there is one: some demuxers take anything and state no length.
                self._left = self._next_block()
            except av.FFmpegError as error:
                raise self._undecodable(error) from error
            self.frames: int | None = self._stated_frames() if self._left.shape[0] else 0
            opened.pop_all()

    def seek(self, frame: int) -> None:
        """Goes to a frame; past the end, the next read gives nothing.

        Raises:
            AudioError: the file is damaged there.
        """
        time_base = self._stream.time_base
        early_s = max(frame / self.sample_rate - _PREROLL_S, 0.0)
        offset = int(early_s / time_base) if time_base else 0
        try:
            self._container.seek(offset + (self._stream.start_time or 0), stream=self._stream)
        except self._av.FFmpegError as error:
            # Demuxers without an index say so of targets past the end; there is nothing to read there either way.
            if self.frames is None or frame < self.frames:
                raise self._damaged(error) from error
        self._restart(frame)

    def read(self, frames: int) -> NDArray[np.float32]:
        """Returns float32[up to frames, channels], fewer only at the end.

        Raises:
            AudioError: nothing decodes here.
        """
        pieces = []
        wanted = frames
        while wanted > 0:
            if self._left.shape[0] == 0:
                self._left = self._next_block()
            if self._left.shape[0] == 0:
                break
            pieces.append(self._left[:wanted])
            self._left = self._left[wanted:]
            wanted -= pieces[-1].shape[0]
        return np.concatenate(pieces) if pieces else self._nothing()

    def close(self) -> None:
        """Closes the file; closing twice is fine."""
        self._container.close()
        self._file.close()

    def _first_audio_stream(self) -> av.AudioStream:
        if not self._container.streams.audio:
            raise AudioError(
                f"{self._path} holds no sound", reason=Reason.NOT_AUDIO, remedy="Take it out of the music folders"
            )
        stream = self._container.streams.audio[0]
        if stream.codec_context is None:
            raise AudioError(
                f"{self._path} holds sound of an unknown kind", reason=Reason.NOT_AUDIO, remedy="Convert it to FLAC"
            )
        return stream

    def _stated_frames(self) -> int | None:
        seconds = 0.0
        if self._stream.duration and self._stream.time_base:
            seconds = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration:
            seconds = self._container.duration / self._av.time_base
        return round(seconds * self.sample_rate) or None

    def _next_block(self) -> NDArray[np.float32]:
        """Returns the next decoded samples; none at the end."""
        try:
            return next(self._blocks, self._nothing())
        except self._av.FFmpegError as error:
            raise self._damaged(error) from error

    def _nothing(self) -> NDArray[np.float32]:
        return np.empty((0, self.channels), dtype=np.float32)

    def _restart(self, frame: int) -> None:
        self._left = self._nothing()
        self._blocks = self._decode_from(frame)

    def _decode_from(self, target: int) -> Iterator[NDArray[np.float32]]:
        """Yields float32[n, channels] from the target frame on; what libav decodes before it is dropped."""
        to_float, setup = None, None
        position: int | None = None
        for decoded in self._decoded_frames():
            if position is None:
                position = self._start_of(decoded)
            # A stream may change its rate or channels on the way (AAC does when it turns to SBR, chained Ogg files do).
            if to_float is None or setup != (decoded.format.name, decoded.layout.name, decoded.sample_rate):
                setup = (decoded.format.name, decoded.layout.name, decoded.sample_rate)
                to_float = self._av.AudioResampler(format="flt", layout=self._layout, rate=self.sample_rate)
            for converted in to_float.resample(decoded):
                block = converted.to_ndarray().reshape(-1, self.channels).astype(np.float32, copy=False)
                skipped = min(max(target - position, 0), block.shape[0])
                position += block.shape[0]
                if skipped < block.shape[0]:
                    yield block[skipped:]

    def _decoded_frames(self) -> Iterator[av.AudioFrame]:
        bad = 0
        for packet in self._container.demux(self._stream):
            try:
                yield from packet.decode()
                bad = 0
            except self._av.error.InvalidDataError:
                bad += 1
                if bad >= _BAD_PACKETS_LIMIT:
                    raise

    def _start_of(self, decoded: av.AudioFrame) -> int:
        """Returns the frame number at which a decoded block begins; 0 where libav does not know."""
        if decoded.pts is None or decoded.time_base is None:
            return 0
        start = (self._stream.start_time or 0) * (self._stream.time_base or 0)
        return round((decoded.pts * decoded.time_base - start) * self.sample_rate)

    def _undecodable(self, error: Exception) -> AudioError:
        text = getattr(error, "strerror", None) or error
        return AudioError(
            f"{self._path} cannot be decoded ({text})", reason=Reason.CORRUPT, remedy="Replace or remove the file"
        )

    def _damaged(self, error: Exception) -> AudioError:
        text = getattr(error, "strerror", None) or error
        return AudioError(f"{self._path} is damaged ({text})", reason=Reason.CORRUPT, remedy="Replace the file")
