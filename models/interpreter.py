"""The one place that runs TFLite models, whichever runtime the machine has.

`tflite-runtime` is the small old runtime (Python up to 3.11), `ai-edge-litert` its successor; both speak the same API.
Inputs and outputs go by the names of the model's signature, because their order is not kept by conversion.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError, Reason

__all__ = ["Interpreter", "Runtime", "available_runtimes"]

Runtime = Literal["auto", "tflite", "litert"]

_MODULES: Final[dict[str, str]] = {
    # The first that is installed serves "auto": the older runtime needs 25 MB less memory.
    "tflite": "tflite_runtime.interpreter",
    "litert": "ai_edge_litert.interpreter",
}


def available_runtimes() -> list[str]:
    """Names of the runtimes that are installed, in the order in which "auto" takes them."""
    return [name for name in _MODULES if _import(name) is not None]


def _import(name: str) -> Any | None:  # noqa: ANN401 - neither runtime publishes types
    try:
        return import_module(_MODULES[name])
    except ImportError:
        return None


def _runtime(wanted: Runtime) -> tuple[str, Any]:
    for name in _MODULES if wanted == "auto" else (wanted,):
        module = _import(name)
        if module is not None:
            return name, module
    raise BundleError(
        f"no TFLite runtime for {wanted!r} is installed",
        reason=Reason.MISSING,
        remedy="Install tflite-runtime (Python 3.11) or ai-edge-litert, or set [bundle] runtime to an installed one",
    )


class Interpreter:
    """A loaded model.

    Calls are serialised by a lock, so threads may share it; `run` releases the GIL while the model computes.

    Args:
        content: the model file, or its bytes.
        runtime: "tflite", "litert", or "auto" for the first that is installed.
        threads: how many threads one call may use.

    Raises:
        BundleError: the runtime is missing, or refuses the model.
    """

    def __init__(self, content: bytes | Path, *, runtime: Runtime = "auto", threads: int = 1) -> None:
        self.runtime, module = _runtime(runtime)
        source = {"model_content": content} if isinstance(content, bytes) else {"model_path": str(content)}
        where = "the model" if isinstance(content, bytes) else str(content)
        try:
            self._interpreter = module.Interpreter(num_threads=threads, **source)
            self._interpreter.allocate_tensors()
            self._runner = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError, OSError) as error:
            raise BundleError(
                f"{where} is not run by {self.runtime}: {str(error).splitlines()[0]}",
                reason=Reason.INCOMPATIBLE,
                remedy="Build the bundle for this runtime, or install another version of Attune",
            ) from error
        self._lock = threading.Lock()
        self.inputs = self._shapes(self._runner.get_input_details())
        self.outputs = self._shapes(self._runner.get_output_details())

    @staticmethod
    def _shapes(details: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, ...]]:
        return {name: tuple(int(size) for size in detail["shape"]) for name, detail in details.items()}

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the model once.

        Args:
            inputs: one float32 array per input, of exactly the model's shape.

        Returns:
            Copies of the outputs by name.

        Raises:
            BundleError: a name or a shape is not the model's.
        """
        if inputs.keys() != self.inputs.keys():
            raise BundleError(
                f"the model takes {sorted(self.inputs)}, not {sorted(inputs)}",
                reason=Reason.INCOMPATIBLE,
                remedy="Use a bundle of the format that this program reads",
            )
        for name, value in inputs.items():
            if value.shape != self.inputs[name] or value.dtype != np.float32:
                raise BundleError(
                    f"{name} is {value.dtype} {value.shape}, the model takes float32 {self.inputs[name]}",
                    reason=Reason.INCOMPATIBLE,
                    remedy="Use a bundle of the format that this program reads",
                )
        with self._lock:
            # A fused LSTM keeps its state from one call to the next.
            self._interpreter.reset_all_variables()
            outputs: dict[str, NDArray[np.float32]] = self._runner(**inputs)
        return outputs
