"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("models", "agent", "cloud_trainer", "firmware_sim")
TOP_LEVEL = {
    *PACKAGES,
    *("config", "tests", "benchmarks", "docs", ".ci"),
    *("pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".gitignore"),
}


def modules(repository: Path) -> list[Path]:
    return [path for package in PACKAGES for path in sorted((repository / package).rglob("*.py"))]


def test_who_imports_whom_is_as_the_design_says(repository: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_nothing_stands_at_the_top_but_what_the_design_names(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=False).stdout
    if not listed:
        pytest.skip("needs a git checkout: asks git which files belong to the project")
    assert {line.split("/")[0] for line in listed.splitlines()} <= TOP_LEVEL


def test_every_public_module_lists_what_it_offers(repository: Path) -> None:
    silent = []
    for path in modules(repository):
        tree = ast.parse(path.read_text())
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        listed = any(
            isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" in ast.unparse(node).split("=")[0]
            for node in tree.body
        )
        if public and not listed and not path.name.startswith("_"):
            silent.append(str(path.relative_to(repository)))
    assert not silent


@pytest.mark.parametrize("module", ["agent.daemon", "agent.cli"])
def test_the_agent_loads_neither_tensorflow_nor_what_only_a_scan_needs(module: str, repository: Path) -> None:
    heavy = ("tensorflow", "sklearn", "pandas", "librosa", "av", "scipy.signal")
    script = f"import sys, {module}; print(*[name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_no_file_has_grown_beyond_one_subject(repository: Path) -> None:
    assert not [str(path) for path in modules(repository) if len(path.read_text().splitlines()) > 500]
