"""Runs the golden vectors of every shipped model on the device's instruction set, emulated, with the device's runtime.

    python tests/arm64/golden_vectors.py [BUNDLE] [--work DIR] [--json]

An aarch64 Debian with Python 3.11, tflite-runtime, NumPy and msgspec is put together once under `--work` (a minute,
some 400 MB) and run by qemu-user, without chroot. Inside it the player's own reader opens the bundle and its own
interpreter answers the golden inputs, in every precision. x86-64 cannot stand in for it: a wrong version of an operator
loads there and crashes on Arm. The emulator proves that a model loads and is right, never how fast it is.

Exit codes: 0 all answers are inside the manifest's tolerance; 1 one is not, or a model crashes; 2 this machine cannot
run it, and the message says what is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = Path(__file__).with_name("inside.py")
PACKAGES: Final = ("tflite-runtime>=2.14,<2.15", "numpy<2", "msgspec>=0.19,<0.23")
PROCESSOR: Final = "cortex-a72"  # of a Raspberry Pi 4
PLATFORMS: Final = ("manylinux_2_34_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64")
SUITE: Final = "bookworm"
SYSTEM: Final = "python3,python3.11,libstdc++6,zlib1g,libgomp1"
LIMIT_S: Final = 1800


class CannotRunError(Exception):
    """This machine lacks something; the message says what to type."""


def main(arguments: list[str] | None = None) -> int:
    """Prepare the emulated machine, run every model, print a table; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("bundle", nargs="?", type=Path, default=REPOSITORY / "models" / "default")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/attune/arm64").expanduser())
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    chosen = parser.parse_args(arguments)
    try:
        root, site = prepared(chosen.work)
        answers = run(chosen.bundle.resolve(), root, site)
    except CannotRunError as error:
        print(f"test-arm64: {error}", file=sys.stderr)  # noqa: T201
        return 2
    wrong = [answer for answer in answers if answer["error"]]
    print(json.dumps(answers) if chosen.json else table(answers))  # noqa: T201
    return 1 if wrong or not answers else 0


def prepared(work: Path) -> tuple[Path, Path]:
    """Return the root of the emulated system and the folder of its Python packages; make them once.

    Raises:
        CannotRunError: a tool is missing or the network is.
    """
    root, site = work / "root", work / "site"
    if missing := [tool for tool in ("debootstrap", "qemu-aarch64-static", "dpkg-deb") if not shutil.which(tool)]:
        raise CannotRunError(f"{', '.join(missing)} missing. Type: apt-get install debootstrap qemu-user-static dpkg")
    if not (work / "complete").is_file():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _make_root(root)
        _make_site(site)
        (work / "complete").touch()
    return root, site


def _make_root(root: Path) -> None:
    if os.geteuid() != 0:
        raise CannotRunError("debootstrap needs root once. Type: sudo make test-arm64")
    command = ["debootstrap", "--arch=arm64", "--foreign", "--variant=minbase", f"--include={SYSTEM}", SUITE, str(root)]
    _call(command, "the emulated system")
    for package in sorted((root / "var" / "cache" / "apt" / "archives").glob("*.deb")):
        _call(["dpkg-deb", "-x", str(package), str(root)], package.name)


def _make_site(site: Path) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    tags = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(site)]
    _call([*command, *tags, *platforms, *PACKAGES], "the packages for aarch64")


def _call(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
        raise CannotRunError(f"{what} could not be fetched: {last[0]}")


def run(bundle: Path, root: Path, site: Path) -> list[dict[str, Any]]:
    """Return what every model and precision answered; a crash of one does not hide the others.

    Args:
        bundle: its folder.
        root: of the emulated system.
        site: of its Python packages.
    """
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    pairs = [(name, precision) for name, model in manifest["models"].items() for precision in model["variants"]]
    return [_one(bundle, name, precision, root, site) for name, precision in pairs]


def _one(bundle: Path, name: str, precision: str, root: Path, site: Path) -> dict[str, Any]:
    emulator = ["qemu-aarch64-static", "-cpu", PROCESSOR, "-L", str(root), str(root / "usr" / "bin" / "python3.11")]
    environment = {"PYTHONPATH": f"{site}:{REPOSITORY}", "PYTHONHOME": str(root / "usr"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*emulator, str(PROGRAM), str(bundle), name, precision],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env=environment,
    )
    answer: dict[str, Any] = {"model": name, "precision": precision, "difference": None, "tolerance": None}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no word"]
        return {**answer, "error": f"ended with {done.returncode}: {last[0]}"}
    answer |= json.loads(done.stdout.splitlines()[-1])
    within = answer["difference"] <= answer["tolerance"]
    return {**answer, "error": "" if within else "differs from the golden answer by more than the tolerance"}


def table(answers: list[dict[str, Any]]) -> str:
    """Return the answers as text."""
    lines = [f"{'model':16}{'precision':11}{'difference':>12}{'tolerance':>11}  {'machine'}"]
    for answer in answers:
        known = answer["difference"] is not None
        figures = f"{answer['difference']:12.2e}{answer['tolerance']:11.0e}" if known else f"{'–':>12}{'–':>11}"
        said = answer["error"] or f"{answer['machine']}, {answer['runtime']}"
        lines.append(f"{answer['model']:16}{answer['precision']:11}{figures}  {said}")
    wrong = sum(bool(answer["error"]) for answer in answers)
    lines.append(f"{len(answers)} variants, {wrong} wrong")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
