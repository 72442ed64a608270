"""The database file: opened, checked, brought up to date. SQLite in WAL mode."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from monitor.store.models import SCHEMA

FILE = "mxtap.db"

# From each older schema to the next: what it takes, in order.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {}


class StoreError(Exception):
    """The database cannot be used; the text is for the operator."""


def open_database(state: Path) -> Engine:
    """The engine on the database in ``state``, made or brought up to date. Raises StoreError."""
    path = state / FILE
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare)
        with engine.begin() as connection:
            _bring_up(connection, path)
    except OSError as error:
        raise StoreError(f"{state}: cannot be used as state folder: {error.strerror}") from None
    except DatabaseError as error:
        raise StoreError(
            f"{path}: cannot be used: {error.orig}; move it away to start anew"
        ) from None
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _bring_up(connection: Connection, path: Path) -> None:
    tables = {row[0] for row in connection.execute(text("SELECT name FROM sqlite_master"))}
    if not tables:
        SQLModel.metadata.create_all(connection)
        values = [{"k": "application", "v": "mxtap"}, {"k": "schema", "v": str(SCHEMA)}]
        connection.execute(text("INSERT INTO meta (key, value) VALUES (:k, :v)"), values)
        return
    if "meta" not in tables:
        raise StoreError(f"{path}: is a database of another program; choose another --state")
    meta = {row[0]: row[1] for row in connection.execute(text("SELECT key, value FROM meta"))}
    if meta.get("application") != "mxtap" or not meta.get("schema", "").isdigit():
        raise StoreError(f"{path}: is a database of another program; choose another --state")
    version = int(meta["schema"])
    if version > SCHEMA:
        raise StoreError(
            f"{path}: was written by a newer mxtap (schema version {version}, this one knows "
            f"{SCHEMA}); upgrade mxtap or choose another --state"
        )
    if version < SCHEMA:
        shutil.copy2(path, path.with_suffix(f".schema-{version}.backup"))
        for step in range(version, SCHEMA):
            MIGRATIONS[step](connection)
        connection.execute(
            text("UPDATE meta SET value = :v WHERE key = 'schema'"), {"v": str(SCHEMA)}
        )
