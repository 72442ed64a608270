"""Text patterns without regular expressions: linear in the text, whatever the pattern."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def fold(text: str) -> str:
    """``text`` with ASCII letters in lower case: what SQL's LIKE does with them too."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Pieces that follow each other: the first at the start, the last at the end.

    A single piece is the whole text. Pieces are folded.
    """

    pieces: tuple[str, ...]

    @classmethod
    def whole(cls, text: str) -> Pattern:
        """Matches just ``text``."""
        return cls((fold(text),))

    @classmethod
    def within(cls, text: str) -> Pattern:
        """Matches what contains ``text``."""
        return cls(("", fold(text), ""))

    @classmethod
    def under(cls, text: str) -> Pattern:
        """Matches what begins with ``text``."""
        return cls((fold(text), ""))

    @classmethod
    def glob(cls, text: str) -> Pattern:
        """Matches the whole text, ``*`` standing for any run of characters."""
        return cls(tuple(fold(text).split("*")))

    def matches(self, text: str) -> bool:
        """True when ``text`` is of this pattern."""
        text = fold(text)
        first, *rest = self.pieces
        if not rest:
            return text == first
        *middle, last = rest
        if not text.startswith(first):
            return False
        position = len(first)
        for piece in middle:
            found = text.find(piece, position)
            if found < 0:
                return False
            position = found + len(piece)
        return len(text) - position >= len(last) and text.endswith(last)

    def as_like(self) -> str:
        """The same as a LIKE pattern over folded text, with ``/`` as its escape."""
        return "%".join(
            piece.replace("/", "//").replace("%", "/%").replace("_", "/_") for piece in self.pieces
        )
