"""Filters of before, and those that have a name: a file in the user's state folder.

Two screens may share it: every change begins with what the file says by then.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from monitor.filter import MAX_LENGTH
from monitor.filter.saved import is_name

__all__ = ["PAST", "SAVED", "Filters", "FiltersError", "state_folder"]

PAST = 100  # filters of before that are kept
SAVED = 200  # filters with a name
_MAX_FILE = 1 << 20  # bytes


class FiltersError(Exception):
    """The file cannot be used; from now on filters are kept until the screen closes."""


class _File(msgspec.Struct):
    past: list[str] = []
    saved: dict[str, str] = {}


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """``$XDG_STATE_HOME/mxtap``: what the screen remembers for this user."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "mxtap"


class Filters:
    """``past``, the newest last, and ``saved`` by name. Without ``path`` nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        self.past: list[str] = []
        self.saved: dict[str, str] = {}
        self._path = path

    def load(self) -> None:
        """Read the file, if there is one. Raises FiltersError."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                read = msgspec.json.decode(file.read(_MAX_FILE), type=_File)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._unusable(error) from None
        self.past = [text for text in read.past if _fits(text)][-PAST:]
        named = ((n, t) for n, t in sorted(read.saved.items()) if is_name(n) and _fits(t))
        self.saved = dict(list(named)[:SAVED])

    def remember(self, text: str) -> None:
        """Keep a filter that was entered. Raises FiltersError."""
        if not _fits(text):
            return
        self.load()
        self.past = [*(past for past in self.past if past != text), text][-PAST:]
        self._write()

    def save(self, name: str, text: str) -> None:
        """Keep a filter under a name, in place of one that had it. Raises ValueError where
        that is no name or there are too many, FiltersError."""
        if not is_name(name):
            raise ValueError("a name is 1 to 32 letters, digits, or _ . -")
        self.load()
        if len(self.saved) >= SAVED and name not in self.saved:
            raise ValueError(f"{SAVED} filters are saved already; x forgets one")
        self.saved = dict(sorted({**self.saved, name: text}.items()))
        self._write()

    def forget(self, name: str, text: str) -> None:
        """Forget the filter of this name; without a name, one of before. Raises FiltersError."""
        self.load()
        if name:
            self.saved.pop(name, None)
        else:
            self.past = [past for past in self.past if past != text]
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=self._path.parent)  # with mode 0600
            try:
                with open(handle, "wb") as file:
                    file.write(msgspec.json.encode(_File(self.past, self.saved)))
                os.replace(made, self._path)
            except OSError:
                with suppress(OSError):
                    os.unlink(made)
                raise
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> FiltersError:
        path, self._path = self._path, None
        why = error.strerror if isinstance(error, OSError) else str(error)
        return FiltersError(f"{path}: {why}; filters are not kept beyond this screen")


def _fits(text: str) -> bool:
    return 0 < len(text) <= MAX_LENGTH and text.isprintable()
