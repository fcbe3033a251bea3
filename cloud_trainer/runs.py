"""The run folder: what a training leaves behind beside its model, so that anyone can tell later what it was.

`<work>/runs/<time>-<stage>-<key>/` holds `run.json` (settings, configuration hash, fingerprints of the data, versions,
how it ended), `epochs.csv` (every figure of every epoch) and, where the settings ask for it, an event file for
TensorBoard. The event file is written without the package `tensorboard`: it is a record file of protocol buffers that
TensorFlow itself brings.
"""

from __future__ import annotations

import csv
import json
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud_trainer import store
from cloud_trainer.artefact import BuildContext, Stage
from cloud_trainer.checkpoint import make_folder, refused
from cloud_trainer.data.sources import fingerprint
from cloud_trainer.progress import ObservedProgress, Progress
from cloud_trainer.tables.results import write_whole

__all__ = ["EventFile", "Run", "recorded"]


class EventFile:
    """Scalars for TensorBoard.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf
        from tensorflow.core.util import event_pb2

        self._event = event_pb2.Event
        self._writer = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{int(time.time())}.attune"))
        self._writer.write(self._event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())

    def write(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Write the figures of an epoch."""
        event = self._event(wall_time=time.time(), step=epoch)
        for name, value in figures.items():
            event.summary.value.add(tag=name, simple_value=value)
        self._writer.write(event.SerializeToString())
        self._writer.flush()


class Run:
    """A run folder that is being written.

    Attributes:
        folder: where it lies.
        epochs: figures by epoch, of this run alone: what a checkpoint brought is told by the run that made it.

    Args:
        folder: where it shall lie; made.
        about: what stands in run.json from the beginning.
        tensorboard: whether to write an event file.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], *, tensorboard: bool) -> None:
        make_folder(folder)
        self.folder, self.epochs = folder, dict[int, dict[str, float]]()
        self._about, self._tensorboard = dict(about), tensorboard
        self._events: EventFile | None = None
        self.tell(ended="not yet")

    def tell(self, **more: object) -> None:
        """Add to run.json.

        Raises:
            StorageError: the disk refuses.
        """
        self._about |= more
        write_whole(self.folder / "run.json", json.dumps(self._about, indent=1).encode() + b"\n")

    def measured(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Append an epoch's figures.

        Raises:
            StorageError: the disk refuses.
        """
        self.epochs[epoch] = dict(figures)
        path = self.folder / "epochs.csv"
        begin = not path.is_file()
        try:
            with path.open("a", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream)
                if begin:
                    writer.writerow(["epoch", "figure", "value"])
                writer.writerows([epoch, name, value] for name, value in figures.items())
        except OSError as error:
            raise refused(path, error) from error
        if self._tensorboard:
            self._events = self._events or EventFile(self.folder)
            self._events.write(epoch, figures)


@contextmanager
def recorded(
    stage: Stage, context: BuildContext, *, runs: Path, key: str, doing: str, tensorboard: bool
) -> Iterator[tuple[Run, Progress]]:
    """Record what is done inside the block; yield the run and the progress to do it with.

    Args:
        stage: that is run.
        context: that it is run in.
        runs: folder of all run folders.
        key: hash of everything that decides the result.
        doing: `train` or `build`.
        tensorboard: whether to write an event file.

    Raises:
        StorageError: the disk refuses.
    """
    begun = datetime.now(UTC)
    about = {
        "stage": stage.name,
        "doing": doing,
        "begun": begun.isoformat(timespec="seconds"),
        "configuration": key,
        "settings": dict(stage.configuration),
        "scale": context.scale,
        "seed": context.seed,
        "threads": context.threads,
        "data": {name: fingerprint(context.data, name) for name in stage.sources},
        "libraries": store.libraries(),
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "checkpoints": str(context.work),
        "goes_on": context.work.is_dir() and any(context.work.iterdir()),
    }
    folder = runs / f"{begun:%Y%m%dT%H%M%S}-{stage.name}-{key[:8]}"
    run = Run(folder, about, tensorboard=tensorboard)
    start = time.perf_counter()
    ended = "done"
    try:
        yield run, ObservedProgress(context.progress, run.measured)
    except BaseException as error:
        ended = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"
        raise
    finally:
        run.tell(ended=ended, seconds=round(time.perf_counter() - start, 3))
