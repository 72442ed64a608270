"""What other relays did: lists and memory for our own copy, records for whoever watches."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
from psycopg.rows import dict_row
from sqlalchemy import Engine, delete, select

from monitor import events as ev
from monitor.record import Late, Record
from monitor.store.memory import StoredMemory
from monitor.store.models import Meta, SharedEntryRow
from monitor.store.shared.connection import Timely
from monitor.store.shared.entries import SharedEntries
from monitor.store.shared.outbox import Outbox
from monitor.store.writer import Statement, Writer

SLICE = 2_000  # rows at a time
NEWS = 500  # records at a time, for those who watch; who is behind more is told later, by history
TAKEOVER = 300.0  # seconds that another relay has to tell what became due at it
_FULL = 20_000  # writes that may wait before more is fetched

_META: Any = Meta.__table__  # type: ignore[attr-defined]
_REACHED = Statement(
    "INSERT INTO meta (key, value) VALUES (?, ?) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    tuple,
)
_LISTS = (
    "SELECT id, list, kind, value, action, reason, by, created, expires, ended, ended_by, hits, "
    "origin, own, seq FROM entries WHERE seq > %s ORDER BY seq LIMIT %s"
)
_MEMORY = (
    "SELECT kind, key, CASE WHEN origin <> %s THEN value END AS value, expires, due, written, seq "
    "FROM memory WHERE seq > %s ORDER BY seq LIMIT %s"
)
_RECORDS = (
    "SELECT t.n, r.record FROM transactions t JOIN records r ON r.n = t.n "
    "WHERE t.n > %s AND t.relay <> %s ORDER BY t.n LIMIT %s"
)
_LATE = (
    "SELECT l.n, l.transaction_id, l.finding, t.session FROM late_findings l "
    "JOIN transactions t ON t.id = l.transaction_id "
    "WHERE l.n > %s AND t.relay <> %s ORDER BY l.n LIMIT %s"
)
_LAST = (
    "SELECT coalesce((SELECT max(n) FROM transactions), 0), "
    "coalesce((SELECT max(n) FROM late_findings), 0)"
)
_decode_record = msgspec.json.Decoder(Record).decode
_decode_finding = msgspec.json.Decoder(ev.Finding).decode


class Receiving:
    """Knows how far it has read."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        memory: StoredMemory,
        entries: SharedEntries,
        outbox: Outbox,
        origin: str,
        name: str,
    ) -> None:
        self._engine, self._writer = engine, writer
        self._memory, self._entries, self._outbox = memory, entries, outbox
        self._origin, self._name = origin, name
        # Not all relays take over at the same moment from one that is gone.
        self._takeover = TAKEOVER + zlib.crc32(origin.encode()) % int(TAKEOVER)
        self._reached: dict[str, int] = {}
        self._news: tuple[int, int] | None = None

    def begin(self, connection: Timely, database: str) -> None:
        """Go on where we were with this database; from its beginning where it is another one."""
        last = connection.execute("SELECT last_value FROM changes").fetchone()
        assert last is not None
        with self._engine.begin() as ours:
            rows = ours.execute(select(_META).where(_META.c.key.like("heard.%")))
            known = {row.key.partition(".")[2]: row.value for row in rows}
            self._reached = {what: int(known.get(what, 0)) for what in ("lists", "memory")}
            if known.get("of") != database or max(self._reached.values()) > last[0]:
                # Another one, or an older state of it. What was ours first is sent anew.
                self._reached = {"lists": 0, "memory": 0}
                self._news = None
                ours.execute(delete(SharedEntryRow.__table__))  # type: ignore[attr-defined]
                for what, value in (("of", database), ("lists", "0"), ("memory", "0")):
                    ours.exec_driver_sql(_REACHED.sql, (f"heard.{what}", value))

    def lists(self, connection: Timely) -> int:
        """Take a step of changes in, up to ``SLICE``; how many. Raises psycopg.Error."""
        asked = (self._reached["lists"], SLICE)
        rows = connection.cursor(row_factory=dict_row).execute(_LISTS, asked).fetchall()
        if rows:
            self._entries.take([{k: v for k, v in row.items() if k != "seq"} for row in rows])
            self._keep("lists", rows[-1]["seq"])
        return len(rows)

    def memory(self, connection: Timely) -> int:
        """Take a step of changes in, up to ``SLICE``; how many. Raises psycopg.Error."""
        if self._writer.waiting > _FULL:
            return SLICE
        asked = (self._origin, self._reached["memory"], SLICE)
        rows = connection.execute(_MEMORY, asked).fetchall()
        for kind, key, value, expires, due, written, _ in rows:
            if value is None or not self._outbox.heard(kind, key, written):
                continue
            later = due + self._takeover if due is not None else None
            self._memory.keep(kind, key, value, expires if value else 0.0, later)
        if rows:
            self._keep("memory", rows[-1][-1])
        return len(rows)

    def news(self, connection: Timely) -> list[Record | Late]:
        """What others told since this or ``skip_news`` was called. Raises psycopg.Error."""
        if self._news is None:
            self.skip_news(connection)
        assert self._news is not None
        told, late = self._news
        records = connection.execute(_RECORDS, (told, self._name, NEWS)).fetchall()
        findings = connection.execute(_LATE, (late, self._name, NEWS)).fetchall()
        self._news = (records[-1][0] if records else told, findings[-1][0] if findings else late)
        news: list[Record | Late] = [_decode_record(record) for _, record in records]
        for _, about, finding, session in findings:
            news.append(Late(id=session, about=about, findings=(_decode_finding(finding),)))
        return news

    def skip_news(self, connection: Timely) -> None:
        """Nobody watches: who begins to hears what is told from now on. Raises psycopg.Error."""
        last = connection.execute(_LAST).fetchone()
        assert last is not None
        self._news = last[0], last[1]

    def _keep(self, what: str, reached: int) -> None:
        self._reached[what] = reached
        # Behind what it is about, in the queue that is written in order.
        self._writer.put((f"heard.{what}", str(reached)), _REACHED)
