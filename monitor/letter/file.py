"""A letter in a file."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.insight.questions import Written

__all__ = ["FORMS", "form", "save"]

FORMS = {"text": ".txt", "markdown": ".md", "eml": ".eml"}


def form(written: Written, name: str) -> bytes:
    """One of ``FORMS``."""
    match name:
        case "eml":
            return written.draft
        case "markdown":
            return written.markdown.encode()
    return written.text.encode()


def save(path: Path, content: bytes) -> None:
    """Write a new file for its owner alone: it may name people. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
