"""Dependencies point one way: each room imports only what stands below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MONITOR = Path(__file__).parent.parent / "monitor"

# From the innermost ring to the outermost; rooms of one line do not know each other, save
# that a room may import itself. ``config``, ``text`` and ``search`` are for all.
RINGS = (
    ("text", "search", "config", "events"),
    ("record",),
    ("findings",),
    ("assembler",),
    ("dns", "policy"),
    ("checks",),
    ("relay",),
    ("store", "filter"),
    ("hub", "insight"),
    ("capture", "control", "daemon"),
    ("workers",),
    ("doctor", "letter"),
    ("health", "study"),
    ("service",),
    ("ui",),
    ("commands", "cli", "demo"),
)
RANK = {room: rank for rank, rooms in enumerate(RINGS) for room in rooms}
# Why a ring is crossed or shared:
MEANT = {
    ("filter", "store"),  # filter/sql.py compiles to the tables; the tables know ip_key only
    ("store", "filter"),
    ("control", "capture"),
    ("capture", "control"),  # a capture is a feed, as the socket is
    ("commands", "cli"),  # options that several commands share
    ("cli", "commands"),
    ("commands", "demo"),
    ("demo", "commands"),
}
SCREEN = ("ui", "demo", "commands")


def _files() -> list[Path]:
    return sorted(MONITOR.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(MONITOR).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "monitor":
                yield from (f"monitor.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(MONITOR)))
def test_a_file_imports_only_what_is_below_it(path: Path) -> None:
    room = _room(path)
    for name in _imports(path):
        below = name.split(".")[1] if name.startswith("monitor.") else ""
        if below not in RANK or below == room or room == "__init__":
            continue
        assert RANK[below] < RANK[room] or (room, below) in MEANT, f"{room} imports {name}"
        assert room not in ("text", "events"), f"{room} imports {name}"


def test_nothing_below_the_screen_imports_textual() -> None:
    guilty = [
        path.name
        for path in _files()
        if _room(path) not in SCREEN and any(n.split(".")[0] == "textual" for n in _imports(path))
    ]
    assert guilty == []
