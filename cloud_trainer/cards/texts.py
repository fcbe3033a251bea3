"""What no manifest can tell: the purpose, limits and wrong uses of each model, from `texts.toml` beside this module."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec

__all__ = ["Text", "Texts", "texts"]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The written part of a card.

    Attributes:
        title: heading.
        use: what it is for, a paragraph.
        limits: what a reader must know before trusting a figure.
        wrong: what it must not be used for.
    """

    title: str
    use: str
    limits: list[str]
    wrong: list[str]


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them; `for_all` are wrong uses of every model, `non_commercial` of those whose licence says so."""

    for_all: list[str]
    non_commercial: str
    models: dict[str, Text]


@cache
def texts() -> Texts:
    """Return the written parts."""
    content = (resources.files("cloud_trainer.cards") / "texts.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(content), Texts)
