"""Who hears what: decided once for each type of event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from monitor import events as ev

Kinds = tuple[type[ev.Event], ...]
ALL: Kinds = (ev.Event,)
_Who = TypeVar("_Who")


def hears(who: object) -> Kinds:
    """The events that a discipline or consumer wants: its ``hears``, or else every event."""
    kinds: Kinds = getattr(who, "hears", ALL)
    return kinds


class Hearers(dict[type[ev.Event], tuple[_Who, ...]]):
    """Who hears the events of a type, in order; looked up at the first event of each."""

    def __init__(self, everyone: Iterable[tuple[_Who, Kinds]]) -> None:
        super().__init__()
        self._everyone = tuple(everyone)

    def __missing__(self, kind: type[ev.Event]) -> tuple[_Who, ...]:
        self[kind] = tuple(who for who, kinds in self._everyone if issubclass(kind, kinds))
        return self[kind]
