"""The catalogue in the embedding space of a bundle that is to take over, computed beside the music.

Rules:

- The vectors of every space lie apart in the database (`analyses`, by track and space); what is read always names one
  space, so vectors of two never meet. What the running bundle sees does not change while another one is embedded.
- A process of low priority does it, sixteen tracks to a write: killed at any moment, it goes on where it was.
- A file that cannot be read now is left out and examined by the next scan; but when many cannot (a disk that is not
  plugged in), the embedding is not complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.interpreter import Runtime

__all__ = ["Embedded", "Embedding"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """How far the catalogue is in the new space.

    Attributes:
        done: tracks that have a vector in it.
        total: tracks that have one in the space in use, and whose files can be read.
        left_out: tracks that could not be read.
    """

    done: int
    total: int
    left_out: int = 0


class Embedding:
    """Embeds the catalogue for one bundle.

    Args:
        storage: `[storage] folder`, where the database is.
        bundle: folder of the candidate, examined.
        running_space: embedding space of the bundle in use.
        runtime: of the settings.
    """

    def __init__(self, storage: Path, bundle: Path, *, running_space: str, runtime: Runtime = "auto") -> None:
        self._storage, self._bundle, self._running_space, self._runtime = storage, bundle, running_space, runtime

    async def run(self, on_progress: Callable[[Embedded], None] = lambda _: None) -> Embedded:
        """Embeds what is missing. Cancelling it ends the child; what was done stays.

        Args:
            on_progress: called on the event loop after each batch.

        Raises:
            BundleError: FAILED: the model fails on this catalogue, or crashes; refuse the bundle.
            DeliveryError: UNREADABLE: too many files cannot be read now; FAILED or DISK_FULL: try again later.
        """
        raise NotImplementedError
