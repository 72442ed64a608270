"""A plain list as the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["ListRows"]

T = TypeVar("T")


class ListRows(Generic[T]):
    """Rows that are replaced all at once; ``key`` names a row for good."""

    def __init__(self, key: Callable[[T], Hashable]) -> None:
        self._key = key
        self._items: list[T] = []
        self._places: dict[Hashable, int] = {}
        self._edition = 0
        self._last = 0

    def set(self, items: Iterable[T]) -> None:
        """Show these."""
        self._items = list(items)
        self._places = {self._key(item): i for i, item in enumerate(self._items)}
        self._edition += 1

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> T:
        return self._items[index]

    def key(self, index: int) -> Hashable:
        """The key of the row at ``index``."""
        return self._key(self._items[index])

    def item(self, index: int) -> tuple[Hashable, T]:
        """The item at ``index`` with its key."""
        return self.key(index), self._items[index]

    def place(self, key: Hashable) -> int:
        """Where the row of ``key`` stands; where it stood last when it is gone."""
        self._last = self._places.get(key, min(self._last, len(self._items)))
        return self._last

    def edition(self, index: int) -> int:
        """All rows are drawn anew when they are replaced."""
        return self._edition
