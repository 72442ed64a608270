"""A filter over history: the same answer as :meth:`Filter.matches`, from the database.

The clause stands in a query over ``transactions``, and reads no other table. SQL's third truth
value never shows: a comparison with NULL is not true, and ``NOT`` is put around
``coalesce(…, false)`` only.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, false, func, literal, not_, or_, true
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
from monitor.store.models import TransactionRow

Clause = ColumnElement[bool]

_T: Any = TransactionRow.__table__.c  # type: ignore[attr-defined]

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
    "relay": (_T.relay,),
}
_LINES: dict[Field, Any] = {"to": _T.rcpts, "finding": _T.codes}  # a text a line
_NUMBERS: dict[Quantity, Any] = {"size": _T.size, "code": _T.code, "severity": _T.worst}


def to_sql(wanted: Filter, now: float) -> Clause:
    """The clause that is true for the transactions that ``wanted`` matches at ``now``."""
    return _clause(wanted.root, now)


def _clause(node: Node, now: float) -> Clause:
    match node:
        case Text(field, pattern) if field in _LINES:
            return _on_a_line(_LINES[field], pattern)
        case Text(field, pattern):
            return or_(*(_Like(column, literal(pattern.as_like())) for column in _TEXTS[field]))
        case Id(value):
            return or_(_T.id == value, _T.session == value)
        case Number(quantity, op, number):
            return _compared(_NUMBERS[quantity], op, number)
        case Age(op, seconds):
            return _compared(_T.ended, OPPOSITE[op], now - seconds)
        case Within(low, high):
            return and_(_T.ip_key >= low, _T.ip_key <= high)
        case Not(part):
            return not_(func.coalesce(_clause(part, now), false()))
        case AllOf(parts):
            return and_(true(), *(_clause(part, now) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_clause(part, now) for part in parts))


def _compared(column: Any, op: Op, value: float) -> Clause:
    clause: Clause = COMPARE[op](column, value)
    return clause


def _on_a_line(column: Any, pattern: Pattern) -> Clause:
    """True where one of the lines of ``column`` is of this pattern."""
    first, *rest = pattern.pieces
    some = [piece for piece in pattern.pieces if piece]
    if not first and rest and not rest[-1] and some:
        like = Pattern(("", *some, ""))  # anywhere: a line begins before it and ends behind it
    else:
        like = (
            Pattern(("", f"\n{first}", *rest[:-1], f"{rest[-1]}\n", ""))
            if rest
            else Pattern(("", f"\n{first}\n", ""))
        )
    near = _Like(column, literal(like.as_like()))
    if len(some) < 2:
        return near
    # The pieces may be found on different lines.
    *middle, last = map(re.escape, rest)
    start, end = f"\n{re.escape(first)}", f"[^\n]*{last}\n"
    linear = start + "".join(f"(?>[^\n]*?{piece})" for piece in middle) + end
    plain = start + "".join(f"[^\n]*{piece}" for piece in middle) + end
    return and_(near, _Matches(column, literal(linear), literal(plain)))


class _Like(FunctionElement[bool]):
    """A text is like a folded pattern: the case of ASCII letters, and of no others, put aside."""

    inherit_cache = True
    type = Boolean()


@compiles(_Like)
def _like(element: Any, compiler: Any, **given: Any) -> str:
    column, pattern = (compiler.process(clause, **given) for clause in element.clauses)
    return f"{column} LIKE {pattern} ESCAPE '/'"


@compiles(_Like, "postgresql")
def _like_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    column, pattern = (compiler.process(clause, **given) for clause in element.clauses)
    return f"lower({column} COLLATE \"C\") LIKE {pattern} ESCAPE '/'"


class _Matches(FunctionElement[bool]):
    """A regular expression is found in a folded text.

    It comes twice. Python's engine, which is SQLite's here, needs atomic groups to be linear;
    PostgreSQL's is so without them, and does not know them.
    """

    inherit_cache = True
    type = Boolean()


@compiles(_Matches)
def _matches(element: Any, compiler: Any, **given: Any) -> str:
    column, linear, _ = element.clauses
    return f"lower({compiler.process(column, **given)}) REGEXP {compiler.process(linear, **given)}"


@compiles(_Matches, "postgresql")
def _matches_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    column, _, plain = element.clauses
    folded = f'lower({compiler.process(column, **given)} COLLATE "C")'
    return f"{folded} ~ {compiler.process(plain, **given)}"
