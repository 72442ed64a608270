"""What may be asked over the control socket, and how each question is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from monitor.capture.rules import Rules
from monitor.control.protocol import Request, Response, Status
from monitor.filter import FilterError
from monitor.filter.order import Order, Page, Place
from monitor.hub import Hub
from monitor.hub.search import page
from monitor.insight.questions import Question, StudyError
from monitor.policy.entry import Draft, Entry
from monitor.record import Record
from monitor.store import StoreError

__all__ = ["MAX_HISTORY", "Requests", "Study"]

log = logging.getLogger(__name__)

MAX_HISTORY = 5_000  # records an answer
AT_ONCE = 2  # looks at the past: each takes memory, and a thread that mail may want

Study = Callable[[Question], Awaitable[Any]]


class Requests:
    """Answers them over one hub."""

    def __init__(
        self,
        hub: Hub,
        status: Callable[[], Status],
        history: Callable[..., Awaitable[list[Record]]],
        study: Study | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._hub = hub
        self._status = status
        self._history = history
        self._study = study
        self._rules = rules or {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def answer(self, request: Request, user: str) -> Response:
        """What ``user`` asked; a fault of the question or of ours is an answer, too."""
        method = _METHODS.get(request.do)
        if method is None:
            return Response(id=request.id, error=f"unknown request {request.do!r}")
        self._hub.catch_up()
        try:
            return Response(id=request.id, result=await method(self, user, **request.args))
        except (ValueError, StoreError, FilterError, StudyError) as error:
            return Response(id=request.id, error=str(error))
        except TypeError as error:
            return Response(id=request.id, error=f"{request.do}: {error}")
        except Exception as error:
            log.exception("request %s failed", request.do)
            return Response(id=request.id, error=f"{request.do} failed: {type(error).__name__}")

    async def _get_status(self, user: str) -> Any:
        return self._status()

    async def _get_history(
        self,
        user: str,
        limit: int = 500,
        before: float | None = None,
        since: float | None = None,
        query: str = "",
    ) -> Any:
        limit = max(1, min(int(limit), MAX_HISTORY))
        async with self._turns:
            return await self._history(limit=limit, before=before, since=since, query=query)

    async def _get_page(
        self,
        user: str,
        limit: int = 500,
        query: str = "",
        order: str = "ended",
        backward: bool = True,
        past: Any = None,
    ) -> Any:
        def look() -> Page:
            self._hub.store.flush()
            return page(
                self._hub.store.past,
                limit=max(1, min(int(limit), MAX_HISTORY)),
                query=query,
                order=msgspec.convert(order, Order),
                backward=bool(backward),
                past=msgspec.convert(past, Place | None),
            )

        return await self._in_turn(look)

    async def _get_transcript(self, user: str, session: str) -> Any:
        return await self._in_turn(lambda: self._hub.transcript(session))

    async def _in_turn(self, look: Callable[[], Any]) -> Any:
        async with self._turns:
            return await asyncio.to_thread(look)

    async def _get_rules(self, user: str) -> Any:
        return self._rules

    async def _get_waiting(self, user: str) -> Any:
        return await self._in_turn(self._hub.waiting)

    async def _get_study(self, user: str, question: Any) -> Any:
        if self._study is None:
            raise ValueError("this relay answers no questions about the past")
        asked: Question = msgspec.convert(question, Question)
        await asyncio.to_thread(self._hub.store.flush)
        return await self._study(asked)

    async def _get_lists(self, user: str) -> Any:
        return self._hub.lists()

    async def _get_trail(self, user: str, limit: int = MAX_HISTORY) -> Any:
        return self._hub.store.entries.trail(max(1, min(int(limit), MAX_HISTORY)))

    async def _add(self, user: str, draft: Any) -> Any:
        added = self._hub.add(msgspec.convert(draft, Draft), user)
        entry = await asyncio.to_thread(self._hub.store.settled, added)
        log.info("%s added %s", user, _shown(entry))
        return entry

    async def _end(self, user: str, entry_id: int) -> Any:
        entry = self._hub.end(int(entry_id), user)
        log.info("%s ended %s", user, _shown(entry))
        return entry


_METHODS: dict[str, Callable[..., Awaitable[Any]]] = {
    "subscribe": Requests._get_status,
    "status": Requests._get_status,
    "history": Requests._get_history,
    "page": Requests._get_page,
    "transcript": Requests._get_transcript,
    "rules": Requests._get_rules,
    "waiting": Requests._get_waiting,
    "study": Requests._get_study,
    "lists": Requests._get_lists,
    "trail": Requests._get_trail,
    "add": Requests._add,
    "end": Requests._end,
}


def _shown(entry: Entry) -> str:
    return f"entry {entry.id}: {entry.list} {entry.kind} {entry.value} ({entry.action})"
