"""History: what is written of a record, and how it is read again."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from monitor import events as ev
from monitor.filter import ip_key
from monitor.record import Late, Record, worst
from monitor.store.models import FindingRow, RecipientRow, TransactionRow, TranscriptRow
from monitor.store.writer import Writer

_TRANSACTIONS: Any = TransactionRow.__table__  # type: ignore[attr-defined]
_RECIPIENTS: Any = RecipientRow.__table__  # type: ignore[attr-defined]
_FINDINGS: Any = FindingRow.__table__  # type: ignore[attr-defined]
_TRANSCRIPTS: Any = TranscriptRow.__table__  # type: ignore[attr-defined]

_ADD_TRANSACTION = insert(_TRANSACTIONS).prefix_with("OR IGNORE")
_ADD_RECIPIENT = insert(_RECIPIENTS)
_ADD_FINDING = insert(_FINDINGS)
_ADD_TRANSCRIPT = insert(_TRANSCRIPTS).prefix_with("OR REPLACE")
_RAISE_WORST = (
    update(_TRANSACTIONS)
    .where(_TRANSACTIONS.c.id == bindparam("about"))
    .values(worst=func.max(_TRANSACTIONS.c.worst, bindparam("severity")))
)
_PRUNE_STEP = 500  # rows a step, so that the mail's own writes are never kept waiting

_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_finding = msgspec.json.Decoder(ev.Finding).decode


class History:
    """Ended transactions and their transcripts."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def connect(self) -> Connection:
        """A connection to read history by."""
        return self._engine.connect()

    def add(self, record: Record) -> None:
        """Keep one record, soon."""
        self._writer.put(_ADD_TRANSACTION, _row(record))
        for rcpt in record.rcpts:
            values = {"transaction_id": record.id, "address": rcpt.address}
            self._writer.put(_ADD_RECIPIENT, values)
        for found in record.findings:
            self._writer.put(_ADD_FINDING, _finding_row(record.id, found, None))

    def add_late(self, late: Late) -> None:
        """Keep findings that came after their record."""
        for found in late.findings:
            severity = ev.SEVERITIES.index(found.severity)
            self._writer.put(_ADD_FINDING, _finding_row(late.about, found, _encode(found)))
            self._writer.put(_RAISE_WORST, {"about": late.about, "severity": severity})

    def add_transcript(self, session: str, ended: float, lines: list[bytes]) -> None:
        """Keep a session's events."""
        blob = zlib.compress(b"\n".join(lines), 1)
        self._writer.put(_ADD_TRANSCRIPT, {"session": session, "ended": ended, "events": blob})

    def records(
        self,
        limit: int,
        before: float | None = None,
        since: float | None = None,
        where: Any = None,
    ) -> list[Record]:
        """The newest ``limit`` records, newest first, that ended in the given span."""
        query = select(_TRANSACTIONS.c.id, _TRANSACTIONS.c.record)
        if before is not None:
            query = query.where(_TRANSACTIONS.c.ended < before)
        if since is not None:
            query = query.where(_TRANSACTIONS.c.ended >= since)
        if where is not None:
            query = query.where(where)
        order = (_TRANSACTIONS.c.ended.desc(), _TRANSACTIONS.c.n.desc())
        query = query.order_by(*order).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            late = self._late(connection, [row[0] for row in rows])
        return [_with(_decode_record(blob), late.get(id_, ())) for id_, blob in rows]

    def _late(self, connection: Any, ids: list[str]) -> dict[str, list[ev.Finding]]:
        found: dict[str, list[ev.Finding]] = {}
        for start in range(0, len(ids), 500):
            query = select(_FINDINGS.c.transaction_id, _FINDINGS.c.late).where(
                _FINDINGS.c.transaction_id.in_(ids[start : start + 500]),
                _FINDINGS.c.late.is_not(None),
            )
            for about, blob in connection.execute(query):
                found.setdefault(about, []).append(_decode_finding(blob))
        return found

    def transcript(self, session: str) -> list[ev.AnyEvent]:
        """The events of an ended session; empty when they are not kept."""
        query = select(_TRANSCRIPTS.c.events).where(_TRANSCRIPTS.c.session == session)
        with self._engine.connect() as connection:
            blob = connection.execute(query).scalar()
        return [ev.decode(line) for line in zlib.decompress(blob).split(b"\n")] if blob else []

    def prune(self, before: float) -> int:
        """Forget a step's worth of what ended before ``before``; how many rows that were."""
        ids = select(_TRANSACTIONS.c.id).where(_TRANSACTIONS.c.ended < before).limit(_PRUNE_STEP)
        old = select(_TRANSCRIPTS.c.session).where(_TRANSCRIPTS.c.ended < before)
        with self._engine.begin() as connection:
            gone = [row[0] for row in connection.execute(ids)]
            for table in (_RECIPIENTS, _FINDINGS):
                connection.execute(delete(table).where(table.c.transaction_id.in_(gone)))
            connection.execute(delete(_TRANSACTIONS).where(_TRANSACTIONS.c.id.in_(gone)))
            step = old.limit(_PRUNE_STEP).scalar_subquery()
            connection.execute(delete(_TRANSCRIPTS).where(_TRANSCRIPTS.c.session.in_(step)))
        return len(gone)


def _with(record: Record, late: Iterable[ev.Finding]) -> Record:
    more = tuple(late)
    return msgspec.structs.replace(record, findings=record.findings + more) if more else record


def _row(record: Record) -> dict[str, Any]:
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
        "worst": ev.SEVERITIES.index(severity) if severity else -1,
        "record": _encode(record),
    }


def _finding_row(about: str, found: ev.Finding, late: bytes | None) -> dict[str, Any]:
    severity = ev.SEVERITIES.index(found.severity)
    return {"transaction_id": about, "code": found.code, "severity": severity, "late": late}
