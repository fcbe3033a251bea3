"""Which rivals a model's search has. A module is imported when its model is asked for: most need TensorFlow's weight.

Another module's rivals join by a line here: a tuple of `Space`s, by `module:attribute`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from cloud_trainer.search.space import Space
from models.errors import Reason, SettingsError

__all__ = ["RIVALS", "rivals"]

RIVALS: Final[Mapping[str, tuple[str, ...]]] = {
    "music_emotion": ("cloud_trainer.search.music:MUSIC_EMOTION",),
    "user_emotion": ("cloud_trainer.user_emotion.search:RIVALS",),
    "sequence": ("cloud_trainer.recommenders.search:SEQUENCE",),
    "hybrid": ("cloud_trainer.recommenders.search:HYBRID",),
}
"""Model -> where its rivals stand."""


def rivals(model: str) -> tuple[Space, ...]:
    """Return a model's rivals, the model's own one first.

    Raises:
        SettingsError: the model is not known, or two of its rivals have one name.
    """
    if model not in RIVALS:
        raise SettingsError(
            f"there is no search for {model!r}", reason=Reason.WRONG_VALUE, remedy=f"Name one of: {', '.join(RIVALS)}"
        )
    found: list[Space] = []
    for place in RIVALS[model]:
        module, _, attribute = place.partition(":")
        found += getattr(import_module(module), attribute)
    names = [space.name for space in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingsError(
            f"{model} has two rivals named {', '.join(sorted(twice))}",
            reason=Reason.WRONG_VALUE,
            remedy="Rename one of them",
        )
    return tuple(sorted(found, key=lambda space: space.name != model))
