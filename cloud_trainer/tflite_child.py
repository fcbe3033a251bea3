"""The child process that converts or runs a TFLite model; `cloud_trainer.quantisation` starts it.

    python -m cloud_trainer.tflite_child convert MODE[,MODE…] SAVED_MODEL CALIBRATION.npz FOLDER
    python -m cloud_trainer.tflite_child run RUNTIME MODEL.tflite INPUTS.npz OUTPUTS.npz
    python -m cloud_trainer.tflite_child time RUNTIME MODE[,MODE…] ROUNDS FOLDER INPUTS.npz TIMES.npz

It exists because the converter may crash its process and because TensorFlow and tflite-runtime do not share one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return 2 where they say nothing known."""
    match arguments:
        case ["convert", modes, saved, calibration, target]:
            for mode in modes.split(","):
                _convert(mode, Path(saved), Path(calibration), Path(target) / f"{mode}.tflite")
        case ["run", runtime, model, inputs, outputs]:
            _run(runtime, Path(model), Path(inputs), Path(outputs))
        case ["time", runtime, modes, rounds, folder, inputs, times]:
            models = {mode: Path(folder) / f"{mode}.tflite" for mode in modes.split(",")}
            _time(runtime, models, int(rounds), Path(inputs), Path(times))
        case _:
            return 2
    return 0


def _convert(mode: str, saved: Path, calibration: Path, target: Path) -> None:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=["serving_default"])
    if mode in {"dynamic", "full"}:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Per-channel dense layers need FULLY_CONNECTED version 12, which tflite-runtime 2.14 does not have.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
    if mode == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    if mode == "full":
        converter.representative_dataset = lambda: _rows(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    target.write_bytes(converter.convert())


def _run(runtime: Any, model: Path, inputs: Path, outputs: Path) -> None:  # noqa: ANN401 - a word of the command line
    from models.interpreter import Interpreter

    interpreter = Interpreter(model, runtime=runtime, threads=1)
    answers: list[dict[str, Any]] = []
    elapsed: list[float] = []
    for row in _rows(inputs):
        start = time.perf_counter()
        answers.append(interpreter.run(**row))
        elapsed.append(time.perf_counter() - start)
    stacked = {name: np.stack([answer[name][0] for answer in answers]) for name in answers[0]}
    np.savez(outputs, median_ms=1000.0 * np.median(elapsed), **stacked)


def _time(runtime: Any, models: dict[str, Path], rounds: int, inputs: Path, times: Path) -> None:  # noqa: ANN401
    """Write the median milliseconds of a call by model, the models taking turns; the first call of each warms it up."""
    from models.interpreter import Interpreter

    interpreters = {name: Interpreter(path, runtime=runtime, threads=1) for name, path in models.items()}
    rows = list(_rows(inputs))
    elapsed: dict[str, list[float]] = {name: [] for name in models}
    for interpreter in interpreters.values():
        interpreter.run(**rows[0])
    for row in rows * rounds:
        for name, interpreter in interpreters.items():
            start = time.perf_counter()
            interpreter.run(**row)
            elapsed[name].append(time.perf_counter() - start)
    medians: dict[str, Any] = {name: 1000.0 * np.median(values) for name, values in elapsed.items()}
    np.savez(times, **medians)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with np.load(file) as columns:
        table = {name: columns[name] for name in columns.files}
    for index in range(len(next(iter(table.values())))):
        yield {name: column[index] for name, column in table.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
