"""A letter, before it has a form: blocks in order. Text in them is printable and redacted."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Block", "Kind", "Letter"]

Kind = Literal["text", "heading", "items", "evidence"]


class Block(NamedTuple):
    """A paragraph, a heading, a list, or lines that are shown as they are."""

    kind: Kind
    lines: tuple[str, ...]
    caption: str = ""  # of evidence


class Letter(NamedTuple):
    """What is to be sent, and to whom; addresses are valid, and nothing holds a line end."""

    to: tuple[str, ...]
    sender: str
    subject: str
    blocks: tuple[Block, ...]
