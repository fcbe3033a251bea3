"""A transaction that ends whatever happens inside it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiosqlite

__all__ = ["transaction"]


@asynccontextmanager
async def transaction(connection: aiosqlite.Connection) -> AsyncIterator[None]:
    """Makes what happens inside one transaction, begun with the write lock in hand."""
    try:
        # Inside, because a cancelled BEGIN begins all the same: statements run in a thread of their own.
        await connection.execute("BEGIN IMMEDIATE")
        yield
        await connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors (a full disk), and a cancelled COMMIT may have gone
        # through; then there is nothing to roll back, and the first error is the one to tell.
        with suppress(sqlite3.OperationalError):
            await connection.execute("ROLLBACK")
        raise
