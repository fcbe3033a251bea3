"""How fast the models of a bundle are on this device, beside those of the bundle in use."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.delivery.installing.children.job import Limits
from models.bundle.manifest import MODELS
from models.bundle.reader import Bundle
from models.errors import BundleError, Reason
from models.interpreter import Interpreter

__all__ = ["latencies_ms", "require_speed"]

_RUNS: Final = 21
_BUDGET_S: Final = 3.0
"""Per model; a slow one is known for slow after fewer runs."""
_LEAST_RUNS: Final = 3


def latencies_ms(candidate: Bundle, running: Bundle | None) -> dict[str, tuple[float, float]]:
    """Measures every model of both bundles in turn, so that what else the device does meets both.

    Returns:
        By model the fastest call in milliseconds, for what else runs can only add to it: the candidate's, the running
        one's (0 without one).
    """
    found: dict[str, tuple[float, float]] = {}
    for name in MODELS:
        models = [candidate.model(name)] + ([running.model(name)] if running is not None else [])
        inputs = _inputs(models[0])
        times: list[list[float]] = [[] for _ in models]
        began = time.perf_counter()
        for run in range(_RUNS + 1):
            for model, taken in zip(models, times, strict=True):
                started = time.perf_counter()
                model.run(**inputs if model.inputs == models[0].inputs else _inputs(model))
                if run:  # the first is not like the others
                    taken.append((time.perf_counter() - started) * 1e3)
            if run >= _LEAST_RUNS and time.perf_counter() - began > _BUDGET_S:
                break
        fastest = [round(min(taken), 3) for taken in times]
        found[name] = (fastest[0], fastest[1] if running is not None else 0.0)
    return found


def require_speed(bundle: Bundle, found: Mapping[str, tuple[float, float]], limits: Limits) -> None:
    """Refuses a bundle with a model that is much slower here than the one in use.

    Raises:
        BundleError: WORSE.
    """
    for name, (candidate_ms, running_ms) in found.items():
        floor_ms = limits.floor_ms.get(name, limits.least_floor_ms)
        if running_ms > 0.0 and candidate_ms > max(limits.slower * running_ms, floor_ms):
            raise BundleError(
                f"bundle {bundle.manifest.version} is too slow for this device: {name} takes {candidate_ms:.1f} ms,"
                f" {running_ms:.1f} ms in the bundle in use",
                reason=Reason.WORSE,
                remedy="Prefer another precision of that model (attune-trainer repack), or build a smaller one",
            )


def _inputs(model: Interpreter) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in model.inputs.items()}
