"""How long the variants of a finished bundle take, on every runtime of this machine."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloud_trainer.quantisation import Mode, installed_runtimes, time_tflite
from models.bundle.reader import Bundle

__all__ = ["variant_times"]

_ROUNDS: Final = 60


def variant_times(bundle: Bundle, name: str) -> dict[str, dict[Mode, float]]:
    """Return the median milliseconds of a call by runtime and mode, on the golden input.

    Args:
        bundle: verified.
        name: of a model in it.

    Raises:
        BundleError: a runtime refuses the model or crashes on it.
    """
    entry = bundle.manifest.models[name]
    with np.load(bundle.folder / entry.golden.path) as archive:
        row = {tensor.name: archive[f"input/{tensor.name}"] for tensor in entry.inputs}
    kind: Mode = "full" if "int8: full range" in entry.description else "dynamic"
    modes: dict[Mode, str] = {"float32": entry.variants["float32"].path, kind: entry.variants["int8"].path}
    contents = {mode: (bundle.folder / path).read_bytes() for mode, path in modes.items()}
    return {runtime: time_tflite(contents, [row], runtime=runtime, rounds=_ROUNDS) for runtime in installed_runtimes()}
