"""A filter over history: the same answer as :meth:`Filter.matches`, from the database.

The clause stands in a query over ``transactions``. SQL's third truth value never shows: a
comparison with NULL is not true, and ``NOT`` is put around ``coalesce(…, false)`` only.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    false,
    func,
    not_,
    or_,
    select,
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
    Quantity,
    Text,
    Within,
)
from monitor.filter.parser import Filter
from monitor.filter.pattern import Pattern
from monitor.store.models import FindingRow, RecipientRow, TransactionRow

Clause = ColumnElement[bool]

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
_LAST = "\x7f"  # behind every character of a code
_NUMBERS: dict[Quantity, Any] = {"size": _T.size, "code": _T.code, "severity": _T.worst}


def to_sql(wanted: Filter, now: float) -> Clause:
    """The clause that is true for the transactions that ``wanted`` matches at ``now``."""
    return _clause(wanted.root, now)


def _clause(node: Node, now: float) -> Clause:
    match node:
        case Text():
            return _text(node.field, node.pattern)
        case Id():
            return or_(_T.id == node.value, _T.session == node.value)
        case Number():
            return _compared(_NUMBERS[node.quantity], node.op, node.number)
        case Age():
            return _compared(_T.ended, OPPOSITE[node.op], now - node.seconds)
        case Within():
            return and_(_T.ip_key >= node.low, _T.ip_key <= node.high)
        case Not():
            return not_(func.coalesce(_clause(node.part, now), false()))
        case AllOf():
            return and_(true(), *(_clause(part, now) for part in node.parts))
        case AnyOf():
            return or_(false(), *(_clause(part, now) for part in node.parts))


def _compared(column: Any, op: Any, value: float) -> Clause:
    clause: Clause = COMPARE[op](column, value)
    return clause


def _text(field: Field, pattern: Pattern) -> Clause:
    match field:
        case "finding":
            return _of_rows(_FINDINGS.transaction_id, _code(pattern), bool(pattern.pieces[0]))
        case "to":
            return _of_rows(_RECIPIENTS.transaction_id, _like(_RECIPIENTS.address, pattern), False)
        case _:
            return or_(*(_like(column, pattern) for column in _TEXTS[field]))


def _of_rows(about: Any, holds: Clause, indexed: bool) -> Clause:
    """True for a transaction with a row that ``holds``, found from that row's index or its own."""
    if indexed:
        clause: Clause = _T.id.in_(select(about).where(holds))
        return clause
    return select(about).where(about == _T.id, holds).exists()


def _like(column: Any, pattern: Pattern) -> Clause:
    clause: Clause = _Folded(column).like(pattern.as_like(), escape="/")
    return clause


def _code(pattern: Pattern) -> Clause:
    """Codes are ASCII in lower case, so that their index serves: a family is a range of it."""
    code = _Bytes(_FINDINGS.code)
    first, *rest = pattern.pieces
    if not rest:
        clause: Clause = code == first
        return clause
    return and_(code >= first, code < first + _LAST, _like(_FINDINGS.code, pattern))


class _Folded(FunctionElement[str]):
    """A text with the case of ASCII letters, and of no others, put aside."""

    inherit_cache = True
    type = String()


class _Bytes(FunctionElement[str]):
    """A text that is compared octet by octet, whatever the database's locale."""

    inherit_cache = True
    type = String()


@compiles(_Folded)
def _folded(element: Any, compiler: Any, **given: Any) -> str:
    return f"lower({compiler.process(element.clauses, **given)})"


@compiles(_Folded, "postgresql")
def _folded_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    return f'lower({compiler.process(element.clauses, **given)} COLLATE "C")'


@compiles(_Bytes)
def _bytes(element: Any, compiler: Any, **given: Any) -> str:
    text: str = compiler.process(element.clauses, **given)
    return text


@compiles(_Bytes, "postgresql")
def _bytes_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    return f'{compiler.process(element.clauses, **given)} COLLATE "C"'
