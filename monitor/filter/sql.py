"""A filter over history: the same answer as :meth:`Filter.matches`, from the database.

The clause stands in a query over ``transactions``. SQL's third truth value never shows: a
comparison with NULL is not true, and ``NOT`` is put around ``coalesce(…, false)`` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    false,
    func,
    not_,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from monitor.filter.nodes import (
    COMPARE,
    OPPOSITE,
    Age,
    AllOf,
    AnyOf,
    Field,
    Id,
    Node,
    Not,
    Number,
    Op,
    Quantity,
    Text,
    Within,
)
from monitor.filter.parser import Filter
from monitor.filter.pattern import Pattern
from monitor.store.models import FindingRow, RecipientRow, TransactionRow

Clause = ColumnElement[bool]

SAMPLE = 5_000  # of the newest findings
FREQUENT = 0.005  # share of them from which a code is frequent

_CODES = text(
    "WITH RECURSIVE leap(code) AS ("
    " SELECT min(code) FROM findings UNION ALL"
    " SELECT (SELECT min(code) FROM findings WHERE code > leap.code) FROM leap"
    " WHERE leap.code IS NOT NULL"
    ") SELECT code FROM leap"
)

_T: Any = TransactionRow.__table__.c  # type: ignore[attr-defined]
_FINDINGS: Any = FindingRow.__table__.c  # type: ignore[attr-defined]
_RECIPIENTS: Any = RecipientRow.__table__.c  # type: ignore[attr-defined]

_TEXTS: dict[Field, tuple[Any, ...]] = {
    "ip": (_T.client_ip,),
    "name": (_T.name,),
    "helo": (_T.helo,),
    "from": (_T.mail_from,),
    "author": (_T.author,),
    "subject": (_T.subject,),
    "message-id": (_T.message_id,),
    "reply": (_T.reply,),
    "tls": (_T.tls_protocol, _T.tls_cipher),
    "phase": (_T.phase,),
    "by": (_T.by,),
}
_NUMBERS: dict[Quantity, Any] = {"size": _T.size, "code": _T.code, "severity": _T.worst}


def known_codes(connection: Connection) -> dict[str, float]:
    """Every finding code of the history, with its share of the newest findings.

    A few milliseconds however long the history is: it leaps from code to code in the index.
    """
    newest = select(_FINDINGS.code).order_by(_FINDINGS.n.desc()).limit(SAMPLE).subquery()
    counted = select(newest.c.code, func.count()).group_by(newest.c.code)
    shares = {code: count / SAMPLE for code, count in connection.execute(counted)}
    return {code: shares.get(code, 0.0) for (code,) in connection.execute(_CODES) if code}


def to_sql(wanted: Filter, now: float, codes: Mapping[str, float]) -> Clause:
    """The clause that is true for the transactions that ``wanted`` matches at ``now``.

    ``codes`` are those of :func:`known_codes`: what is rare is looked up in its index, what
    is frequent is tested as the transactions are gone through, newest first.
    """
    return _Writer(now, codes).clause(wanted.root)


class _Writer:
    def __init__(self, now: float, codes: Mapping[str, float]) -> None:
        self._now = now
        self._codes = codes

    def clause(self, node: Node) -> Clause:
        match node:
            case Text():
                return self._text(node.field, node.pattern)
            case Id():
                return or_(_T.id == node.value, _T.session == node.value)
            case Number():
                return _compared(_NUMBERS[node.quantity], node.op, node.number)
            case Age():
                return _compared(_T.ended, OPPOSITE[node.op], self._now - node.seconds)
            case Within():
                return and_(_T.ip_key >= node.low, _T.ip_key <= node.high)
            case Not():
                return not_(func.coalesce(self.clause(node.part), false()))
            case AllOf():
                return and_(true(), *map(self.clause, node.parts))
            case AnyOf():
                return or_(false(), *map(self.clause, node.parts))

    def _text(self, field: Field, pattern: Pattern) -> Clause:
        match field:
            case "finding":
                return self._finding(pattern)
            case "to":
                about = _RECIPIENTS.transaction_id
                holds = _like(_RECIPIENTS.address, pattern)
                return select(about).where(about == _T.id, holds).exists()
            case _:
                return or_(*(_like(column, pattern) for column in _TEXTS[field]))

    def _finding(self, pattern: Pattern) -> Clause:
        codes = [code for code in self._codes if pattern.matches(code)]
        if not codes:
            return false()
        about = _FINDINGS.transaction_id
        if any(self._codes[code] > FREQUENT for code in codes):
            # Folded, so that the planner goes by the transaction and not by the code.
            holds = _Folded(_FINDINGS.code).in_(codes)
            return select(about).where(about == _T.id, holds).exists()
        clause: Clause = _T.id.in_(select(about).where(_FINDINGS.code.in_(codes)))
        return clause


def _compared(column: Any, op: Op, value: float) -> Clause:
    clause: Clause = COMPARE[op](column, value)
    return clause


def _like(column: Any, pattern: Pattern) -> Clause:
    clause: Clause = _Folded(column).like(pattern.as_like(), escape="/")
    return clause


class _Folded(FunctionElement[str]):
    """A text with the case of ASCII letters, and of no others, put aside."""

    inherit_cache = True
    type = String()


@compiles(_Folded)
def _folded(element: Any, compiler: Any, **given: Any) -> str:
    return f"lower({compiler.process(element.clauses, **given)})"


@compiles(_Folded, "postgresql")
def _folded_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    return f'lower({compiler.process(element.clauses, **given)} COLLATE "C")'
