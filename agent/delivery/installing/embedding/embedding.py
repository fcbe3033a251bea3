"""The catalogue in the embedding space of a bundle that is to take over, computed beside the music.

Rules:

- The vectors of every space lie apart in the database (`analyses`, by track and space); what is read always names one
  space, so vectors of two never meet. What the running bundle sees does not change while another one is embedded.
- A process of low priority does it, sixteen tracks to a write: killed at any moment, it goes on where it was.
- A file that cannot be read now is left out and examined by the next scan; but when many cannot (a disk that is not
  plugged in), the embedding is not complete.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agent.delivery.installing.children.child import Child
from agent.delivery.installing.children.job import EmbeddingJob, EmbeddingLine
from models.errors import BundleError, DeliveryError, Reason
from models.interpreter import Runtime

__all__ = ["MOST_LEFT_OUT", "Embedded", "Embedding"]

MOST_LEFT_OUT: Final = 0.1
"""Share of the catalogue that may be unreadable: single files get damaged, more than this is a disk that is not there.
What is left out would be missing from the queue until the next scan."""
_MODULE: Final = "agent.delivery.installing.embedding.work"
_PATIENCE_S: Final = 900.0
"""Without a word: a batch is half a minute's work on a slow device."""
_REMEDY: Final = "Look at its audio model and build it again; the bundle in use stays"


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
        self._job = EmbeddingJob(storage=str(storage), bundle=str(bundle), running_space=running_space, runtime=runtime)

    async def run(self, on_progress: Callable[[Embedded], None] = lambda _: None) -> Embedded:
        """Embeds what is missing. Cancelling it ends the child; what was done stays.

        Args:
            on_progress: called on the event loop after each batch.

        Raises:
            BundleError: FAILED or TIMED_OUT: the model fails on this catalogue, crashes or hangs; refuse the bundle.
            DeliveryError: UNREADABLE: too many files cannot be read now; FAILED, or what the disk says: try again.
        """
        said, embedded = EmbeddingLine(), Embedded(0, 0)
        try:
            async with await Child.start(_MODULE, msgspec.msgpack.encode(self._job)) as child:
                lines = aiter(child.lines())
                while (line := await _next(lines)) is not None:
                    said = msgspec.json.decode(line, type=EmbeddingLine)
                    if said.embedded is not None:
                        embedded = Embedded(*said.embedded)
                        on_progress(embedded)
        except TimeoutError:
            raise _failed(f"hears nothing for {_PATIENCE_S:.0f} s", Reason.TIMED_OUT) from None
        except (ValueError, msgspec.DecodeError):
            raise _failed("makes the process that hears with it say nonsense", Reason.FAILED) from None
        except OSError as error:
            raise _later(f"the catalogue cannot be embedded ({error.strerror})", Reason.FAILED) from error
        _require_end(said, child.returncode)
        if embedded.left_out > MOST_LEFT_OUT * max(embedded.total, 1):
            raise _later(
                f"{embedded.left_out} of {embedded.total} tracks cannot be read now, so they cannot be embedded",
                Reason.UNREADABLE,
            )
        return embedded


async def _next(lines: AsyncIterator[bytes]) -> bytes | None:
    """The next line, None at the end.

    Raises:
        TimeoutError: none comes.
    """
    async with asyncio.timeout(_PATIENCE_S):
        return await anext(lines, None)


def _require_end(said: EmbeddingLine, returncode: int | None) -> None:
    """Raises what the child's last line and its end mean, unless it did all that it could."""
    if said.refused is not None:
        raise BundleError(said.refused.message, reason=said.refused.reason, remedy=said.refused.remedy or _REMEDY)
    if said.later is not None:
        raise DeliveryError(said.later.message, reason=said.later.reason, remedy=said.later.remedy)
    if returncode in {None, 0}:
        return
    if said.embedded is None or returncode == -signal.SIGKILL:
        raise _later(f"the process that embeds the catalogue ended with {returncode}", Reason.FAILED)
    raise _failed(f"ends the process that hears with it ({returncode})", Reason.FAILED)


def _failed(what: str, reason: Reason) -> BundleError:
    return BundleError(f"the new audio model {what}", reason=reason, remedy=_REMEDY)


def _later(what: str, reason: Reason) -> DeliveryError:
    return DeliveryError(what, reason=reason, remedy="It is tried again later; the bundle in use stays")
