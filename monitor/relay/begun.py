"""Work that is begun at once. Where it has to wait for nothing, it ends at once as well: without
a task, a timer, a turn of the loop. (From Python 3.12 on asyncio has eager tasks.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Outcome: TypeAlias = "Begun[T] | asyncio.Task[T]"


class Begun(Generic[T]):
    """``work``, run up to its first wait. Whoever awaits this runs the rest of it."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._waits_for: Any = None
        self._done = False
        self._result: T
        self._error: Exception | None = None
        try:
            self._waits_for = work.send(None)
        except StopIteration as end:
            self._done, self._result = True, end.value
        except Exception as error:
            self._done, self._error = True, error

    def done(self) -> bool:
        """True where it waits for nothing."""
        return self._done

    def cancel(self) -> None:
        """Nobody wants it any more."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        if self._error is not None:
            raise self._error
        if self._done:
            return self._result
        waits_for = self._waits_for
        try:
            while True:
                try:
                    yield waits_for
                except BaseException as error:
                    waits_for = self._work.throw(error)
                else:
                    waits_for = self._work.send(None)
        except StopIteration as end:
            result: T = end.value
            return result


def beside(work: Coroutine[Any, Any, T]) -> Outcome[T]:
    """Begin ``work``; what it has to wait for goes on beside the caller.

    It must enter no ``asyncio.timeout`` before its first wait: that is bound to the task in
    which it is entered, and what is left runs in another.
    """
    begun = Begun(work)
    return begun if begun.done() else asyncio.create_task(_rest(begun))


async def _rest(begun: Begun[T]) -> T:
    return await begun
