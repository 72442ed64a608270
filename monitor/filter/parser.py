"""From text to a tree: a small recursive descent, bounded in length and depth."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.filter.errors import FilterError
from monitor.filter.lexer import Token, tokens
from monitor.filter.nodes import ANYWHERE, AllOf, AnyOf, Node, Not, Text
from monitor.filter.terms import TERMS, Value, pattern
from monitor.record import Record

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_TERMS = 64  # a word is ten comparisons, and SQLite nests a thousand


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood. ``text`` is what was typed."""

    text: str
    root: Node

    def matches(self, record: Record, now: float) -> bool:
        """True when ``record`` is wanted; ``now`` (epoch seconds) is for ``age``."""
        return self.root.matches(record, now)


def parse(text: str) -> Filter:
    """The filter that ``text`` describes. Raises FilterError."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"the filter is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    return Filter(text, _Parser(text).whole())


class _Parser:
    def __init__(self, text: str) -> None:
        self._end = len(text)
        self._tokens = list(tokens(text))
        terms = [token for token in self._tokens if token.kind in ("word", "term")]
        if len(terms) > MAX_TERMS:
            raise FilterError(f"there are more than {MAX_TERMS} terms", terms[MAX_TERMS].start)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        if not self._tokens:
            return AllOf(())
        node = self._either()
        if (left := self._peek()) is not None:
            raise FilterError("this parenthesis closes nothing", left.start)
        return node

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: str) -> bool:
        token = self._peek()
        if token is None or token.kind != kind:
            return False
        self._next += 1
        return True

    def _either(self) -> Node:
        parts = [self._together()]
        while self._take("or"):
            parts.append(self._together())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _together(self) -> Node:
        parts = [self._negated()]
        while (token := self._peek()) is not None and token.kind not in ("or", ")"):
            self._take("and")
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _negated(self) -> Node:
        token = self._peek()
        if token is None:
            raise FilterError("a term is missing at the end", self._end)
        if token.kind not in ("not", "("):
            self._next += 1
            return _leaf(token)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(f"nested deeper than {MAX_DEPTH} levels", token.start)
        self._next += 1
        node = Not(self._negated()) if token.kind == "not" else self._group(token)
        self._depth -= 1
        return node

    def _group(self, opening: Token) -> Node:
        node = self._either()
        if not self._take(")"):
            raise FilterError("this parenthesis is not closed", opening.start)
        return node


def _leaf(token: Token) -> Node:
    if token.kind == "word":
        wanted = pattern(Value(":", token.value, token.quoted))
        return AnyOf(tuple(Text(field, wanted) for field in ANYWHERE))
    if token.kind != "term":
        raise FilterError(f"a term is missing before {token.kind}", token.start)
    term = TERMS[token.key]
    if token.op in ("<", "<=", ">", ">=") and not term.ordered:
        raise FilterError(f"{token.key} takes a colon, not {token.op}", token.start)
    try:
        return term.make(Value(token.op, token.value, token.quoted))
    except ValueError as error:
        raise FilterError(f"{token.key} wants {error}", token.value_start) from None
