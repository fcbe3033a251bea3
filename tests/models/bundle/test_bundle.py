from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models.bundle.reader import Bundle, default_bundle
from models.errors import BundleError, Reason
from models.interpreter import Interpreter, available_runtimes
from models.physiology.schema import FEATURES
from models.situation import SITUATION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_bundle(), tmp_path / "bundle"))


def refused(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        Bundle.open(folder)
    return caught.value


def edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def test_the_bundle_that_ships_answers_its_golden_inputs() -> None:
    assert set(Bundle.open(default_bundle()).self_test()) == {"music_emotion", "user_emotion", "sequence", "hybrid"}


@pytest.mark.parametrize("runtime", available_runtimes())
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_every_model_has_the_shapes_of_the_contract_in_every_runtime(runtime: str, precision: str) -> None:
    bundle = Bundle.open(default_bundle(), runtime=runtime)
    width = bundle.table("items")["vector"].shape[1]
    shapes = {name: bundle.model(name, precision).inputs for name in bundle.manifest.models}
    assert shapes["music_emotion"] == {"log_mel": (1, 128, 640, 1), "metadata": (1, 32)}
    assert shapes["user_emotion"] == {"steps": (1, 32, len(FEATURES)), "mask": (1, 32, len(FEATURES))}
    assert shapes["sequence"] == {"items": (1, 50, 64), "mask": (1, 50)}
    assert shapes["hybrid"]["candidates"] == (1, 256, width)
    assert shapes["hybrid"]["situation"] == (1, len(SITUATION))


@pytest.mark.parametrize(
    "file", ["user_emotion.int8.tflite", "hybrid.float32.tflite", "items.npz", "golden/sequence.npz", "licence.txt"]
)
def test_a_bundle_with_a_flipped_byte_is_refused_and_the_file_named(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(bytes(content))
    error = refused(folder)
    assert error.reason is Reason.TAMPERED
    assert file in str(error)


def test_a_bundle_with_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "items.npz").unlink()
    assert refused(folder).reason is Reason.MISSING


def test_a_truncated_file_is_refused_without_reading_it(folder: Path) -> None:
    (folder / "items.npz").write_bytes(b"PK")
    assert refused(folder).reason is Reason.TAMPERED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, Reason.INCOMPATIBLE),
        ({"feature_schema": 99}, Reason.INCOMPATIBLE),
        ({"models": {}}, Reason.INCOMPATIBLE),
        ({"version": "newest"}, Reason.MALFORMED),
        ({"licence": {"path": "../../etc/passwd", "bytes": 1, "sha256": "0" * 64}}, Reason.MALFORMED),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder: Path, changes: dict[str, object], reason: Reason) -> None:
    edit_manifest(folder, **changes)
    assert refused(folder).reason is reason


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert refused(folder).reason is Reason.MALFORMED


def test_no_bundle_at_all_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere").reason is Reason.MISSING


def test_a_model_that_answers_otherwise_fails_the_self_test(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    for model in manifest["models"].values():
        model["tolerance"] = dict.fromkeys(model["tolerance"], -1.0)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="fails its self-test"):
        Bundle.open(folder).self_test()


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(BundleError) as caught:
        Interpreter(b"not a flatbuffer at all, just some text")
    assert caught.value.reason is Reason.INCOMPATIBLE


def test_an_input_of_another_shape_is_refused_by_name() -> None:
    model = Bundle.open(default_bundle()).model("sequence")
    with pytest.raises(BundleError, match="items is float32"):
        model.run(items=np.zeros((1, 49, 64), np.float32), mask=np.zeros((1, 50), np.float32))
    with pytest.raises(BundleError, match="takes"):
        model.run(items=np.zeros((1, 50, 64), np.float32))


def test_a_recurrent_model_forgets_between_calls() -> None:
    model = Bundle.open(default_bundle()).model("sequence")
    random = np.random.default_rng(0)
    inputs = {"items": random.normal(size=(1, 50, 64)).astype(np.float32), "mask": np.ones((1, 50), np.float32)}
    first = model.run(**inputs)["user"]
    model.run(items=-inputs["items"], mask=inputs["mask"])
    np.testing.assert_array_equal(model.run(**inputs)["user"], first)
