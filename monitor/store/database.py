"""The database file: opened, checked, brought up to date. SQLite in WAL mode."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from monitor.store import models  # noqa: F401 (makes the tables known to create_all)
from monitor.store.migrations import SCHEMA, STEPS

log = logging.getLogger(__name__)

FILE = "mxtap.db"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreError(Exception):
    """The database cannot be used; the text is for the operator."""


def open_database(state: Path) -> Engine:
    """The engine on the database in ``state``, made or brought up to date. Raises StoreError.

    A damaged one is put aside (:func:`damaged`), and mail goes on with a new one.
    """
    try:
        return _open(state)
    except _Damaged as error:
        kept = _put_aside(state / FILE)
        log.error(
            "%s: %s; it is kept as %s, and a new one begun: no ban of before is in force",
            state / FILE,
            error,
            kept.name,
        )
        return _open(state)


def damaged(state: Path) -> list[str]:
    """The names of databases in ``state`` that were put aside."""
    return sorted(path.name for path in state.glob(f"{FILE}.damaged-*[0-9]"))


class _Damaged(StoreError):
    """SQLite says that the file is none of its own, or no longer."""


def _put_aside(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    for suffix in ("-wal", "-shm"):  # they belong to it; a new one must not read them
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{kept}{suffix}")
    os.replace(path, kept)
    return kept


def _open(state: Path) -> Engine:
    path = state / FILE
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{state}: cannot be used as state folder: {error.strerror}") from None
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            if schema_of(connection, path) != SCHEMA:
                # The lock keeps a second process from making or upgrading it at the same time.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                _bring_up(connection, path)
    except StoreError:
        engine.dispose()
        raise
    except DatabaseError as error:
        engine.dispose()
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            raise _Damaged(str(error.orig)) from None
        raise StoreError(
            f"{path}: cannot be used: {error.orig}; move it away to start anew"
        ) from None
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA journal_size_limit=16777216")
    cursor.close()


def schema_of(connection: Connection, path: Path) -> int | None:
    """The schema that the database has, None for an empty one. Raises StoreError."""
    tables = {row[0] for row in connection.execute(text("SELECT name FROM sqlite_master"))}
    if not tables:
        return None
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
    return version


def _bring_up(connection: Connection, path: Path) -> None:
    version = schema_of(connection, path)
    if version is None:
        SQLModel.metadata.create_all(connection)
        values = [{"k": "application", "v": "mxtap"}, {"k": "schema", "v": str(SCHEMA)}]
        connection.execute(text("INSERT INTO meta (key, value) VALUES (:k, :v)"), values)
    elif version < SCHEMA:
        _upgrade(connection, path, version)


def _upgrade(connection: Connection, path: Path, version: int) -> None:
    """From ``version`` to the newest schema, in the caller's transaction: all of it or nothing."""
    backup = path.with_name(f"{path.name}.schema-{version}.backup")
    failed = f"{path}: could not be brought from schema {version} to {SCHEMA}"
    try:
        _back_up(path, backup)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{failed}: no backup could be made: {error}; make room there") from None
    try:
        for step in range(version, SCHEMA):
            for statement in STEPS[step]:
                connection.exec_driver_sql(statement)
        connection.execute(
            text("UPDATE meta SET value = :v WHERE key = 'schema'"), {"v": str(SCHEMA)}
        )
    except DatabaseError as error:
        raise StoreError(f"{failed}: {error.orig}; it is as it was, its backup {backup}") from None
    log.info("%s: schema %d is now %d; the old one is kept in %s", path, version, SCHEMA, backup)


def _back_up(path: Path, backup: Path) -> None:
    """A whole copy of the database in ``backup``, what is still in its WAL included."""
    unfinished = backup.with_name(backup.name + ".part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
        os.replace(unfinished, backup)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
