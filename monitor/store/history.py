"""History: what is written of a record, and how it is read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, select, tuple_

from monitor import events as ev
from monitor.filter import ip_key
from monitor.filter.order import Order, Place
from monitor.record import Late, Record
from monitor.store.models import LateRow, RecordRow, TransactionRow, TranscriptRow
from monitor.store.transcript import Packer, unpacked
from monitor.store.writer import Row, Statement, Writer

_TRANSACTIONS: Any = TransactionRow.__table__  # type: ignore[attr-defined]
_RECORDS: Any = RecordRow.__table__  # type: ignore[attr-defined]
_LATE: Any = LateRow.__table__  # type: ignore[attr-defined]
_TRANSCRIPTS: Any = TranscriptRow.__table__  # type: ignore[attr-defined]
_T = _TRANSACTIONS.c

_PRUNE_STEP = 500  # rows a step, so that the mail's own writes are never kept waiting

_KEYS: dict[Order, tuple[Any, ...]] = {
    "ended": (_T.ended,),
    "severity": (_T.worst, _T.ended),
    "code": (_T.code, _T.ended),
    "ip": (_T.ip_key, _T.ended),
}

_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_finding = msgspec.json.Decoder(ev.Finding).decode


class Past:
    """Ended transactions and their transcripts, to read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def connect(self) -> Connection:
        """A connection to read history by."""
        return self._engine.connect()

    def slice(
        self,
        order: Order,
        backward: bool,
        past: Place | None,
        size: int,
        where: Iterable[Any] = (),
        limit: int | None = None,
    ) -> tuple[list[Record], Place | None]:
        """Of the ``size`` records behind ``past``, up to ``limit`` that every clause picks.

        And the place to go on from: None where history ends. ``backward`` is from the greatest
        to the least.
        """
        keys = (*_KEYS[order], _T.n)
        by = [key.desc() if backward else key.asc() for key in keys]
        clauses = [_beyond(keys, past, backward)] if past else []
        edge = select(*keys).where(*clauses).order_by(*by).offset(size - 1).limit(1)
        query = select(*keys, _T.id, _RECORDS.c.record).join(_RECORDS, _RECORDS.c.n == _T.n)
        with self._engine.connect() as connection:
            found = connection.execute(edge).one_or_none()
            reached = _place(found) if found else None
            if reached:
                clauses.append(_beyond(keys, reached, not backward, or_at=True))
            query = query.where(*clauses, *where).order_by(*by).limit(limit)
            rows = connection.execute(query).all()
            late = self._late(connection, [row.id for row in rows])
        records = [_with(_decode_record(row.record), late.get(row.id, ())) for row in rows]
        return records, _place(rows[-1][: len(keys)]) if len(rows) == limit else reached

    def _late(self, connection: Any, ids: list[str]) -> dict[str, list[ev.Finding]]:
        found: dict[str, list[ev.Finding]] = {}
        for start in range(0, len(ids), 500):
            query = select(_LATE.c.transaction_id, _LATE.c.finding).where(
                _LATE.c.transaction_id.in_(ids[start : start + 500])
            )
            for about, blob in connection.execute(query):
                found.setdefault(about, []).append(_decode_finding(blob))
        return found

    def transcript(self, session: str) -> list[ev.AnyEvent]:
        """The events of an ended session; empty when they are not kept."""
        query = select(_TRANSCRIPTS.c.events).where(_TRANSCRIPTS.c.session == session)
        with self._engine.connect() as connection:
            blob = connection.execute(query).scalar()
        return unpacked(blob) if blob else []


class History(Past):
    """The same, written too: behind, in batches."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        super().__init__(engine)
        self._writer = writer
        self._pack = Packer()
        self._add_transcript = Statement(
            "INSERT OR REPLACE INTO transcripts (session, ended, events) VALUES {}",
            self._transcript_row,
            3,
        )

    def add(self, record: Record) -> None:
        """Keep one record, soon."""
        self._writer.put(record, _ADD_TRANSACTION, _ADD_RECORD)

    def add_late(self, late: Late) -> None:
        """Keep findings that came after their record."""
        for found in late.findings:
            self._writer.put((late.about, found), _ADD_LATE, _MENTION_LATE)

    def add_transcript(self, session: str, ended: float, events: Sequence[ev.AnyEvent]) -> None:
        """Keep a session's events."""
        self._writer.put((session, ended, events), self._add_transcript)

    def _transcript_row(self, ended: tuple[str, float, Sequence[ev.AnyEvent]]) -> Row:
        session, at, events = ended
        return session, at, self._pack(events)

    def prune(self, before: float) -> int:
        """Forget a step's worth of what ended before ``before``; 0 where nothing was left."""
        ids = select(_T.n, _T.id).where(_T.ended < before).limit(_PRUNE_STEP)
        old = select(_TRANSCRIPTS.c.session).where(_TRANSCRIPTS.c.ended < before)
        with self._engine.begin() as connection:
            gone = connection.execute(ids).all()
            numbers = [row.n for row in gone]
            late = _LATE.c.transaction_id.in_([row.id for row in gone])
            connection.execute(delete(_LATE).where(late))
            connection.execute(delete(_RECORDS).where(_RECORDS.c.n.in_(numbers)))
            connection.execute(delete(_TRANSACTIONS).where(_T.n.in_(numbers)))
            step = old.limit(_PRUNE_STEP).scalar_subquery()
            sessions = delete(_TRANSCRIPTS).where(_TRANSCRIPTS.c.session.in_(step))
            return max(len(gone), connection.execute(sessions).rowcount)


def _place(keys: Any) -> Place:
    """From the keys of an order: what it goes by first, the time and the number last."""
    *_, ended, n = keys
    return Place(keys[0], ended, n)


def _beyond(keys: tuple[Any, ...], at: Place, backward: bool, *, or_at: bool = False) -> Any:
    """What comes behind a place, going ``backward`` or forward; with ``or_at`` what is there."""
    values = (at.value, at.ended, at.n)[-len(keys) :]
    if at.n is None:
        keys, values = keys[:-1], values[:-1]
    left, right = tuple_(*keys), tuple_(*values)
    if backward:
        return left <= right if or_at else left < right
    return left >= right if or_at else left > right


def _with(record: Record, late: Iterable[ev.Finding]) -> Record:
    more = tuple(late)
    return msgspec.structs.replace(record, findings=record.findings + more) if more else record


_ip_key = lru_cache(maxsize=1_000)(ip_key)  # who sends one message often sends more
_RANKS = {severity: rank for rank, severity in enumerate(ev.SEVERITIES)}

COLUMNS = tuple(column.name for column in _TRANSACTIONS.columns if column.name != "n")


def transaction_row(record: Record) -> Row:
    """What filters and orders ask of a record, as :data:`COLUMNS`."""
    client, message, verdict, tls = record.client, record.message, record.verdict, record.client.tls
    findings = record.findings
    return (
        record.id,
        record.session,
        record.started.timestamp(),
        record.ended.timestamp(),
        client.ip,
        _ip_key(client.ip),
        client.helo,
        client.name,
        record.mail_from,
        _lines([rcpt.address for rcpt in record.rcpts]),
        message.from_ if message else None,
        message.subject if message else None,
        message.message_id if message else None,
        message.size if message else None,
        verdict.code,
        verdict.reply,
        verdict.phase,
        verdict.by,
        tls.protocol if tls else None,
        tls.cipher if tls else None,
        _lines([found.code for found in findings]),
        max([_RANKS[found.severity] for found in findings], default=-1),
        record.relay,
    )


def _lines(texts: Iterable[str]) -> str:
    """Texts with a newline on either side of each; what came from outside has none in it."""
    return "\n".join(["", *texts, ""])


def _late_row(late: tuple[str, ev.Finding]) -> Row:
    about, found = late
    return about, _encode(found)


def _mention_row(late: tuple[str, ev.Finding]) -> Row:
    about, found = late
    return _RANKS[found.severity], f"{found.code}\n", about


_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_ADD_TRANSACTION = Statement(
    f"INSERT OR IGNORE INTO transactions ({_NAMES}) VALUES {{}}", transaction_row, len(COLUMNS)
)
_ADD_RECORD = Statement(
    "INSERT OR IGNORE INTO records SELECT n, column2 "
    "FROM (VALUES {}) CROSS JOIN transactions ON id = column1",
    lambda record: (record.id, _encode(record)),
    2,
)
_ADD_LATE = Statement(
    "INSERT INTO late_findings (transaction_id, finding) VALUES (?, ?)", _late_row
)
_MENTION_LATE = Statement(
    "UPDATE transactions SET worst = max(worst, ?), codes = codes || ? WHERE id = ?",
    _mention_row,
    late=True,
)
