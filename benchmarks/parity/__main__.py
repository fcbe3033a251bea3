"""Compares our physiology with its peers on the shared recordings and writes docs/tables/parity.md.

The exit code is 1 when a promise is not kept.

    python -m benchmarks.parity [--data DIR] [--output FILE] [--only SECTION]
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

from benchmarks.parity import sections
from benchmarks.parity.table import Section, markdown

REPOSITORY = Path(__file__).resolve().parents[2]


def measure(data: Path, only: str | None = None) -> list[Section]:
    """Run the sections, in the order of their names, or the one named `only`."""
    names = [module.name for module in pkgutil.iter_modules(sections.__path__) if only in (None, module.name)]
    if not names:
        raise SystemExit(f"there is no section {only!r}")
    return [importlib.import_module(f"{sections.__name__}.{name}").section(data) for name in names]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "tables" / "parity.md")
    parser.add_argument("--only", help="run one section, and print it without writing")
    options = parser.parse_args()
    found = measure(options.data, options.only)
    text = markdown(found)
    sys.stdout.write(text)
    if options.only is None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    return 0 if all(row.held for section in found for row in section.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
