"""The file that rebinds keys, and what is wrong with it.

``keys.toml`` in the user's folder maps a name from :data:`monitor.ui.keymap.KEYS` to one key
or several::

    [keys]
    ban = "B"
    follow = ["f", "space"]

Key names are Textual's: a character, or ``space``, ``enter``, ``ctrl+b``, ``f5``, ``pageup``.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from monitor.ui.keymap import KEYS, SCREENS

__all__ = ["KeysError", "load_keys"]


class KeysError(ValueError):
    """The user's key file is wrong; the text names the file, the line and the entry."""


_BY_NAME = {key.name: key for key in KEYS}
_ENTRY = r"(?m)^[ \t]*(?:keys\s*\.\s*)?[\"']?{}[\"']?\s*="


def load_keys(path: Path) -> dict[str, str]:
    """The keymap of a user's file; empty when there is none. Raises KeysError."""
    try:
        text = path.read_text("utf-8")
        tree = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: is not valid TOML: {error}") from None
    keymap: dict[str, str] = {}
    entries = tree.get("keys", {})
    if not isinstance(entries, dict) or set(tree) - {"keys"}:
        raise KeysError(f"{path}: there is one table in it, [keys]")
    for name, value in entries.items():
        try:
            keymap[name] = _keys(name, value)
        except ValueError as error:
            raise KeysError(f"{path}:{_line(text, name)}: {name}: {error}") from None
    if conflicts := sorted({(_line(text, *names), told) for told, *names in _conflicts(keymap)}):
        told = "; ".join(dict.fromkeys(told for _, told in conflicts))
        raise KeysError(f"{path}:{conflicts[0][0]}: {told}")
    return keymap


def _line(text: str, *names: str) -> int:
    """The line of the first of the entries that stands in the file."""
    found = (re.search(_ENTRY.format(re.escape(name)), text) for name in names)
    return min((text[: each.end()].count("\n") + 1 for each in found if each), default=1)


def _keys(name: str, value: object) -> str:
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, _BY_NAME, 1)
        raise ValueError(f"no such action; did you mean {near[0]}?" if near else "no such action")
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) for k in keys):
        raise ValueError("a key, or a list of keys, is wanted")
    return ",".join(_normal(key) for key in keys)


_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values()) | {"space"}


def _normal(key: str) -> str:
    """One key in Textual's spelling."""
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    if not set(modifiers) <= {"ctrl", "shift", "alt"}:
        raise ValueError(f"{key!r} is not a key")
    if len(base) == 1 and base.isprintable() and base != ",":
        return key
    if base in _NAMED or key in _NAMED or base == "question_mark" or base == "slash":
        return key
    raise ValueError(f"{key!r} is not a key")


def _conflicts(keymap: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Keys that would do two things on one screen: in words, and the names of both."""
    for places in SCREENS.values():
        taken: dict[str, str] = {}
        for key in KEYS:
            if not set(key.where) & set(places):
                continue
            for one in keymap.get(key.name, key.keys).split(","):
                other = taken.setdefault(_LONG.get(one, one), key.name)
                if other != key.name:
                    yield f"{one} is bound to both {other} and {key.name}", other, key.name


_LONG = {"/": "slash", "?": "question_mark", " ": "space"}
