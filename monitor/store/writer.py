"""History is written behind: batches on a thread of its own, never on the mail's path."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any, cast

from sqlalchemy import Engine

log = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds: the most that a crash may cost
BOUND = 100_000  # items that may wait; past that history is dropped, never mail
# Rows that one run of a statement writes, at most. The interpreter is free meanwhile, and each time
# that it is asked for again the mail's thread has to hand it over, which costs as much as the row.
TOGETHER = 256

Row = tuple[Any, ...]


@dataclass(frozen=True, eq=False)  # one is the same as itself alone, so that it is told by that
class Statement:
    """SQL, and how an item becomes its parameters: on the writer's thread.

    Where ``width`` says how many those are, ``{}`` stands for the rows of a VALUES clause.
    """

    sql: str
    row: Callable[[Any], Row]
    width: int = 0
    late: bool = False  # after the others of a batch: it changes what they may bring

    @cache  # noqa: B019 - there are few, and they stay
    def of(self, rows: int) -> str:
        """The SQL for so many at once."""
        values = f"({', '.join('?' * self.width)})"
        return self.sql.format(", ".join([values] * rows))


class Writer:
    """Takes items and the statements that write them; runs these in batches.

    Without the layers of an ORM, which would cost more than what SQLite does.
    """

    def __init__(self, engine: Engine, bound: int = BOUND) -> None:
        self._pooled = engine.raw_connection()
        self._connection = cast(sqlite3.Connection, self._pooled.driver_connection)
        self._bound = bound
        self._waiting: list[tuple[Any, tuple[Statement, ...]]] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one batch at a time: they are written in order
        self._stop = threading.Event()
        self._calls: list[Callable[[], None]] = []
        self._on_written: list[Callable[[], None]] = []
        self.dropped = 0
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def put(self, item: Any, *statements: Statement) -> None:
        """Write soon. Never blocks and never raises; ``item`` must not change any more."""
        with self._lock:
            if len(self._waiting) >= self._bound:
                self.dropped += 1
                return
            self._waiting.append((item, statements))

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def after_write(self, call: Callable[[], None]) -> None:
        """Have ``call`` run, on the writer's thread, after each batch that was written."""
        self._on_written.append(call)

    def soon(self, call: Callable[[], None]) -> None:
        """Have ``call`` run once on the writer's thread; it must not raise."""
        with self._lock:
            self._calls.append(call)

    def _call(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def flush(self) -> bool:
        """Have all that was put written by the return; False where that failed and it waits."""
        with self._writing:
            with self._lock:
                batch, self._waiting = self._waiting, []
            return not batch or self._write(batch)

    def _write(self, batch: list[tuple[Any, tuple[Statement, ...]]]) -> bool:
        by_statement: dict[Statement, list[Any]] = {}
        for item, statements in batch:
            for statement in statements:
                by_statement.setdefault(statement, []).append(item)
        try:
            with self._connection:  # a transaction
                self._execute(by_statement)
        except Exception as error:
            self._failed(batch, str(error))
            return False
        self.problem = ""
        for call in self._on_written:
            call()
        return True

    def _execute(self, by_statement: dict[Statement, list[Any]]) -> None:
        for statement in sorted(by_statement, key=lambda each: each.late):
            rows = self._rows(statement, by_statement[statement])
            if not statement.width:
                self._connection.executemany(statement.of(1), rows)
                continue
            while some := list(islice(rows, TOGETHER)):
                at = 0
                while left := len(some) - at:
                    size = 1 << left.bit_length() - 1  # few sizes: SQLite keeps them prepared
                    values = tuple(chain.from_iterable(some[at : at + size]))
                    self._connection.execute(statement.of(size), values)
                    at += size

    def _rows(self, statement: Statement, items: Iterable[Any]) -> Iterator[Row]:
        for item in items:
            try:
                row = statement.row(item)
            except Exception:  # it would be in the way of all that comes behind it
                log.exception("a row of history cannot be made")
                self.dropped += 1
                continue
            yield row

    def close(self) -> None:
        """Write what waits, and end."""
        self._stop.set()
        self._thread.join(10)
        self.flush()
        self._pooled.close()

    def _failed(self, batch: list[tuple[Any, tuple[Statement, ...]]], reason: str) -> None:
        if not self.problem:
            log.error("history is not written: %s", reason)
        self.problem = f"history is not written: {reason}"
        with self._lock:
            room = max(0, self._bound - len(self._waiting))
            self.dropped += max(0, len(batch) - room)
            self._waiting[:0] = batch[:room]

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.flush()
            self._call()
