"""History on its way to the shared database: from our own, as far as it is there already.

How far is a number a table, kept beside the rows and in their transaction: nothing is sent
twice and nothing left out, whatever happens between the two databases.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Engine, func, literal_column, select

from monitor import events as ev
from monitor.store.models import LateRow, RecordRow, TransactionRow, TranscriptRow
from monitor.store.shared.connection import Row, Timely, put_rows

SLICE = 500  # rows at a time, and fewer after a failure: they may be too much for the line
_TRANSACTIONS: Any = TransactionRow.__table__  # type: ignore[attr-defined]
_RECORDS: Any = RecordRow.__table__  # type: ignore[attr-defined]
_LATE: Any = LateRow.__table__  # type: ignore[attr-defined]
_TRANSCRIPTS: Any = TranscriptRow.__table__  # type: ignore[attr-defined]
_ROWID: Any = literal_column("transcripts.rowid")

_FIELDS = [column.name for column in _TRANSACTIONS.columns if column.name != "n"]
# What another relay found about it may be there before it.
_VALUES = {name: f"%({name})s" for name in _FIELDS} | {
    "codes": "%(codes)s || coalesce((SELECT string_agg(line, '' ORDER BY n) FROM late), '')",
    "worst": "greatest(%(worst)s, (SELECT max(severity) FROM late))",
}
ADD_TRANSACTION = (
    "WITH late AS (SELECT n, line, severity FROM late_findings WHERE transaction_id = %(id)s), "
    f"told AS (INSERT INTO transactions ({', '.join(_FIELDS)}) "
    f"VALUES ({', '.join(_VALUES[name] for name in _FIELDS)}) "
    "ON CONFLICT (id) DO NOTHING RETURNING n) INSERT INTO records SELECT n, %(record)s FROM told"
)
_ADD_LATE = (
    "WITH told AS (INSERT INTO late_findings (transaction_id, finding, severity, line) "
    "VALUES (%(about)s, %(finding)s, %(severity)s, %(line)s)) UPDATE transactions "
    "SET worst = greatest(worst, %(severity)s), codes = codes || %(line)s WHERE id = %(about)s"
)
_ADD_TRANSCRIPT = (
    "INSERT INTO transcripts VALUES (%(session)s, %(ended)s, %(events)s) "
    "ON CONFLICT (session) DO UPDATE SET ended = excluded.ended, events = excluded.events"
)
_decode_finding = msgspec.json.Decoder(ev.Finding).decode


class Sending:
    """What of our history the others have, and the next that they get."""

    def __init__(self, engine: Engine, origin: str) -> None:
        self._engine = engine
        self._origin = origin
        self._slice = SLICE
        self.waiting = True  # until nothing more is found
        self.dropped = 0

    def send(self, connection: Timely) -> None:
        """One step of each table, in the caller's transaction. Raises psycopg.Error."""
        query = "SELECT transactions, late_findings, transcripts FROM relays WHERE origin = %s"
        reached = connection.execute(query, (self._origin,)).fetchone()
        assert reached is not None
        self.waiting = False
        size, self._slice = self._slice, max(1, self._slice // 2)
        steps = (self._transactions, self._late, self._transcripts)
        moved = [step(connection, at, size) for step, at in zip(steps, reached, strict=True)]
        connection.execute(
            "UPDATE relays SET transactions = %s, late_findings = %s, transcripts = %s "
            "WHERE origin = %s",
            (*moved, self._origin),
        )
        self._slice = min(SLICE, 2 * size)

    def _transactions(self, connection: Timely, reached: int, size: int) -> int:
        number = _TRANSACTIONS.c.n
        query = select(_TRANSACTIONS, _RECORDS.c.record).join(_RECORDS, _RECORDS.c.n == number)
        found, reached = self._next(_TRANSACTIONS, number, query, reached, size)
        self.dropped += put_rows(connection, ADD_TRANSACTION, found)
        return reached

    def _late(self, connection: Timely, reached: int, size: int) -> int:
        found, reached = self._next(_LATE, _LATE.c.n, select(_LATE), reached, size)
        self.dropped += put_rows(connection, _ADD_LATE, [_late_row(row) for row in found])
        return reached

    def _transcripts(self, connection: Timely, reached: int, size: int) -> int:
        query = select(_TRANSCRIPTS, _ROWID.label("n"))
        found, reached = self._next(_TRANSCRIPTS, _ROWID, query, reached, size)
        self.dropped += put_rows(connection, _ADD_TRANSCRIPT, found)
        return reached

    def _next(
        self, table: Any, number: Any, query: Any, reached: int, size: int
    ) -> tuple[list[Row], int]:
        """Up to ``size`` rows behind ``reached``, and how far they reach."""
        with self._engine.connect() as ours:
            last = ours.execute(select(func.max(number)).select_from(table)).scalar() or 0
            if last < reached:  # all was pruned, and the numbers began anew
                reached = 0
            rows = ours.execute(query.where(number > reached).order_by(number).limit(size))
            found: list[Row] = [dict(row) for row in rows.mappings()]
        self.waiting = self.waiting or len(found) == size
        return found, int(found[-1]["n"]) if found else reached


def _late_row(row: Row) -> Row:
    found = _decode_finding(row["finding"])
    return {
        "about": row["transaction_id"],
        "finding": row["finding"],
        "severity": ev.SEVERITIES.index(found.severity),
        "line": f"{found.code}\n",
    }
