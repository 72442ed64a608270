"""History: what is written of a record, and how it is read again."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    LargeBinary,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from monitor import events as ev
from monitor.filter import ip_key
from monitor.filter.order import Order, Place
from monitor.record import Late, Record, worst
from monitor.store.models import LateRow, RecordRow, TransactionRow, TranscriptRow
from monitor.store.writer import Writer

_TRANSACTIONS: Any = TransactionRow.__table__  # type: ignore[attr-defined]
_RECORDS: Any = RecordRow.__table__  # type: ignore[attr-defined]
_LATE: Any = LateRow.__table__  # type: ignore[attr-defined]
_TRANSCRIPTS: Any = TranscriptRow.__table__  # type: ignore[attr-defined]
_T = _TRANSACTIONS.c

_ADD_TRANSACTION = insert(_TRANSACTIONS).prefix_with("OR IGNORE")
_ADD_RECORD = (
    insert(_RECORDS)
    .prefix_with("OR IGNORE")
    .from_select(
        ["n", "record"],
        select(_T.n, bindparam("record", type_=LargeBinary)).where(_T.id == bindparam("of")),
    )
)
_ADD_LATE = insert(_LATE)
_ADD_TRANSCRIPT = insert(_TRANSCRIPTS).prefix_with("OR REPLACE")
_MENTION_LATE = (
    update(_TRANSACTIONS)
    .where(_T.id == bindparam("about"))
    .values(worst=func.max(_T.worst, bindparam("severity")), codes=_T.codes + bindparam("line"))
)
_PRUNE_STEP = 500  # rows a step, so that the mail's own writes are never kept waiting

_KEYS: dict[Order, tuple[Any, ...]] = {
    "ended": (_T.ended,),
    "severity": (_T.worst, _T.ended),
    "code": (_T.code, _T.ended),
    "ip": (_T.ip_key, _T.ended),
}

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
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
        return [ev.decode(line) for line in zlib.decompress(blob).splitlines()] if blob else []


class History(Past):
    """The same, written too: behind, in batches."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        super().__init__(engine)
        self._writer = writer

    def add(self, record: Record) -> None:
        """Keep one record, soon."""
        self._writer.put(_ADD_TRANSACTION, transaction_row(record))
        self._writer.put(_ADD_RECORD, {"of": record.id, "record": _encode(record)})

    def add_late(self, late: Late) -> None:
        """Keep findings that came after their record."""
        for found in late.findings:
            values = {"transaction_id": late.about, "finding": _encode(found)}
            self._writer.put(_ADD_LATE, values)
            severity = ev.SEVERITIES.index(found.severity)
            mention = {"about": late.about, "severity": severity, "line": f"{found.code}\n"}
            self._writer.put(_MENTION_LATE, mention)

    def add_transcript(self, session: str, ended: float, events: Sequence[ev.AnyEvent]) -> None:
        """Keep a session's events."""

        def row() -> dict[str, Any]:
            blob = zlib.compress(_encode_lines(events), 1)
            return {"session": session, "ended": ended, "events": blob}

        self._writer.put(_ADD_TRANSCRIPT, row)

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


def transaction_row(record: Record) -> dict[str, Any]:
    """What filters and orders ask of a record, as columns."""
    message, verdict, tls = record.message, record.verdict, record.client.tls
    severity = worst(record.findings)
    return {
        "id": record.id,
        "session": record.session,
        "started": record.started.timestamp(),
        "ended": record.ended.timestamp(),
        "client_ip": record.client.ip,
        "ip_key": ip_key(record.client.ip),
        "helo": record.client.helo,
        "name": record.client.name,
        "mail_from": record.mail_from,
        "rcpts": _lines(rcpt.address for rcpt in record.rcpts),
        "author": message.from_ if message else None,
        "subject": message.subject if message else None,
        "message_id": message.message_id if message else None,
        "size": message.size if message else None,
        "code": verdict.code,
        "reply": verdict.reply,
        "phase": verdict.phase,
        "by": verdict.by,
        "tls_protocol": tls.protocol if tls else None,
        "tls_cipher": tls.cipher if tls else None,
        "codes": _lines(found.code for found in record.findings),
        "worst": ev.SEVERITIES.index(severity) if severity else -1,
        "relay": record.relay,
    }


def _lines(texts: Iterable[str]) -> str:
    """Texts with a newline on either side of each; what came from outside has none in it."""
    return "\n" + "".join(f"{text}\n" for text in texts)
