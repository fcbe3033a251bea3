"""The script behind `make test-arm64`: what it says of a model that differs, that crashes, and of a missing tool."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

MODELS = ("music_emotion", "user_emotion", "sequence", "hybrid")

Answers: TypeAlias = list[subprocess.CompletedProcess[str]]
Capture: TypeAlias = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "golden_vectors", repository / "tests" / "arm64" / "golden_vectors.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def emulator(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answers:
    """Stands in for the emulated machine: answers what the test puts in, the last answer for ever."""
    answers: Answers = []
    monkeypatch.setattr(script, "prepared", lambda _: (tmp_path / "root", tmp_path / "site"))
    monkeypatch.setattr(script.subprocess, "run", lambda *_, **__: answers.pop(0) if len(answers) > 1 else answers[0])
    return answers


def _answered(difference: float, tolerance: float = 0.1) -> subprocess.CompletedProcess[str]:
    told = {"difference": difference, "tolerance": tolerance, "machine": "aarch64", "runtime": "tflite"}
    return subprocess.CompletedProcess([], 0, f"a warning\n{json.dumps(told)}\n", "")


def _asked(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    code = script.main(["--json"])
    return code, json.loads(capsys.readouterr().out)


def test_every_shipped_model_is_asked_in_every_precision(script: ModuleType, emulator: Answers, capsys: Capture):
    emulator.append(_answered(0.01))
    code, answers = _asked(script, capsys)
    assert code == 0
    assert {(one["model"], one["precision"]) for one in answers} == {
        (name, precision) for name in MODELS for precision in ("float32", "int8")
    }


@pytest.mark.parametrize("difference", [0.11, float("nan")])
def test_a_model_that_answers_otherwise_on_arm_fails_the_run(
    script: ModuleType, emulator: Answers, capsys: Capture, difference: float
):
    emulator += [_answered(difference), _answered(0.0)]
    code, answers = _asked(script, capsys)
    assert code == 1
    assert [bool(one["error"]) for one in answers] == [True] + [False] * (len(answers) - 1)
    assert "differs" in script.table(answers)


def test_a_model_that_crashes_on_arm_is_named_and_the_others_still_run(
    script: ModuleType, emulator: Answers, capsys: Capture
):
    emulator += [subprocess.CompletedProcess([], -11, "", "qemu: uncaught target signal 11"), _answered(0.0)]
    code, answers = _asked(script, capsys)
    assert code == 1
    assert answers[0]["error"] == "ended with -11: qemu: uncaught target signal 11"
    assert "8 variants, 1 wrong" in script.table(answers)


def test_a_missing_emulator_is_told_with_what_to_type(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
):
    monkeypatch.setattr(script.shutil, "which", lambda _: None)
    assert script.main(["--work", str(tmp_path)]) == 2
    assert "apt-get install debootstrap qemu-user-static" in capsys.readouterr().err


@pytest.mark.slow
def test_golden_vectors_hold_on_the_emulated_processor(script: ModuleType, capsys: Capture):
    if not shutil.which("qemu-aarch64-static") or not Path("~/.cache/attune/arm64/complete").expanduser().is_file():
        pytest.skip("needs the emulated machine; 'make test-arm64' makes it")
    code, answers = _asked(script, capsys)
    assert code == 0, script.table(answers)
