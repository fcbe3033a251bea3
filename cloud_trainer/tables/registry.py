"""Every table, by the name that the command line knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloud_trainer.tables.deam import DEAM
from cloud_trainer.tables.frame import Table

__all__ = ["TABLES"]

TABLES: Final[Mapping[str, Table[Any]]] = {table.name: table for table in (DEAM,)}
