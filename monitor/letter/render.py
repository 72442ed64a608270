"""A letter as text for a terminal or a mail, and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from monitor.letter.letter import Block, Letter

__all__ = ["markdown", "plain"]

WIDTH = 72
NOBODY = "(whom the registry names for this network)"

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#])")
_TICKS = re.compile(r"`+")


def plain(letter: Letter, *, head: bool = True) -> str:
    """Lines of 72 characters but for evidence, which stays as it is."""
    lines = [f"{name}: {value}" for name, value in _head(letter)] + [""] if head else []
    for block in letter.blocks:
        lines += [*_plain(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _head(letter: Letter) -> list[tuple[str, str]]:
    to = ", ".join(letter.to) or NOBODY
    return [("To", to), ("From", letter.sender), ("Subject", letter.subject)]


def _plain(block: Block) -> Iterator[str]:
    match block.kind:
        case "text":
            for line in block.lines:
                yield from _wrapped(line)
        case "heading":
            for line in block.lines:
                yield from (line, "-" * min(len(line), WIDTH))
        case "items":
            for line in block.lines:
                yield from _wrapped(line, "- ", "  ")
        case "evidence":
            if block.caption:
                yield f"  {block.caption}"
            yield from (f"    {line}" for line in block.lines)


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def markdown(letter: Letter) -> str:
    """CommonMark; evidence is in code blocks that nothing in it can end."""
    (_, to), (_, sender), (_, subject) = _head(letter)
    lines = [f"# {_escaped(subject)}", "", f"To: {_escaped(to)}  ", f"From: {_escaped(sender)}", ""]
    for block in letter.blocks:
        lines += [*_marked(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _marked(block: Block) -> Iterator[str]:
    match block.kind:
        case "text":
            yield from (_escaped(line) for line in block.lines)
        case "heading":
            yield from (f"## {_escaped(line)}" for line in block.lines)
        case "items":
            yield from (f"- {_escaped(line)}" for line in block.lines)
        case "evidence":
            if block.caption:
                yield from (f"{_escaped(block.caption)}:", "")
            longest = max((len(t) for line in block.lines for t in _TICKS.findall(line)), default=0)
            fence = "`" * max(3, longest + 1)
            yield from (fence, *block.lines, fence)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
