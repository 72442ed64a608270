"""The log, on standard error: text lines, or one JSON object a line.

What clients said may be in a message or in the text of an exception, so every line goes
through :func:`monitor.text.printable`, and a line in the text form begins at the margin only
where a record begins: nobody can forge one. Lengths are bounded. Message bodies and what
clients authenticate with are never given to the log; libraries are heard from warnings on
only, since some tell what they read at lower levels.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

import msgspec

from monitor.config import Log
from monitor.text import printable

MAX_MESSAGE = 2_000  # characters
MAX_TRACE = 100  # lines of an exception, the last ones
INDENT = "    "

# sd-daemon(3): what the journal takes for the priority of a line.
_PRIORITY = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


def start(settings: Log, stream: TextIO | None = None) -> None:
    """Log to ``stream`` (standard error) from now on, as ``settings`` say."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    journal = _is_journal(stream, os.environ)
    handler.setFormatter(Json() if settings.format == "json" else Text(journal=journal))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("monitor").setLevel(settings.level.upper())


class Text(logging.Formatter):
    """``TIME LEVEL logger: message``; for the journal, which has the time, its priority instead."""

    def __init__(self, *, journal: bool = False) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record, those after the first indented."""
        mark = f"<{_PRIORITY.get(record.levelname, 6)}>" if self._journal else ""
        when = "" if self._journal else f"{_time(record)} "
        first = f"{when}{record.levelname} {record.name}: {_message(record)}"
        return "\n".join([mark + first, *(mark + INDENT + line for line in _trace(record))])


class Json(logging.Formatter):
    """One object: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        told = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if trace := _trace(record):
            told["exception"] = "\n".join(trace)
        return msgspec.json.encode(told).decode()


def _message(record: logging.LogRecord) -> str:
    return printable(record.getMessage(), MAX_MESSAGE)


def _trace(record: logging.LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[0] is None:
        return []
    lines = logging.Formatter().formatException(record.exc_info).splitlines()
    return [printable(line, MAX_MESSAGE) for line in lines[-MAX_TRACE:]]


def _time(record: logging.LogRecord) -> str:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{at}.{int(record.msecs):03d}Z"


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True where systemd tells that ``stream`` is the journal (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
