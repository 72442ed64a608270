"""Who hears what: decided once for each type of event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isroutine
from typing import Any

from monitor import events as ev

Kinds = tuple[type[ev.Event], ...]
Calls = tuple[Callable[..., Any], ...]


class Hearers(dict[type[ev.Event], Calls]):
    """The calls that take the events of a type, in order; looked up at the first of each.

    ``hears`` of a discipline or consumer is the types that it wants, or a mapping from each to
    the method that takes it. Who has none takes every event.
    """

    def __init__(self, everyone: Iterable[object]) -> None:
        super().__init__()
        self._everyone = tuple(everyone)

    def __missing__(self, kind: type[ev.Event]) -> Calls:
        found = (_call(who, kind) for who in self._everyone)
        self[kind] = tuple(call for call in found if call is not None)
        return self[kind]


def _call(who: Any, kind: type[ev.Event]) -> Any:
    hears = getattr(who, "hears", (ev.Event,))
    if isinstance(hears, Mapping):
        return hears.get(kind)
    if not issubclass(kind, hears):
        return None
    # An instance's method is looked up here, and not at every call.
    return who if isroutine(who) else who.__call__


def whose(call: object) -> str:
    """The name of who stands behind a call, for the log."""
    who = getattr(call, "__self__", call)
    return getattr(who, "__name__", type(who).__name__)
