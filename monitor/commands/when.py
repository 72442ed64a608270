"""A moment, as it is written on the command line."""

from __future__ import annotations

from datetime import datetime

from monitor.commands.lists import duration

__all__ = ["moment_of"]


def moment_of(text: str, now: float) -> float:
    """Epoch seconds of an RFC 3339 time, or of an age such as 7d. Raises ConfigError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return now - duration(text)
    return moment.astimezone().timestamp()
