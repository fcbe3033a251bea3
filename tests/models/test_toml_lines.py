"""Every key is found on the line where it stands, however the TOML is written."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from models.toml_lines import KeyPath, key_lines

T = TypeVar("T")

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
    st.text(alphabet=' .="\\#[]é{}', min_size=1, max_size=6),
)
TRICKY = st.text(alphabet="ab\"'\\#[]{}=,\n .", max_size=12)
TREES = st.recursive(
    st.one_of(st.just("number"), TRICKY.map(lambda text: ("text", text))),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4),
        st.lists(st.dictionaries(KEYS, inner, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=20,
)


class Writer:
    """Writes a tree in styles drawn at random; each leaf holds a number that stands nowhere else."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw
        self.count = 1000

    def unique(self) -> int:
        self.count += 1
        return self.count

    def choose(self, *options: T) -> T:
        chosen: T = self.draw(st.sampled_from(options))
        return chosen

    def key(self, key: str) -> str:
        bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if bare and self.choose(True, False):
            return key
        if "'" not in key and self.choose(True, False):
            return f"'{key}'"
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def blank(self, *, lines: bool) -> str:
        return self.choose("", " ", "\t", *(("\n", " # a = [1, \n\n") if lines else ()))

    def string(self, text: str) -> str:
        number = self.unique()
        if "'''" not in text and not text.endswith("'") and self.choose(True, False):
            return f"'''{number}{text}'''"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        if self.choose(True, False):
            return f'"""{number}{escaped}{self.choose("", chr(34), chr(34) * 2)}"""'
        return f'"{number}{escaped}"'.replace("\n", "\\n")

    def inline(self, tree: object) -> str:
        if isinstance(tree, dict):
            pairs = [f"{self.blank(lines=False)}{self.key(key)} = {self.inline(each)}" for key, each in tree.items()]
            return "{" + ",".join(pairs) + " }"
        if isinstance(tree, list):
            items = [self.blank(lines=True) + self.inline(each) + self.blank(lines=True) for each in tree]
            return "[" + ",".join(items) + (self.choose("", ",") if items else "") + self.blank(lines=True) + "]"
        if isinstance(tree, tuple):
            return self.string(tree[1])
        return f"{self.unique()}{self.choose('', '.5', '_000')}"

    def table(self, tree: dict, header: list[str]) -> str:
        plain, tables = [], []
        for key, each in tree.items():
            is_array = isinstance(each, list) and each and all(isinstance(item, dict) for item in each)
            if isinstance(each, dict) and self.choose(True, False):
                name = [*header, self.key(key)]
                tables.append(f"[{self.choose('', ' ')}{'.'.join(name)} ] # comment\n" + self.table(each, name))
            elif is_array and self.choose(True, False):
                name = [*header, self.key(key)]
                tables += [f"[[{' . '.join(name)}]]\n" + self.table(item, name) for item in each]
            elif isinstance(each, dict) and each and self.choose(True, False):
                dotted = self.key(key)
                plain += [f"{dotted} . {self.key(inner)} = {self.inline(leaf)}\n" for inner, leaf in each.items()]
            else:
                plain.append(
                    f"{self.blank(lines=False)}{self.key(key)}= {self.inline(each)} {self.choose('', '# x')}\n"
                )
        return "".join(plain) + "".join(tables)


def paths_of(value: object, path: KeyPath = ()) -> dict[KeyPath, object]:
    found: dict[KeyPath, object] = {path: value} if path else {}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found |= paths_of(each, (*path, key))
    return found


def digits_of(value: object) -> str:
    return str(int(value)) if isinstance(value, int | float) else str(value)


@given(st.dictionaries(KEYS, TREES, max_size=5), st.data())
def test_every_key_and_element_is_found_on_its_line(tree: dict[str, object], data: st.DataObject) -> None:
    text = Writer(data.draw).table(tree, [])
    expected = paths_of(tomllib.loads(text))
    lines = text.split("\n")

    found = key_lines(text)

    assert set(found) == set(expected)
    for path, value in expected.items():
        if not isinstance(value, dict | list):
            assert digits_of(value)[:4] in lines[found[path] - 1]


def test_windows_line_ends_count_as_one() -> None:
    assert key_lines("[a]\r\nb = 1\r\n\r\nc = 2\r\n") == {("a",): 1, ("a", "b"): 2, ("a", "c"): 4}


def test_a_table_mentioned_first_by_a_subtable_has_that_line() -> None:
    assert key_lines("\n[a.b]\nc = 1\n[a]\nd = 2")[("a",)] == 2


def test_a_subtable_of_an_array_of_tables_belongs_to_the_newest_element() -> None:
    found = key_lines("[[a]]\nx = 1\n[[a]]\n[a.b]\ny = 2\n")

    assert found[("a", 1, "b", "y")] == 5
