"""From a trained network to the TFLite models that a device runs: float32, float16 and two kinds of int8.

Rules that this module keeps:

1. Dense layers are quantised per tensor: with per-channel scales the result does not load in, or crashes, the device's
   older runtime (`_experimental_disable_per_channel_quantization_for_dense_layers`).
2. Every operator is a TFLite builtin of a version that this runtime has (`OPERATOR_LIMITS`), or the model is refused.
3. Conversion and inference run in child processes: the converter can crash its process, and TensorFlow in a process
   breaks the runtime's signatures there.
4. Signatures keep their names: inputs and outputs go by name everywhere.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from models.errors import BundleError, Reason

__all__ = [
    "MODES",
    "OPERATOR_LIMITS",
    "InstalledRuntime",
    "Mode",
    "TfliteRun",
    "check_operators",
    "convert",
    "installed_runtimes",
    "largest_difference",
    "operator_versions",
    "run_tflite",
    "time_tflite",
]

Arrays = Mapping[str, npt.NDArray[Any]]
Mode = Literal["float32", "dynamic", "full", "float16"]
InstalledRuntime = Literal["tflite", "litert"]

MODES: Final[tuple[Mode, ...]] = ("float32", "dynamic", "full", "float16")
"""float32; int8 weights with float activations; int8 weights and activations, calibrated; float16 weights."""

_RUNTIMES: Final[Mapping[InstalledRuntime, str]] = {"tflite": "tflite_runtime", "litert": "ai_edge_litert"}
_ROUNDS: Final = 3

OPERATOR_LIMITS: Final[Mapping[str, int]] = {"FULLY_CONNECTED": 9}
"""The highest version of an operator that tflite-runtime 2.14 has on every processor; others are bounded by loading."""

_CHILD: Final = "cloud_trainer.tflite_child"
_CHILD_LIMIT_S: Final = 900.0


@dataclass(frozen=True)
class TfliteRun:
    """What a model answered in a child process.

    Attributes:
        outputs: per output name, one row per input, the batch dimension of 1 dropped.
        median_ms: median time of one call on one thread.
    """

    outputs: Arrays
    median_ms: float


def convert(
    function: Callable[..., Mapping[str, Any]],
    *,
    inputs: Mapping[str, tuple[int, ...]],
    calibration: Sequence[Arrays],
    modes: Sequence[Mode] = MODES,
    owner: Any | None = None,  # noqa: ANN401 - a tf.Module, whose package publishes no types
) -> dict[Mode, bytes]:
    """Convert a function of named float32 tensors to TFLite.

    Args:
        function: takes the inputs as keyword arguments, returns tensors by output name.
        inputs: shapes by input name, with the batch dimension of 1.
        calibration: inputs by name, for full int8: some hundred that look like what the device will see.
        modes: which variants to make.
        owner: what holds the variables that the function uses (a Keras model).

    Returns:
        The flatbuffers, each with the signature `serving_default`.

    Raises:
        BundleError: the converter crashed, or used an operator that devices lack.
    """
    with tempfile.TemporaryDirectory(prefix="attune-convert-") as name:
        folder = Path(name)
        _save_signature(function, inputs=inputs, owner=owner, folder=folder / "saved")
        _save_rows(folder / "calibration.npz", calibration)
        _child("convert", ",".join(modes), folder / "saved", folder / "calibration.npz", folder)
        result = {mode: (folder / f"{mode}.tflite").read_bytes() for mode in modes}
    for content in result.values():
        check_operators(content)
    return result


def run_tflite(
    content: bytes, rows: Sequence[Arrays], *, runtime: Literal["auto", "tflite", "litert"] = "auto"
) -> TfliteRun:
    """Run a model on rows of inputs by `models.interpreter`, in a process without TensorFlow, on one thread.

    Args:
        content: the flatbuffer.
        rows: inputs by name, each with the batch dimension of 1.
        runtime: as `models.interpreter.Interpreter` takes it.

    Raises:
        BundleError: the runtime refuses the model or crashes on it.
    """
    with tempfile.TemporaryDirectory(prefix="attune-run-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        _save_rows(folder / "inputs.npz", rows)
        _child("run", runtime, folder / "model.tflite", folder / "inputs.npz", folder / "outputs.npz")
        with np.load(folder / "outputs.npz") as answers:
            outputs = {key: answers[key] for key in answers.files if key != "median_ms"}
            return TfliteRun(outputs=outputs, median_ms=float(answers["median_ms"]))


def installed_runtimes() -> list[InstalledRuntime]:
    """Return the runtimes of this machine, without importing them: they and TensorFlow do not share a process."""
    return [runtime for runtime, package in _RUNTIMES.items() if find_spec(package) is not None]


def time_tflite(
    contents: Mapping[Mode, bytes], rows: Sequence[Arrays], *, runtime: InstalledRuntime, rounds: int = _ROUNDS
) -> dict[Mode, float]:
    """Return the median milliseconds of a call of each variant, on one thread, the variants taking turns.

    Args:
        contents: flatbuffers by mode.
        rows: inputs by name, each with the batch dimension of 1.
        runtime: that they run on.
        rounds: how often all rows are gone through.

    Raises:
        BundleError: the runtime refuses a model or crashes on it.
    """
    with tempfile.TemporaryDirectory(prefix="attune-time-") as name:
        folder = Path(name)
        for mode, content in contents.items():
            (folder / f"{mode}.tflite").write_bytes(content)
        _save_rows(folder / "inputs.npz", rows)
        modes = ",".join(contents)
        _child("time", runtime, modes, rounds, folder, folder / "inputs.npz", folder / "times.npz")
        with np.load(folder / "times.npz") as medians:
            return {mode: float(medians[mode]) for mode in contents}


def operator_versions(content: bytes) -> dict[str, int]:
    """Return the highest version of each operator in a flatbuffer, custom operators as `CUSTOM:<name>`.

    TensorFlow operators that TFLite lacks show as custom operators named `Flex…`.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    model = schema.Model.GetRootAs(content)
    versions: dict[str, int] = {}
    for index in range(model.OperatorCodesLength()):
        operator = model.OperatorCodes(index)
        # Files written before schema 3a carry the code in the deprecated byte alone; the larger one is right in all.
        code = max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())
        custom = operator.CustomCode()
        name = f"CUSTOM:{custom.decode()}" if custom else names[code]
        versions[name] = max(versions.get(name, 0), operator.Version())
    return versions


def check_operators(content: bytes) -> dict[str, int]:
    """Return the operators' versions of a model that devices can run.

    Raises:
        BundleError: it holds a custom operator, or a version above `OPERATOR_LIMITS`.
    """
    versions = operator_versions(content)
    refused = [name for name in versions if name.startswith("CUSTOM:")]
    refused += [
        f"{name} version {versions[name]} (at most {limit})"
        for name, limit in OPERATOR_LIMITS.items()
        if versions.get(name, 0) > limit
    ]
    if refused:
        raise BundleError(
            f"the converted model uses operators that devices lack: {', '.join(refused)}",
            reason=Reason.INCOMPATIBLE,
            remedy="Build the network from layers that TOOLCHAIN's runtimes have, and quantise dense layers per tensor",
        )
    return versions


def largest_difference(first: Arrays, second: Arrays) -> float:
    """Return the largest absolute difference between two runs, over all outputs."""
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


def _save_signature(
    function: Callable[..., Mapping[str, Any]],
    *,
    inputs: Mapping[str, tuple[int, ...]],
    owner: Any,  # noqa: ANN401 - as in convert
    folder: Path,
) -> None:
    import tensorflow as tf

    names = list(inputs)
    specs = [tf.TensorSpec(inputs[name], tf.float32, name=name) for name in names]

    # The names of the signature are those of the TensorSpecs: positions stand for them here.
    def by_position(*tensors: Any) -> Mapping[str, Any]:  # noqa: ANN401
        return function(**dict(zip(names, tensors, strict=True)))

    concrete = tf.function(by_position).get_concrete_function(*specs)
    module = tf.Module()
    module.owner = owner
    module.serve = concrete
    tf.saved_model.save(module, str(folder), signatures={"serving_default": concrete})


def _save_rows(file: Path, rows: Sequence[Arrays]) -> None:
    names = list(rows[0]) if rows else []
    np.savez(file, **{name: np.stack([np.asarray(row[name], np.float32) for row in rows]) for name in names})


def _child(*arguments: object) -> None:
    command = [sys.executable, "-m", _CHILD, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_CHILD_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BundleError(
            f"'{' '.join(map(str, arguments[:2]))}' took longer than {_CHILD_LIMIT_S:.0f} s",
            reason=Reason.FAILED,
            remedy="Convert on a machine that is less busy",
        ) from error
    if done.returncode != 0:
        last_words = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        raise BundleError(
            f"'{' '.join(map(str, arguments[:2]))}' of a model failed: {last_words}",
            reason=Reason.INCOMPATIBLE,
            remedy="Build the network from layers that convert; see the trainer's log",
        )
