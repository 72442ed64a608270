"""History on its way to the shared database: from our own, as far as it is there already.

How far is a number a table, kept beside the rows and in their transaction: nothing is sent
twice and nothing left out, whatever happens between the two databases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Engine, func, literal_column, select

from monitor import events as ev
from monitor.store.models import LateRow, RecordRow, TransactionRow, TranscriptRow
from monitor.store.shared.connection import Row, Timely, put_rows

SLICE = 500  # rows at a time
_TRANSACTIONS: Any = TransactionRow.__table__  # type: ignore[attr-defined]
_RECORDS: Any = RecordRow.__table__  # type: ignore[attr-defined]
_LATE: Any = LateRow.__table__  # type: ignore[attr-defined]
_TRANSCRIPTS: Any = TranscriptRow.__table__  # type: ignore[attr-defined]
_ROWID: Any = literal_column("transcripts.rowid")

_FIELDS = [column.name for column in _TRANSACTIONS.columns if column.name != "n"]
ADD_TRANSACTION = (
    f"WITH told AS (INSERT INTO transactions ({', '.join(_FIELDS)}) "
    f"VALUES ({', '.join(f'%({name})s' for name in _FIELDS)}) "
    "ON CONFLICT (id) DO NOTHING RETURNING n) INSERT INTO records SELECT n, %(record)s FROM told"
)
_ADD_LATE = (
    "WITH told AS (INSERT INTO late_findings (transaction_id, finding) "
    "VALUES (%(about)s, %(finding)s)) UPDATE transactions "
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
        self.waiting = True  # until nothing more is found
        self.dropped = 0

    def send(self, connection: Timely) -> None:
        """One step of each table, in the caller's transaction. Raises psycopg.Error."""
        query = "SELECT transactions, late_findings, transcripts FROM relays WHERE origin = %s"
        reached = connection.execute(query, (self._origin,)).fetchone()
        assert reached is not None
        self.waiting = False
        steps = (self._transactions, self._late, self._transcripts)
        moved = [step(connection, at) for step, at in zip(steps, reached, strict=True)]
        connection.execute(
            "UPDATE relays SET transactions = %s, late_findings = %s, transcripts = %s "
            "WHERE origin = %s",
            (*moved, self._origin),
        )

    def _transactions(self, connection: Timely, reached: int) -> int:
        number = _TRANSACTIONS.c.n
        query = select(_TRANSACTIONS, _RECORDS.c.record).join(_RECORDS, _RECORDS.c.n == number)
        return self._step(connection, ADD_TRANSACTION, query, number, reached)

    def _late(self, connection: Timely, reached: int) -> int:
        return self._step(connection, _ADD_LATE, select(_LATE), _LATE.c.n, reached, _late_row)

    def _transcripts(self, connection: Timely, reached: int) -> int:
        query = select(_TRANSCRIPTS, _ROWID.label("n"))
        return self._step(connection, _ADD_TRANSCRIPT, query, _ROWID, reached)

    def _step(
        self,
        connection: Timely,
        statement: str,
        query: Any,
        number: Any,
        reached: int,
        as_sent: Callable[[Row], Row] = dict,
    ) -> int:
        with self._engine.connect() as ours:
            greatest = query.with_only_columns(func.max(number), maintain_column_froms=True)
            last = ours.execute(greatest).scalar() or 0
            if last < reached:  # all was pruned, and the numbers began anew
                reached = 0
            rows = ours.execute(query.where(number > reached).order_by(number).limit(SLICE))
            found = [dict(row) for row in rows.mappings()]
        if not found:
            return reached
        self.waiting = self.waiting or len(found) == SLICE
        self.dropped += put_rows(connection, statement, [as_sent(row) for row in found])
        return int(found[-1]["n"])


def _late_row(row: Row) -> Row:
    found = _decode_finding(row["finding"])
    return {
        "about": row["transaction_id"],
        "finding": row["finding"],
        "severity": ev.SEVERITIES.index(found.severity),
        "line": f"{found.code}\n",
    }
