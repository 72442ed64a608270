"""What a task awaits of a connection. Whoever is woken goes on at once.

A future does the same, but each is made anew, and wakes its task in another turn of the loop.
This is asyncio's protocol for what is like a future (``asyncio.isfuture``): tasks, timeouts and
cancellation do not know the difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any


class Waiter:
    """Awaited by one task at a time, again and again: ``anew``, ``await``, ``anew`` …"""

    __slots__ = ("_asyncio_future_blocking", "_cancelled", "_context", "_go_on", "_loop", "_news")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._go_on: Callable[[Waiter], object] | None = None  # of the task that waits
        self._context: Context
        self._news: bool | None = True
        self._cancelled = False

    def anew(self) -> Waiter:
        """From now on there is something to wait for."""
        self._news, self._cancelled = None, False
        return self

    def done(self) -> bool:
        """True where nobody waits for anything."""
        return self._news is not None

    def wake(self, news: bool) -> None:
        """The task that waits goes on with ``news``: now, where a callback of the loop asks."""
        if self._news is not None:
            return
        self._news = news
        go_on = self._go_on
        if go_on is None:
            return
        self._go_on = None
        if asyncio.current_task(self._loop) is None:
            self._context.run(go_on, self)
        else:  # a task cannot run within another
            self._loop.call_soon(go_on, self, context=self._context)

    # What a task asks of a future.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The one in which it may be awaited."""
        return self._loop

    def __await__(self) -> Generator[Waiter, None, bool]:
        if self._news is None:
            self._asyncio_future_blocking = True
            yield self
        assert self._news is not None
        return self._news

    def add_done_callback(self, go_on: Callable[[Waiter], object], *, context: Context) -> None:
        """The task waits now."""
        self._go_on, self._context = go_on, context

    def result(self) -> bool | None:
        """Asked by the task when it goes on."""
        if self._cancelled:
            raise asyncio.CancelledError
        return self._news

    def cancel(self, msg: Any = None) -> bool:
        """The task is cancelled; False where it is already about to go on."""
        go_on = self._go_on
        if go_on is None:
            return False
        self._go_on, self._news, self._cancelled = None, False, True
        self._loop.call_soon(go_on, self, context=self._context)
        return True
