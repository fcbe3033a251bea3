from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cloud_trainer import quantisation
from cloud_trainer.quantisation import (
    Mode,
    check_operators,
    convert,
    installed_runtimes,
    largest_difference,
    operator_versions,
    run_tflite,
    time_tflite,
)
from cloud_trainer.tensorflow_setup import prepare_tensorflow
from cloud_trainer.tflite_child import main as child
from models.errors import BundleError, Reason

ROWS = [{"beats": np.random.default_rng(seed).normal(size=(1, 8)).astype(np.float32)} for seed in range(40)]


def _dense() -> tuple[Callable[..., dict[str, object]], object]:
    prepare_tensorflow(threads=1, seed=1)
    import tensorflow as tf

    module = tf.Module()
    random = np.random.default_rng(0)
    module.first = tf.Variable(random.normal(0, 0.3, (8, 64)).astype(np.float32))
    module.second = tf.Variable(random.normal(0, 0.2, (64, 3)).astype(np.float32))

    def answer(beats: object) -> dict[str, object]:
        return {"mood": tf.tanh(tf.nn.relu(beats @ module.first) @ module.second)}

    return answer, module


@pytest.fixture(scope="module")
def variants() -> dict[Mode, bytes]:
    function, module = _dense()
    return convert(function, inputs={"beats": (1, 8)}, calibration=ROWS, owner=module)


def test_dense_layers_keep_to_the_version_that_the_older_runtime_has(variants: dict[Mode, bytes]):
    for content in variants.values():
        assert check_operators(content)["FULLY_CONNECTED"] <= 9


def test_an_operator_above_its_limit_is_refused(variants: dict[Mode, bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quantisation, "OPERATOR_LIMITS", {"FULLY_CONNECTED": 0})
    with pytest.raises(BundleError, match="FULLY_CONNECTED version") as refused:
        check_operators(variants["dynamic"])
    assert refused.value.reason is Reason.INCOMPATIBLE


def test_an_operator_that_tflite_lacks_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quantisation, "operator_versions", lambda _: {"ADD": 1, "CUSTOM:FlexBetainc": 1})
    with pytest.raises(BundleError, match="CUSTOM:FlexBetainc"):
        check_operators(b"")


def test_every_variant_keeps_names_and_answers_alike(variants: dict[Mode, bytes]):
    reference = run_tflite(variants["float32"], ROWS)
    for mode, largest in (("dynamic", 0.02), ("full", 0.1), ("float16", 0.005)):
        run = run_tflite(variants[mode], ROWS)
        assert run.outputs["mood"].shape == (len(ROWS), 3)
        assert largest_difference(run.outputs, reference.outputs) < largest
        assert run.median_ms > 0.0


def test_operators_are_listed_by_name(variants: dict[Mode, bytes]):
    assert {"FULLY_CONNECTED", "TANH"} <= set(operator_versions(variants["float32"]))


def test_a_model_that_no_runtime_loads_is_refused_with_its_words():
    with pytest.raises(BundleError, match="of a model failed"):
        run_tflite(b"no model", ROWS[:1])


def test_the_child_refuses_words_that_it_does_not_know():
    assert child(["dance"]) == 2


def test_variants_are_timed_on_every_runtime_of_the_machine(variants: dict[Mode, bytes]):
    assert set(installed_runtimes()) <= {"tflite", "litert"}
    for runtime in installed_runtimes():
        medians = time_tflite(variants, ROWS[:4], runtime=runtime, rounds=1)
        assert list(medians) == list(variants)
        assert all(median > 0.0 for median in medians.values())
