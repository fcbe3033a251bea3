"""One progress display for the whole build: a bar on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol, Self

__all__ = ["LogProgress", "ObservedProgress", "Observer", "Progress", "TerminalProgress"]

Observer = Callable[[int, Mapping[str, float]], None]
"""Takes an epoch, counted from 0, and its figures by name."""

_SHORT_TASK: Final = 60

_log = logging.getLogger("attune.trainer")


class Progress(Protocol):
    """Where a stage shows how far it is."""

    def task(self, description: str, total: int) -> AbstractContextManager[Callable[[str], None]]:
        """Open a task of `total` steps; the yielded function advances it by one and shows a short note."""

    def note(self, text: str) -> None:
        """Show a line that stays."""

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Tell the figures of an epoch, counted from 0; `validation` among them is the score, more being better."""


class LogProgress:
    """Progress as log lines: each step of a short task (an epoch is one), each quarter of a long one."""

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Callable[[str], None]]:
        """Open a task; see `Progress.task`."""
        done = 0
        _log.info("%s: 0 of %d", description, total)

        def advance(note: str = "") -> None:
            nonlocal done
            done += 1
            if total <= _SHORT_TASK or done * 4 // total > (done - 1) * 4 // total:
                _log.info("%s: %d of %d %s", description, done, total, note)

        yield advance

    def note(self, text: str) -> None:
        """Log one line."""
        _log.info("%s", text)

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Show nothing: the note of the step has told it."""


class TerminalProgress:
    """Progress as bars on standard error, by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, description: str, total: int) -> Iterator[Callable[[str], None]]:
        """Open a bar; see `Progress.task`."""
        task = self._bars.add_task(description, total=total, note="")

        def advance(note: str = "") -> None:
            self._bars.update(task, advance=1, note=note)

        yield advance
        self._bars.update(task, note="")

    def note(self, text: str) -> None:
        """Print one line above the bars."""
        self._bars.console.print(text)

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Show nothing: the note of the bar has told it."""


class ObservedProgress:
    """Progress that is shown as before, with somebody who listens to the figures of epochs.

    Args:
        shown: where progress is shown.
        observer: who listens; what it raises ends the training (a search ends a hopeless trial so).
    """

    def __init__(self, shown: Progress, observer: Observer) -> None:
        self._shown, self._observer = shown, observer

    def task(self, description: str, total: int) -> AbstractContextManager[Callable[[str], None]]:
        """Open a task; see `Progress.task`."""
        return self._shown.task(description, total)

    def note(self, text: str) -> None:
        """Show a line that stays."""
        self._shown.note(text)

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Pass the figures on, to the observer last."""
        self._shown.measured(epoch, figures)
        self._observer(epoch, figures)
