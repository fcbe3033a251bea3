"""Runs every benchmark, one after the other, each in a process of its own: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("ranking", "latency", "at_rest", "intake", "scan", "streams", "swap", "delivery")


def main() -> int:
    """Run all; the exit code is that of the first that failed."""
    failed = 0
    for name in BENCHMARKS:
        print(f"\n== {name} ==", flush=True)
        failed = failed or subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
