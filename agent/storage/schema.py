"""Brings a database to this program's schema, step by numbered step, each whole or not at all."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import aiosqlite

from agent.storage.transaction import transaction
from models.errors import Reason, StorageError

__all__ = ["APPLICATION_ID", "migrate", "require_ours", "schema_version"]

APPLICATION_ID: Final = 0x41545431
"""Marks the file as Attune's ("ATT1"), so that another program's database is not taken for one."""

_STEP_NAME: Final = re.compile(r"(\d{4})_\w+\.sql")


def schema_version() -> int:
    """Returns the version that this program writes."""
    return len(_steps())


async def migrate(connection: aiosqlite.Connection, file: Path) -> None:
    """Takes the database through all steps that it has not seen.

    Args:
        connection: in autocommit mode, writable.
        file: for messages.

    Raises:
        StorageError: the database is another program's or a newer Attune's; it is unchanged.
        sqlite3.Error: a step failed; it has been rolled back.
    """
    await require_ours(connection, file)
    if await _number(connection, "user_version") == schema_version():
        return
    async with transaction(connection):
        # Only now: another process may have taken the same steps while this one waited for the lock.
        version = await _number(connection, "user_version")
        for step in _steps()[version:]:
            for statement in _statements(step):
                await connection.execute(statement)
        await connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await connection.execute(f"PRAGMA user_version = {schema_version()}")


async def require_ours(connection: aiosqlite.Connection, file: Path) -> None:
    """Refuses what this program cannot read.

    Raises:
        StorageError: the database is another program's or a newer Attune's.
    """
    version = await _number(connection, "user_version")
    application = await _number(connection, "application_id")
    async with connection.execute("SELECT count(*) FROM sqlite_schema") as cursor:
        is_empty = (await cursor.fetchone()) == (0,)
    if application != APPLICATION_ID and not (is_empty and version == 0):
        raise StorageError(
            f"{file} is a database of another program",
            reason=Reason.INCOMPATIBLE,
            remedy="Set [storage] folder to another place",
        )
    if version > schema_version():
        raise StorageError(
            f"{file} was written by a newer Attune (schema {version}, this one knows {schema_version()})",
            reason=Reason.INCOMPATIBLE,
            remedy="Update Attune, or set [storage] folder to another place",
        )


@lru_cache(maxsize=1)
def _steps() -> tuple[str, ...]:
    """Returns the SQL of every step in order."""
    folder = resources.files("agent.storage.migrations")
    named = {int(found[1]): entry for entry in folder.iterdir() if (found := _STEP_NAME.fullmatch(entry.name))}
    return tuple(named[number].read_text(encoding="utf-8") for number in range(1, len(named) + 1))


def _statements(script: str) -> Iterator[str]:
    """Splits a script into statements, because executing a script commits what was begun before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


async def _number(connection: aiosqlite.Connection, pragma: str) -> int:
    async with connection.execute(f"PRAGMA {pragma}") as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0
