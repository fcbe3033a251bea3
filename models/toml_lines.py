"""Where each key of a TOML document stands: its line, which `tomllib` does not tell.

The text must already have been accepted by `tomllib`; this scanner decides nothing about validity, it only walks the
same grammar (TOML 1.0: https://toml.io/en/v1.0.0) and notes lines. Paths are tuples: a `str` for a key, an `int` for an
element of an array or an array of tables.
"""

from __future__ import annotations

import tomllib
from typing import Final

__all__ = ["KeyPath", "key_lines"]

KeyPath = tuple[str | int, ...]
"""The way from the document's root to a value: `("library", "folders", 0)`."""

_WHITESPACE: Final = " \t"
_END_OF_SCALAR: Final = ",]}#\n"
_END_OF_BARE_KEY: Final = " \t.=]"


def key_lines(text: str) -> dict[KeyPath, int]:
    """Find the line, counted from 1, on which each key and each array element of a valid TOML `text` begins.

    A table that is opened several times (by dotted keys or sub-tables) has the line of its first mention.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    """One walk over the text; `at` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self._table_arrays: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self._peek("[["):
                table = self._array_header()
            elif self._peek("["):
                table = self._table_header()
            else:
                self._pair(table)

    def _peek(self, expected: str) -> bool:
        return self.text.startswith(expected, self.at)

    def _advance(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _skip_blank(self, also: str = "\n") -> bool:
        """Skip white space, line ends and comments; tell whether anything is left."""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif character in _WHITESPACE or character in also:
                self._advance(1)
            else:
                return True
        return False

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.line)

    def _array_header(self) -> KeyPath:
        self._advance(2)
        *leading, last = self._key()
        path = self._resolve(leading)
        self._advance(2)
        index = self._table_arrays.get((*path, last), -1) + 1
        self._table_arrays[*path, last] = index
        self._note((*path, last))
        element: KeyPath = (*path, last, index)
        self._note(element)
        return element

    def _table_header(self) -> KeyPath:
        self._advance(1)
        *leading, last = self._key()
        path = self._resolve(leading)
        self._advance(1)
        self._note((*path, last))
        return (*path, last)

    def _resolve(self, keys: list[str]) -> KeyPath:
        """Follow a header's leading keys; an array of tables on the way stands for its newest element."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            self._note(path)
            if path in self._table_arrays:
                path = (*path, self._table_arrays[path])
        return path

    def _key(self) -> tuple[str, ...]:
        """Read a dotted key; stops at what follows it."""
        keys: list[str] = []
        while True:
            self._skip_blank("")
            keys.append(self._simple_key())
            self._skip_blank("")
            if not self._peek("."):
                return tuple(keys)
            self._advance(1)

    def _simple_key(self) -> str:
        start = self.at
        if self.text[start] in "\"'":
            self._string()
            quoted: str = tomllib.loads(f"key = {self.text[start : self.at]}")["key"]
            return quoted
        while self.text[self.at] not in _END_OF_BARE_KEY:
            self.at += 1
        return self.text[start : self.at]

    def _pair(self, table: KeyPath) -> None:
        start_line = self.line
        path = table
        for key in self._key():
            path = (*path, key)
            self.lines.setdefault(path, start_line)
        self._skip_blank("")
        self._advance(1)  # the equals sign
        self._skip_blank("")
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        character = self.text[self.at]
        if character in "\"'":
            self._string()
        elif character == "[":
            self._array(path)
        elif character == "{":
            self._inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in _END_OF_SCALAR:
                self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        delimiter = quote * 3 if self._peek(quote * 3) else quote
        self._advance(len(delimiter))
        while not self._peek(delimiter):
            self._advance(2 if quote == '"' and self._peek("\\") else 1)
        self._advance(len(delimiter))
        # Up to two quotes may stand right before the closing three: they are content.
        while len(delimiter) == 3 and self._peek(quote):
            self._advance(1)

    def _array(self, path: KeyPath) -> None:
        self._advance(1)
        index = 0
        while self._skip_blank() and not self._peek("]"):
            if self._peek(","):
                self._advance(1)
                continue
            self._note((*path, index))
            self._value((*path, index))
            index += 1
        self._advance(1)

    def _inline_table(self, path: KeyPath) -> None:
        self._advance(1)
        while self._skip_blank() and not self._peek("}"):
            if self._peek(","):
                self._advance(1)
            else:
                self._pair(path)
        self._advance(1)
