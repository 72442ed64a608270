"""Text of a capture is made safe to show again: a file may come from a stranger.

What mxtap wrote is printable already and passes as it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from monitor.text import printable

S = TypeVar("S", bound=msgspec.Struct)


def safe(event: S) -> S:
    """``event`` with what cannot be shown in any text of it as visible escapes."""
    changed = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if (made := _safe(value)) is not value:
            changed[name] = made
    return msgspec.structs.replace(event, **changed) if changed else event


def _safe(value: Any) -> Any:
    """``value`` itself where nothing is wrong with it."""
    match value:
        case str():
            return value if value.isprintable() else printable(value)
        case tuple() | list():
            made = [_safe(item) for item in value]
            same = all(new is old for new, old in zip(made, value, strict=True))
            return value if same else type(value)(made)
        case dict():
            pairs = {_safe(key): _safe(item) for key, item in value.items()}
            same = all(new is old for new, old in zip(pairs.values(), value.values(), strict=False))
            return value if same and pairs.keys() == value.keys() else pairs
        case msgspec.Struct():
            return safe(value)
        case _:
            return value
