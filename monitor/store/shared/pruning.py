"""What is past goes from the shared database, a step at a time, by one relay at a time."""

from __future__ import annotations

from monitor.store.memory import KINDS
from monitor.store.shared.connection import Timely
from monitor.store.shared.schema import PRUNING

STEP = 2_000  # rows
SLACK = 300.0  # seconds that the clocks of relays may differ

_EXPIRED = (
    "DELETE FROM memory WHERE (kind, key) IN "
    "(SELECT kind, key FROM memory WHERE kind = %s AND expires < %s LIMIT %s)"
)
_ABOVE = (
    "DELETE FROM memory WHERE (kind, key) IN (SELECT kind, key FROM memory WHERE kind = %s "
    "ORDER BY expires DESC OFFSET %s LIMIT %s)"
)
_HISTORY = (
    "WITH past AS (SELECT n, id FROM transactions WHERE ended < %(before)s LIMIT %(step)s), "
    "a AS (DELETE FROM late_findings WHERE transaction_id IN (SELECT id FROM past)), "
    "b AS (DELETE FROM records WHERE n IN (SELECT n FROM past)) "
    "DELETE FROM transactions WHERE n IN (SELECT n FROM past)"
)
_TRANSCRIPTS = (
    "DELETE FROM transcripts WHERE session IN "
    "(SELECT session FROM transcripts WHERE ended < %(before)s LIMIT %(step)s)"
)


def prune(connection: Timely, now: float, keep: float, remembered: int) -> None:
    """Remove what expired by ``now``, epoch seconds, and what ended more than ``keep`` s ago.

    ``keep`` 0 is for ever; of each kind of memory ``remembered`` values stay. Raises psycopg.Error.
    """
    with connection.transaction():
        only = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (PRUNING,)).fetchone()
        if not only or not only[0]:
            return
        for (kind,) in connection.execute(KINDS.encode()).fetchall():
            connection.execute(_EXPIRED, (kind, now - SLACK, STEP))
            connection.execute(_ABOVE, (kind, remembered, STEP))
        if keep:
            before = {"before": now - keep, "step": STEP}
            connection.execute(_HISTORY, before)
            connection.execute(_TRANSCRIPTS, before)
