"""What a settings place allows, said in words, and the type forms behind it.

`Annotated[int, msgspec.Meta(ge=1, le=65535)]` becomes "a whole number from 1 to 65535". A form with a description
(`msgspec.Meta(description=…)`) is described by that.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Final, Literal, TypeAlias, Union, get_args, get_origin

from msgspec import Struct, inspect

from models.toml_lines import KeyPath

__all__ = [
    "TypeForm",
    "allowed",
    "bare",
    "choices",
    "is_right_kind",
    "item_of",
    "members",
    "name_of",
    "nearest",
    "shown",
    "struct_of",
]

TypeForm: TypeAlias = object
"""A type as an annotation writes it: a class, a Literal, a union, an Annotated…"""

_LONGEST_SHOWN: Final = 60
"""Characters of a wrong value that an error repeats: enough to recognise it, little enough to read on."""

_PLAIN: Final[Mapping[type[inspect.Type], str]] = {
    inspect.BoolType: "true or false",
    inspect.CustomType: "a path",
    inspect.NoneType: "empty",
}


def allowed(expected: TypeForm) -> str:
    """Say in words what may stand in a place of the type: `a whole number from 1 to 65535`."""
    return _in_words(inspect.type_info(expected))


def _in_words(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            described = (schema or {}).get("description")
            words = str(described) if described else _in_words(inner)
        case inspect.UnionType(types=types):
            words = " or ".join(_in_words(each) for each in types)
        case inspect.LiteralType(values=values):
            words = "one of " + ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)
        case inspect.IntType():
            words = "a whole number" + _range_in_words(info)
        case inspect.FloatType():
            words = "a number" + _range_in_words(info)
        case inspect.StrType(pattern=pattern, min_length=shortest):
            words = f"a text of the form {pattern}" if pattern else "a text" + " that is not empty" * bool(shortest)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            words = f"a list, each {_in_words(item)}"
        case _:
            words = _PLAIN.get(type(info), "a section")
    return words


def _range_in_words(info: inspect.IntType | inspect.FloatType) -> str:
    bounds = {"from": info.ge, "above": info.gt, "to": info.le, "below": info.lt}
    # typing keeps one of two equal annotations, so whether 0 or 0.0 stands here depends on what was imported before.
    told = {word: int(bound) if bound == int(bound) else bound for word, bound in bounds.items() if bound is not None}
    return "".join(f" {word} {bound}" for word, bound in told.items())


def nearest(key: str, known: list[str]) -> str:
    """Name the known key that is most like a wrong one, and all that would be right."""
    near = difflib.get_close_matches(key.lower(), known, n=1)
    suggestion = f"did you mean `{near[0]}`? " if near else ""
    return f"{suggestion}Known here: {', '.join(known)}"


def name_of(path: KeyPath) -> str:
    """Write a path as it stands in the file: `[library] folders[0]`."""
    if not path:
        return "the file"
    if len(path) == 1:
        return f"`[{path[0]}]`"
    rest = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[1:])
    return f"`[{path[0]}] {rest.removeprefix('.')}`"


def shown(value: object) -> str:
    """Repeat a value from the file so that the reader recognises it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            cut = value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…"
            return f'the text "{cut}"'
        case dict():
            return "a section"
        case list():
            return f"a list of {len(value)}"
    return str(value)


def bare(expected: TypeForm) -> TypeForm:
    """Strip an `Annotated` from a type form."""
    form: TypeForm = get_args(expected)[0] if get_origin(expected) is Annotated else expected
    return form


def members(expected: TypeForm) -> tuple[TypeForm, ...]:
    """Return the bare members of a union; a form that is none is its only member."""
    form = bare(expected)
    return tuple(bare(each) for each in get_args(form)) if get_origin(form) in (Union, UnionType) else (form,)


def struct_of(expected: TypeForm) -> type[Struct] | None:
    """Return the struct that describes a section, None for a plain value."""
    form = bare(expected)
    return form if isinstance(form, type) and issubclass(form, Struct) else None


def item_of(expected: TypeForm) -> TypeForm | None:
    """Return the type of a list's elements (`tuple[X, ...]` or `list[X]`), None for no list."""
    form = bare(expected)
    return get_args(form)[0] if get_origin(form) in (tuple, list) else None


def choices(expected: TypeForm) -> list[str]:
    """Return the texts that a Literal allows; empty for another type."""
    literals = [each for each in members(expected) if get_origin(each) is Literal]
    return [choice for literal in literals for choice in get_args(literal) if isinstance(choice, str)]


def is_right_kind(value: object, expected: TypeForm) -> bool:
    """Tell whether a refused value at least has the right type, so that its range is what is wrong."""
    kinds = {str: (str, Path), int: (int, float), float: (float,), list: (list, tuple)}.get(type(value), (type(value),))
    return any(form in kinds or get_origin(form) in kinds for form in members(expected))
