"""How TUF's client reads: metadata that was brought before, and files from the store of chunks.

The client asks for one file after the other and expects each at once; a broker answers later or not at all. So nothing
is fetched here. A metadata file that nobody has brought yet ends the client's run with `NeedError`; it is brought, and
the client runs again, from the same state, with one file more. A run takes milliseconds and waits for nobody: no thread
hangs on a broker, and what is cancelled between two runs has changed nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

from agent.delivery.receiving.messages import Target
from agent.delivery.receiving.store import ChunkStore

__all__ = ["FILES", "METADATA", "NeedError", "StoreFetcher"]

METADATA: Final = "attune:metadata/"
"""Where the client finds metadata files, by the names that TUF gives them."""
FILES: Final = "attune:file/"
"""Where it finds the bundle's files, by their paths."""
_NOT_FOUND: Final = 404


class NeedError(Exception):
    """A metadata file has to be brought before the client can go on."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


class StoreFetcher(FetcherInterface):
    """Reads what is at hand.

    Args:
        brought: metadata files by name; None for one that the broker does not have.
        work: folder for temporary files. The system's own may lie in memory.
    """

    def __init__(self, brought: Mapping[str, bytes | None], work: Path) -> None:
        self._brought = brought
        self._work = work
        self._target: Target | None = None
        self._store: ChunkStore | None = None

    def serve(self, target: Target, store: ChunkStore, work: Path) -> None:
        """Give out this file from now on, from a store of chunks, with temporary files in this folder."""
        self._target, self._store, self._work = target, store, work

    def _fetch(self, url: str) -> Iterator[bytes]:
        if url.startswith(FILES):
            return self._file(url.removeprefix(FILES))
        return self._metadata(url.removeprefix(METADATA))

    def _metadata(self, name: str) -> Iterator[bytes]:
        if name not in self._brought:
            raise NeedError(name)
        content = self._brought[name]
        if content is None:
            raise DownloadHTTPError(f"{name} is not on the broker", _NOT_FOUND)
        yield content

    def _file(self, path: str) -> Iterator[bytes]:
        target = self._target
        if target is None or target.path != path or self._store is None:
            raise DownloadHTTPError(f"{path} is not on offer", _NOT_FOUND)
        for name in target.chunks.sha256:
            chunk = self._store.get(name)
            if chunk is None:
                raise DownloadHTTPError(f"chunk {name} of {path} is not in the store", _NOT_FOUND)
            yield chunk

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Like the one that it replaces, with the temporary file in the work folder."""
        received = 0
        with tempfile.TemporaryFile(dir=self._work) as file:
            for piece in self.fetch(url):
                received += len(piece)
                if received > max_length:
                    raise DownloadLengthMismatchError(f"{url} is larger than {max_length} bytes")
                file.write(piece)
            file.seek(0)
            yield file
