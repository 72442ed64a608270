"""What is wrong with a filter, and where."""

from __future__ import annotations


class FilterError(ValueError):
    """A filter cannot be understood. ``position`` is an index into its text."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} (at character {self.position + 1})"
