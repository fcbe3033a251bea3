"""Runs inside the emulated machine: one model of a bundle on its golden inputs, by the player's reader.

python inside.py BUNDLE MODEL PRECISION
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle.reader import Bundle


def main(folder: Path, name: str, precision: Any) -> dict[str, Any]:
    """Return the largest difference to the golden outputs and what it was measured on."""
    bundle = Bundle.open(folder, runtime="tflite")
    entry = bundle.manifest.models[name]
    with np.load(folder / entry.golden.path) as archive:
        golden = dict(archive)
    model = bundle.model(name, precision)
    inputs = {tensor.name: golden[f"input/{tensor.name}"] for tensor in entry.inputs}
    model.run(**inputs)
    outputs = model.run(**inputs)  # the second call shows a state that was kept
    difference = max(float(np.abs(value - golden[f"output/{precision}/{key}"]).max()) for key, value in outputs.items())
    return {
        "difference": difference,
        "tolerance": entry.tolerance[precision],
        "machine": platform.machine(),
        "runtime": model.runtime,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))  # noqa: T201
