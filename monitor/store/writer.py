"""History is written behind: batches on a thread of its own, never on the mail's path."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds: the most that a crash may cost
BOUND = 100_000  # operations that may wait; past that history is dropped, never mail

Values = dict[str, Any]
# A Core statement and its parameters, or how to make them, on the writer's thread.
Write = tuple[Any, Values | Callable[[], Values]]


class Writer:
    """Takes Core statements with parameters; runs them in order of arrival, in batches."""

    def __init__(self, engine: Engine, bound: int = BOUND) -> None:
        self._engine = engine
        self._bound = bound
        self._waiting: list[Write] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one batch at a time: they are written in order
        self._stop = threading.Event()
        self._calls: list[Callable[[], None]] = []
        self._on_written: list[Callable[[], None]] = []
        self.dropped = 0
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def put(self, statement: Any, values: Values | Callable[[], Values]) -> None:
        """Write soon. Never blocks and never raises."""
        with self._lock:
            if len(self._waiting) >= self._bound:
                self.dropped += 1
                return
            self._waiting.append((statement, values))

    @property
    def waiting(self) -> int:
        """How many writes wait."""
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

    def _write(self, batch: list[Write]) -> bool:
        try:
            with self._engine.begin() as connection:
                _execute(connection, batch)
        except SQLAlchemyError as error:
            self._failed(batch, str(getattr(error, "orig", error)))
            return False
        except Exception as error:
            self._failed(batch, str(error))
            return False
        self.problem = ""
        for call in self._on_written:
            call()
        return True

    def close(self) -> None:
        """Write what waits, and end."""
        self._stop.set()
        self._thread.join(10)
        self.flush()

    def _failed(self, batch: list[Write], reason: str) -> None:
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


def _execute(connection: Connection, batch: list[Write]) -> None:
    grouped: dict[int, tuple[Any, list[Values]]] = defaultdict(lambda: (None, []))
    for statement, values in batch:
        key = id(statement)
        grouped[key] = (statement, grouped[key][1])
        grouped[key][1].append(values() if callable(values) else values)
    # Updates last: what they are about may stand in the same batch.
    for statement, rows in sorted(grouped.values(), key=lambda group: group[0].is_update):
        connection.execute(statement, rows)
