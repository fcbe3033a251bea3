"""Every table, by the name that the command line knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloud_trainer.tables.deam import DEAM
from cloud_trainer.tables.feeling.profile import LISTENER_PROFILE
from cloud_trainer.tables.feeling.table import USER_EMOTION
from cloud_trainer.tables.feeling.wearables import USER_EMOTION_WEARABLES
from cloud_trainer.tables.frame import Table
from cloud_trainer.tables.hku import HKU956_INDUCED
from cloud_trainer.tables.music.cross import MUSIC_CROSS
from cloud_trainer.tables.music.emopia import EMOPIA
from cloud_trainer.tables.music.emotify import EMOTIFY
from cloud_trainer.tables.music.vgmidi import VGMIDI
from cloud_trainer.tables.music.words import WORDS
from cloud_trainer.tables.situnes.after import SITUNES_AFTER
from cloud_trainer.tables.situnes.before import SITUNES_BEFORE
from cloud_trainer.tables.situnes.change import SITUNES_CHANGE
from cloud_trainer.tables.wesad import WESAD_STRESS

__all__ = ["TABLES"]

TABLES: Final[Mapping[str, Table[Any]]] = {
    table.name: table
    for table in (
        DEAM,
        EMOPIA,
        VGMIDI,
        EMOTIFY,
        MUSIC_CROSS,
        WORDS,
        SITUNES_BEFORE,
        SITUNES_AFTER,
        SITUNES_CHANGE,
        WESAD_STRESS,
        HKU956_INDUCED,
        USER_EMOTION,
        USER_EMOTION_WEARABLES,
        LISTENER_PROFILE,
    )
}
