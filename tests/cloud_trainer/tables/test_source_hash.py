"""What decides a table is its code and the code that this imports, not the words in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_trainer.tables import provenance
from cloud_trainer.tables.provenance import source_hash

TABLE = (
    '"""A table."""\n\nfrom sample.steps import step\n\n\ndef figure(x):\n    """Return it."""\n    return step(x)\n'
)
STEPS = '"""Steps."""\n\n\ndef step(x):\n    from sample import scale\n    return x * scale.SCALE\n'
SCALE = 'SCALE = 2\n"""Of a step."""\n'


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    monkeypatch.syspath_prepend(tmp_path)

    def write(table: str = TABLE, steps: str = STEPS, scale: str = SCALE) -> str:
        folder = tmp_path / "sample"
        folder.mkdir(exist_ok=True)
        for name, text in {"__init__": "", "table": table, "steps": steps, "scale": scale}.items():
            (folder / f"{name}.py").write_text(text)
        provenance._statements.cache_clear()
        provenance._imported.cache_clear()
        return source_hash(["sample.table"], project=("sample",))

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] == "sample"]:
        del sys.modules[name]


def test_words_and_layout_change_nothing(written: Callable[..., str]):
    first = written()
    assert written(table="# About figures.\n" + TABLE.replace("Return it.", "Return the figure.")) == first
    assert written(scale=SCALE.replace("Of a step.", "What a step is multiplied with.") + "\n\n") == first


def test_what_is_imported_decides_too_however_far(written: Callable[..., str]):
    first = written()
    assert written(steps=STEPS.replace("x *", "x +")) != first
    assert written(scale=SCALE.replace("2", "3")) != first


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"sample_that_is_nowhere"):
        source_hash(["sample_that_is_nowhere"])
