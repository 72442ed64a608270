"""What happened here, on its way to the other relays: lists, memory and history, in one step."""

from __future__ import annotations

import time
from typing import Any

from monitor.store.shared.connection import Row, Timely, put_rows
from monitor.store.shared.entries import SharedEntries
from monitor.store.shared.outbox import Outbox
from monitor.store.shared.schema import CHANGING, CHANNEL
from monitor.store.shared.sending import Sending

CHANGES = 2_000  # of lists or memory, at a time
FORGET = 7 * 86_400.0  # seconds that others have to hear that something was forgotten

_ADD_ENTRY = (
    "INSERT INTO entries (list, kind, value, action, reason, by, created, expires, hits, origin, "
    "own, seq) VALUES (%(list)s, %(kind)s, %(value)s, %(action)s, %(reason)s, %(by)s, "
    "%(created)s, %(expires)s, %(hits)s, %(origin)s, %(id)s, nextval('changes')) "
    "ON CONFLICT (origin, own) DO NOTHING"
)
_END_ENTRY = (
    "UPDATE entries SET ended = %(ended)s, ended_by = %(ended_by)s, seq = nextval('changes') "
    "WHERE id = %(id)s AND ended IS NULL"
)
_COUNT_HITS = "UPDATE entries SET hits = hits + %s, seq = nextval('changes') WHERE id = %s"
_PUT = (
    "INSERT INTO memory VALUES (%(kind)s, %(key)s, %(value)s, %(expires)s, %(due)s, %(written)s, "
    "%(origin)s, nextval('changes')) ON CONFLICT (kind, key) DO UPDATE SET "
    "value = excluded.value, expires = excluded.expires, due = excluded.due, "
    "written = excluded.written, origin = excluded.origin, seq = excluded.seq "
    "WHERE memory.written < excluded.written"
)


class Telling:
    """Takes from those that know what waits, and gives it back where it could not be told."""

    def __init__(
        self, origin: str, entries: SharedEntries, outbox: Outbox, sending: Sending
    ) -> None:
        self._origin = origin
        self._entries, self._outbox, self._sending = entries, outbox, sending
        self._lists_waiting = True
        self._dropped = 0

    @property
    def waiting(self) -> int:
        """How many changes of memory are still to be told."""
        return len(self._outbox)

    @property
    def dropped(self) -> int:
        """How many changes and rows the others will never hear of."""
        return self._dropped + self._sending.dropped + self._outbox.dropped

    def lists(self) -> None:
        """There is something to tell of the lists."""
        self._lists_waiting = True

    def history(self) -> None:
        """There is something to tell of history."""
        self._sending.waiting = True

    def keep(self) -> None:
        """Keep what waits through a restart. Raises SQLAlchemyError."""
        self._outbox.keep(())

    def step(self, connection: Timely) -> bool:
        """Tell the next of it; whether there is more. Raises psycopg.Error."""
        changes = self._outbox.take(CHANGES)
        if not (changes or self._lists_waiting or self._sending.waiting):
            return False
        hits = self._entries.hits()
        ended: list[int] = []
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (CHANGING,))
                if self._lists_waiting:
                    ended = self._tell_lists(connection)
                for entry, count in hits.items():
                    connection.execute(_COUNT_HITS, (count, entry))
                self._dropped += put_rows(connection, _PUT, [self._change(row) for row in changes])
                if self._sending.waiting:
                    self._sending.send(connection)
                connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        except BaseException:
            self._entries.count_again(hits)
            self._outbox.keep(changes)
            raise
        self._outbox.sent(changes)
        self._entries.told(ended)
        return bool(self._outbox) or self._sending.waiting or self._lists_waiting

    def _tell_lists(self, connection: Timely) -> list[int]:
        self._lists_waiting = False  # from here on, somebody may find that they do again
        ours, ended = self._entries.only_ours(CHANGES), self._entries.ended_here(CHANGES)
        if CHANGES in (len(ours), len(ended)):
            self._lists_waiting = True
        new = [{**row, "origin": self._origin} for row in ours]
        self._dropped += put_rows(connection, _ADD_ENTRY, new)
        self._dropped += put_rows(connection, _END_ENTRY, ended)
        return [row["id"] for row in ended]

    def _change(self, row: Row) -> dict[str, Any]:
        """A change of memory as it is told; what is forgotten is kept for a while as empty."""
        expires = row["expires"] if row["value"] else time.time() + FORGET
        return {**row, "expires": expires, "origin": self._origin}
