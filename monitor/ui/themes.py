"""Colour themes: ours, and those in the user's folder. One TOML file a theme.

The keys are the fields of :class:`textual.theme.Theme`; ``name`` may be left out, it is
the file's. In ``[variables]`` stand Textual's variables and those of
:data:`monitor.ui.palette.VARIABLES`.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from monitor.ui.palette import VARIABLES

__all__ = ["ThemeError", "load_theme", "load_themes", "our_folder", "user_folder"]

_FIELDS = {field.name: field for field in dataclasses.fields(Theme)}
_COLOURS = {name for name, field in _FIELDS.items() if "str" in str(field.type)} - {
    "name",
    "variables",
}
_HERE = Path(__file__).parent


class ThemeError(ValueError):
    """A theme file is wrong; the text names the file, the line and the key."""


def our_folder() -> Path:
    """The themes that are shipped: beside this file in a wheel, at the top of a checkout."""
    shipped = _HERE / "themes"
    return shipped if shipped.is_dir() else _HERE.parent.parent / "themes"


def user_folder(environ: Mapping[str, str] | None = None) -> Path:
    """``$XDG_CONFIG_HOME/mxtap``: its ``themes`` and its ``keys.toml`` are the user's."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "mxtap"


def load_themes(*folders: Path) -> tuple[list[Theme], list[ThemeError]]:
    """The themes of these folders, a later one in place of an earlier of the same name."""
    themes: dict[str, Theme] = {}
    errors: list[ThemeError] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load_theme(path)
            except ThemeError as error:
                errors.append(error)
            else:
                themes[theme.name] = theme
    return list(themes.values()), errors


def load_theme(path: Path) -> Theme:
    """One theme. Raises ThemeError."""
    try:
        text = path.read_text("utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        raise ThemeError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ThemeError(f"{path}: is not valid TOML: {error}") from None
    for key, value in tree.items():
        if fault := _fault(key, value):
            raise ThemeError(f"{path}:{_line(text, key)}: {key}: {fault}")
    for key, value in tree.get("variables", {}).items():
        if fault := _variable_fault(key, value):
            raise ThemeError(f"{path}:{_line(text, key)}: variables.{key}: {fault}")
    if "primary" not in tree:
        raise ThemeError(f"{path}:1: primary: is missing; it is the one colour a theme must name")
    return Theme(**({"name": path.stem} | tree))


def _fault(key: str, value: Any) -> str:
    """What is wrong with one field, in words; empty when nothing is."""
    if key not in _FIELDS:
        near = difflib.get_close_matches(key, _FIELDS, 1)
        return f"is no field of a theme; did you mean {near[0]}?" if near else "is no such field"
    if key in _COLOURS:
        return _colour_fault(value)
    if key in ("dark", "ansi"):
        return "" if isinstance(value, bool) else "true or false is wanted"
    if key in ("luminosity_spread", "text_alpha"):
        return "" if isinstance(value, int | float) else "a number is wanted"
    if key == "variables":
        return "" if isinstance(value, dict) else "a table is wanted"
    return "" if isinstance(value, str) else "a text is wanted"


def _variable_fault(key: str, value: Any) -> str:
    """The same for a variable: ours are colours, Textual's may be anything."""
    if not isinstance(value, str):
        return "a text is wanted"
    if key in VARIABLES:
        return _colour_fault(value)
    near = difflib.get_close_matches(key, VARIABLES, 1, 0.85)
    return f"is no variable; did you mean {near[0]}?" if near else ""


def _colour_fault(value: Any) -> str:
    if not isinstance(value, str):
        return 'a colour is wanted, such as "#7aa2f7" or "ansi_blue"'
    try:
        Color.parse(value)
    except ColorParseError as error:
        return str(error).partition("\n")[0]
    return ""


def _line(text: str, key: str) -> int:
    pattern = rf"(?m)^[ \t]*(?:\[\s*)?[\"']?{re.escape(key)}[\"']?\s*(?:=|\])"
    found = re.search(pattern, text)
    return text.count("\n", 0, found.start()) + 1 if found else 1
