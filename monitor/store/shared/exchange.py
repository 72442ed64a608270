"""A thread that tells the shared database what happened here, and hears what did elsewhere.

Nothing waits for it. Where the database is away, what is to be told is kept, and told later.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Sequence

import psycopg

from monitor.config.database import shown
from monitor.record import Late, Record
from monitor.store.database import StoreError
from monitor.store.shared.connection import PATIENCE, Timely, connect, reason
from monitor.store.shared.pruning import prune
from monitor.store.shared.receiving import SLICE, Receiving
from monitor.store.shared.schema import CHANNEL, SERVING, prepare
from monitor.store.shared.telling import Telling

log = logging.getLogger(__name__)

POLL = 2.0  # seconds between looks where no notification comes
PACE = 0.1  # seconds between two looks at least, and half of the time is the relay's own
AGAIN = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts to connect

_REGISTER = (
    "INSERT INTO relays (origin, name) VALUES (%s, %s) "
    "ON CONFLICT (origin) DO UPDATE SET name = excluded.name"
)

News = Callable[[Sequence[Record | Late]], None]


class Exchange:
    """Begins with ``start`` and ends with ``stop``; the rest may be called from any thread."""

    def __init__(
        self,
        url: str,
        origin: str,
        name: str,
        telling: Telling,
        receiving: Receiving,
    ) -> None:
        self._url, self._origin, self._name = url, origin, name
        self._telling, self._receiving = telling, receiving
        self._outdated = False  # since we connected
        self._prunes: tuple[float, float, int] | None = None
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK)
        self._awake = threading.Event()
        self._stop = threading.Event()
        self._turn = threading.Condition()
        self._asked = self._done = 0
        self._thread: threading.Thread | None = None
        self.up = False
        self.problem = ""
        self.on_lists: Callable[[], None] = lambda: None
        self.on_news: News = lambda news: None
        self.watched: Callable[[], bool] = lambda: False  # whether somebody wants news

    def start(self) -> None:
        """Connect once, and go on by itself from then on, connected or not.

        Raises StoreError where the database is there, and must not be used by us.
        """
        first: Timely | None = None
        try:
            first = self._connect()
            self.up = True
        except psycopg.Error as error:
            self._went_away(error)
        self._thread = threading.Thread(
            target=self._run, args=(first,), name="exchange", daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Tell what waits, unless that takes longer than ``seconds``; keep the rest."""
        self.settle(seconds)
        self._stop.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(seconds + PATIENCE)
        if self._thread is None or not self._thread.is_alive():
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def wake(self) -> None:
        """There is something to tell."""
        if not self._awake.is_set():
            self._awake.set()
            with contextlib.suppress(OSError):
                os.write(self._wake_writer, b"!")

    def lists_changed(self) -> None:
        """The lists are what there is to tell of."""
        self._telling.lists()
        self.wake()

    def history_written(self) -> None:
        """History is."""
        self._telling.history()
        self.wake()

    def prune(self, now: float, keep: float, remembered: int) -> None:
        """Have what is past removed from the shared database, soon."""
        self._prunes = (now, keep, remembered)
        self.wake()

    def settle(self, seconds: float) -> bool:
        """Wait until all was told and heard, ``seconds`` at most; whether it was."""
        with self._turn:
            if not self.up:
                return False
            self._asked += 1
            asked = self._asked
            self.wake()
            return self._turn.wait_for(lambda: self._done >= asked or not self.up, seconds) and (
                self.up
            )

    # The thread

    def _run(self, first: Timely | None) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with contextlib.closing(first or self._connect()) as connection:
                    first = None
                    self._exchange(connection)
            except Exception as error:
                if not self.problem and not isinstance(error, psycopg.Error | StoreError):
                    log.exception("the exchange with the shared database failed")
                self._keep()
                failures = 0 if self.up else failures + 1
                self._went_away(error)
                self._stop.wait(AGAIN[min(failures, len(AGAIN) - 1)])
        self._keep()

    def _connect(self) -> Timely:
        connection = connect(self._url)
        self._outdated = False
        try:
            database = prepare(connection, shown(self._url))
            self._receiving.begin(connection, database)
            self._alone_by_this_name(connection)
            connection.execute(_REGISTER, (self._origin, self._name))
            connection.add_notify_handler(lambda told: self._notified(told.payload.encode()))
            connection.execute(f"LISTEN {CHANNEL}".encode())
        except BaseException:
            connection.close()
            raise
        self._telling.lists()
        self._telling.history()
        return connection

    def _alone_by_this_name(self, connection: Timely) -> None:
        """Two relays must not take each other for themselves. Raises OperationalError."""
        query = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
        free = connection.execute(query, (SERVING, self._origin)).fetchone()
        if not free or not free[0]:
            raise psycopg.OperationalError(
                "another relay uses a copy of this state folder; give each of them its own"
            )

    def _went_away(self, error: Exception) -> None:
        if not self.problem:
            log.error("the shared database is away, going on alone: %s", reason(error))
        with self._turn:
            self.up = False
            self.problem = f"the shared database is away, this relay is alone: {reason(error)}"
            self._turn.notify_all()

    def _came_back(self) -> None:
        if self.problem:
            log.warning("the shared database is back")
        self.problem, self.up = "", True

    def _exchange(self, connection: Timely) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            asked = self._asked
            self._awake.clear()
            self._drain()
            more = self._telling.step(connection)
            more = self._hear(connection) or more
            self._came_back()
            if self._prunes:
                asked_for, self._prunes = self._prunes, None
                prune(connection, *asked_for)
            if not more:
                with self._turn:
                    self._done = asked
                    self._turn.notify_all()
                self._wait(connection)
            took = time.monotonic() - began
            self._stop.wait(max(PACE - took, took if more else 0.0))

    def _hear(self, connection: Timely) -> bool:
        lists = self._receiving.lists(connection)
        if lists:
            self.on_lists()
        memory = self._receiving.memory(connection)
        if not self.watched():
            self._receiving.skip_news(connection)
        elif news := self._receiving.news(connection):
            self.on_news(news)
        return SLICE in (lists, memory)

    def _wait(self, connection: Timely) -> None:
        """Until there is something to tell, or to hear, or for a while."""
        # What came with the last answer makes no socket ready any more.
        while told := connection.pgconn.notifies():
            self._notified(told.extra)
        if not self._awake.is_set():
            watched = [connection.fileno(), self._wake_reader]
            ready, _, _ = select.select(watched, (), (), POLL)
            if connection.fileno() in ready:
                connection.execute("")  # hears what came
        if self._outdated:
            raise StoreError("it was brought to another schema")

    def _notified(self, payload: bytes) -> None:
        self._outdated = self._outdated or payload == b"schema"
        self._awake.set()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_reader, 1024)

    def _keep(self) -> None:
        try:
            self._telling.keep()
        except Exception as error:
            log.error("what other relays should hear could not be kept: %s", reason(error))
