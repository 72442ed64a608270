"""Connections to the shared database that never wait for it for long."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from monitor.store.database import StoreError

PATIENCE = 5.0  # seconds for an answer, whatever the server does with its own timeouts
_SESSION = """
SET statement_timeout = '4s';
SET lock_timeout = '3s';
SET idle_in_transaction_session_timeout = '5s';
SET client_min_messages = warning;
SET timezone = 'UTC'
"""

log = logging.getLogger(__name__)

Error = psycopg.Error

Row = Mapping[str, Any]
_T = TypeVar("_T")


class Timely(psycopg.Connection):
    """A connection that is closed, with an OperationalError, where an answer does not come."""

    patience = PATIENCE

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """See :class:`psycopg.Connection`."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None:
                self.pgconn.finish()  # what it still sends is not the answer to the next question
            raise


def connect(url: str) -> Timely:
    """A connection in autocommit mode. Raises psycopg.Error, StoreError for what is no URL."""
    try:
        made = make_url(url)
    except ArgumentError:
        raise StoreError("database: is not a URL of SQLAlchemy's form") from None
    given = made.translate_connect_args(database="dbname", username="user")
    given |= {key: value for key, value in made.query.items() if isinstance(value, str)}
    # Over a network that swallows packets, the kernel gives up about as soon as we do.
    alive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    opened = Timely.connect(
        **{"connect_timeout": 2, "application_name": "mxtap", **alive, **given}, autocommit=True
    )
    try:
        opened.execute(_SESSION)
    except psycopg.Error:
        opened.close()
        raise
    return opened


def put_rows(connection: Timely, statement: str, rows: Sequence[Row]) -> int:
    """Run ``statement`` for every row; how many the database does not take, for what they are.

    One of these keeps no other from it. Raises psycopg.Error for all that is not a row's fault.
    """
    if not rows:
        return 0
    try:
        with connection.transaction():
            connection.cursor().executemany(statement.encode(), rows)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            log.error("not shared with other relays: %s", reason(error))
            return 1
        return sum(put_rows(connection, statement, [row]) for row in rows)
    return 0


def reason(error: BaseException) -> str:
    """What went wrong, in a line."""
    text = " ".join(str(error).split())
    return text.removesuffix(".") or type(error).__name__
