"""Connections to the database file: one that writes and one that reads, or one that cannot write at all."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Final

import aiosqlite

from agent.storage.schema import migrate, require_ours

__all__ = ["open_pair", "open_read_only"]

# A writing scan holds the lock for milliseconds; whoever holds it for longer than this is stuck.
_BUSY_TIMEOUT_S: Final = 10.0


async def open_pair(file: Path) -> tuple[aiosqlite.Connection, aiosqlite.Connection]:
    """Opens a database to write and to read, made and migrated as needed.

    Raises:
        StorageError: it is not ours to write.
        sqlite3.Error: it cannot be opened or migrated.
        OSError: its folder cannot be made.
    """
    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
    writer = await _connect(str(file))
    try:
        await _prepare(writer, file)
        # What a person felt is for them alone, whatever the umask says.
        await asyncio.to_thread(file.chmod, 0o600)
        reader = await _connect(str(file))
    except BaseException:
        await writer.close()
        raise
    await reader.execute("PRAGMA query_only = ON")
    return writer, reader


async def open_read_only(file: Path) -> aiosqlite.Connection:
    """Opens without writing; where even the shared-memory file of the log cannot be made, the log is left aside.

    Raises:
        StorageError: it is not ours to read.
        sqlite3.Error: it cannot be opened.
    """
    address = Path.absolute(file).as_uri()
    try:
        return await _open_uri(f"{address}?mode=ro", file)
    except sqlite3.OperationalError:
        return await _open_uri(f"{address}?mode=ro&immutable=1", file)


async def _prepare(connection: aiosqlite.Connection, file: Path) -> None:
    await require_ours(connection, file)
    await connection.execute("PRAGMA journal_mode = WAL")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA foreign_keys = ON")
    await migrate(connection, file)


async def _open_uri(address: str, file: Path) -> aiosqlite.Connection:
    connection = await _connect(address, uri=True)
    try:
        await require_ours(connection, file)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _connect(name: str, *, uri: bool = False) -> aiosqlite.Connection:
    # Autocommit: transactions begin where the code says so.
    return await aiosqlite.connect(name, timeout=_BUSY_TIMEOUT_S, isolation_level=None, uri=uri)
