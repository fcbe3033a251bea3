"""Settings of every program: one TOML file, read once, strictly.

Rules:

- The file is the one named with `--config`, which must exist; else `$XDG_CONFIG_HOME/attune/{program}.toml` where that
  exists (`~/.config` where the variable is unset); else the defaults, which `config/{program}.toml` shows and explains.
- What is not known is refused: a key, a section, a value outside its range. An error names the file, the line, the key,
  what stands there, what may stand there and the nearest known key. All mistakes of a file are reported at once.
- An empty text stands for "not set" where a setting may be absent, because TOML has no null.
- A leading `~` in a path is the home folder; relative paths count from the working directory.

A program describes its settings as structs made from `Section`, ranges as `Annotated[int, msgspec.Meta(ge=1)]`.
"""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from models.errors import Reason, SettingsError
from models.settings_words import (
    TypeForm,
    allowed,
    choices,
    is_right_kind,
    item_of,
    members,
    name_of,
    nearest,
    shown,
    struct_of,
)
from models.toml_lines import KeyPath, key_lines

__all__ = [
    "Problem",
    "Program",
    "Section",
    "default_text",
    "find",
    "load",
    "parse",
    "problems",
    "read",
    "shipped_text",
    "told",
    "user_file",
]

Program = Literal["agent", "sim", "trainer"]
"""The programs that have a settings file."""

_S = TypeVar("_S", bound=Struct)


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every settings struct: frozen, refuses unknown keys."""


class Problem(Struct, frozen=True, kw_only=True):
    """One mistake in a settings file.

    Attributes:
        line: counted from 1; 0 where the mistake is that something is absent.
        key: as the reader would write it, `[broker] port`.
        reason: what a program branches on.
        text: what was found and what may stand there, in a sentence.
    """

    line: int
    key: str
    reason: Reason
    text: str


def load(struct_type: type[_S], *, program: Program, config: Path | None = None) -> _S:
    """Read the settings of `program` into `struct_type`.

    Args:
        struct_type: the program's settings, made of `Section`s with defaults.
        program: decides the file's name.
        config: the file named by `--config`; None searches.

    Raises:
        SettingsError: the named file is missing, a file cannot be read, is not TOML, or has keys or values that are not
            allowed.
    """
    path = find(program, config)
    if path is None:
        return struct_type()
    return parse(struct_type, read(path), source=str(path), program=program)


def find(program: Program, config: Path | None = None) -> Path | None:
    """Tell which file would be read, None for the defaults alone.

    Raises:
        SettingsError: `config` is given and no file.
    """
    if config is not None:
        path = config.expanduser()
        if not path.exists():
            message = f"The settings file {path} does not exist"
            remedy = f"Create it, or leave out --config to use {user_file(program)} or the defaults"
            raise SettingsError(message, reason=Reason.MISSING, remedy=remedy)
        return path
    path = user_file(program)
    return path if path.is_file() else None


def parse(struct_type: type[_S], text: str, *, source: str, program: Program) -> _S:
    """Read settings from `text`; `source` names it in errors.

    Raises:
        SettingsError: the text is not TOML or has mistakes; the message lists them one a line.
    """
    found = problems(struct_type, text)
    if found:
        lines = [told(each, source) for each in found]
        remedy = f"Correct the file; config/{program}.toml explains every key"
        raise SettingsError("\n".join(lines), reason=found[0].reason, remedy=remedy)
    settings: _S = _convert(_emptied(tomllib.loads(text), struct_type), struct_type)
    return settings


def problems(struct_type: type[Struct], text: str) -> list[Problem]:
    """List every mistake of a settings text in the order of its lines; empty where there is none."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [_syntax_problem(error, text)]
    except RecursionError:
        return [Problem(line=1, key="", reason=Reason.NOT_TOML, text="arrays or tables are nested too deep")]
    lines = key_lines(text)
    found = list(_check(document, struct_type, (), lines))
    if not found:
        try:
            _convert(_emptied(document, struct_type), struct_type)
        except msgspec.ValidationError as error:  # a rule between several keys, checked by the section as a whole
            found = [_rule_problem(error, lines)]
    return sorted(found, key=lambda each: each.line)


def told(problem: Problem, source: str) -> str:
    """Write a problem as a line that editors understand: `agent.toml:12: …`."""
    return f"{source}:{problem.line}: {problem.text}" if problem.line else f"{source}: {problem.text}"


def default_text(program: Program) -> str:
    """Return the commented default settings file of `program`."""
    return shipped_text(f"{program}.toml")


def shipped_text(name: str) -> str:
    """Return a file of `config/` by name: from the installed package, else from the source checkout.

    Raises:
        SettingsError: this installation carries no such file.
    """
    packaged = resources.files("models") / "config" / name
    in_checkout = Path(__file__).resolve().parent.parent / "config" / name
    for candidate in (packaged, in_checkout):
        if candidate.is_file():
            return candidate.read_text(encoding="utf-8")
    remedy = "Install Attune again"
    raise SettingsError(f"This installation lacks config/{name}", reason=Reason.MISSING, remedy=remedy)


def user_file(program: Program) -> Path:
    """Tell where a user's settings file of `program` lies, whether it exists or not."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():  # the XDG specification tells to ignore relative ones; unset gives "."
        base = Path("~/.config").expanduser()
    return base / "attune" / f"{program}.toml"


def read(path: Path) -> str:
    """Read the text of a settings file.

    Raises:
        SettingsError: it cannot be read or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8"
        raise SettingsError(f"{path} is no UTF-8 text: {error}", reason=Reason.NOT_TOML, remedy=remedy) from error
    except OSError as error:
        remedy = "Make it a readable file"
        message = f"Cannot read the settings file {path}: {error.strerror}"
        raise SettingsError(message, reason=Reason.UNREADABLE, remedy=remedy) from error


# --- checking ---------------------------------------------------------------------------------------------------------


def _check(value: object, expected: TypeForm, path: KeyPath, lines: dict[KeyPath, int]) -> Iterator[Problem]:
    """Compare a parsed value with what its place allows, descending into sections and lists."""
    struct_type = struct_of(expected)
    if struct_type is not None and isinstance(value, dict):
        yield from _check_section(value, struct_type, path, lines)
    elif struct_type is not None:
        text = f"{name_of(path)} is a section, found {shown(value)}"
        yield Problem(line=lines.get(path, 0), key=name_of(path).strip("`"), reason=Reason.WRONG_TYPE, text=text)
    elif (item := item_of(expected)) is not None and isinstance(value, list):
        for index, element in enumerate(value):
            yield from _check(element, item, (*path, index), lines)
        if all(_fits(element, item) for element in value) and not _fits(value, expected):
            yield _value_problem(value, expected, path, lines)
    elif not _fits(value, expected):
        yield _value_problem(value, expected, path, lines)


def _check_section(
    table: dict[str, object], struct_type: type[Struct], path: KeyPath, lines: dict[KeyPath, int]
) -> Iterator[Problem]:
    known = {field.encode_name: field for field in fields(struct_type)}
    for key, value in table.items():
        if key in known:
            yield from _check(value, known[key].type, (*path, key), lines)
        else:
            name = name_of((*path, key))
            text = f"{name} is not known; {nearest(key, list(known))}"
            yield Problem(line=lines.get((*path, key), 0), key=name.strip("`"), reason=Reason.UNKNOWN_KEY, text=text)
    for key, field in known.items():
        if key not in table and field.default is NODEFAULT and field.default_factory is NODEFAULT:
            name = name_of((*path, key))
            text = f"{name} is missing; it must be {allowed(field.type)}"
            yield Problem(line=lines.get(path, 0), key=name.strip("`"), reason=Reason.MISSING, text=text)


def _fits(value: object, expected: TypeForm) -> bool:
    if value == "" and NoneType in members(expected):
        return True
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        _convert(value, expected)
    except msgspec.ValidationError:
        return False
    return True


def _value_problem(value: object, expected: TypeForm, path: KeyPath, lines: dict[KeyPath, int]) -> Problem:
    name = name_of(path)
    text = f"{name} must be {allowed(expected)}, found {shown(value)}"
    named = choices(expected)
    near = difflib.get_close_matches(value, named, n=1) if isinstance(value, str) else []
    if near:
        text += f'; did you mean "{near[0]}"?'
    reason = Reason.WRONG_VALUE if named or is_right_kind(value, expected) else Reason.WRONG_TYPE
    return Problem(line=lines.get(path, 0), key=name.strip("`"), reason=reason, text=text)


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str) -> Problem:
    """Turn tomllib's message, which ends in "(at line 3, column 5)", into a problem with that line."""
    message, _, place = str(error).rpartition(" (at ")
    numbers = [int(word) for word in place.rstrip(")").replace(",", "").split() if word.isdigit()]
    line = numbers[0] if numbers else text.count("\n") + 1
    column = f" (column {numbers[1]})" if len(numbers) > 1 else ""
    shown = f"this is no valid TOML{column}: {message[:1].lower()}{message[1:] or error}"
    return Problem(line=line, key="", reason=Reason.NOT_TOML, text=shown)


def _rule_problem(error: msgspec.ValidationError, lines: dict[KeyPath, int]) -> Problem:
    message, _, place = str(error).partition(" - at `$.")
    path: KeyPath = tuple(place.rstrip("`").split(".")) if place else ()
    text = f"{name_of(path)}: {message}" if path else message
    return Problem(line=lines.get(path, 0), key=name_of(path).strip("`"), reason=Reason.WRONG_VALUE, text=text)


def _convert(value: object, expected: TypeForm) -> Any:  # noqa: ANN401 -- as wide as msgspec.convert
    return msgspec.convert(value, expected, dec_hook=_decode)


def _decode(expected: type, value: object) -> object:
    if expected is Path and isinstance(value, str) and value and "\0" not in value:
        try:
            return Path(value).expanduser()
        except RuntimeError as error:  # a user of that name has no home
            raise ValueError(str(error)) from error
    message = f"Expected `{expected.__name__}`, got {value!r}"
    raise ValueError(message)


def _emptied(value: object, expected: TypeForm) -> object:
    """Replace the empty text by None where a setting may be absent."""
    struct_type = struct_of(expected)
    if struct_type is not None and isinstance(value, dict):
        types = {field.encode_name: field.type for field in fields(struct_type)}
        return {key: _emptied(each, types.get(key, object)) for key, each in value.items()}
    return None if value == "" and NoneType in members(expected) else value
