"""History of all relays, read from the shared database; our own where that is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DataError, SQLAlchemyError

from monitor import events as ev
from monitor.filter.order import Order, Place
from monitor.record import Record
from monitor.store.history import Past
from monitor.store.shared.connection import connect, reason

log = logging.getLogger(__name__)

REST = 5.0  # seconds without a question, after one that was not answered

_T = TypeVar("_T")


class SharedPast(Past):
    """Asks one question at a time: who comes second and would wait is told what is here."""

    def __init__(self, url: str, ours: Past, up: Callable[[], bool] = lambda: True) -> None:
        super().__init__(
            create_engine(
                "postgresql+psycopg://",
                creator=lambda: connect(url),
                isolation_level="AUTOCOMMIT",
                pool_size=1,
                max_overflow=0,
                pool_timeout=1,
            )
        )
        self._ours = ours
        self._up = up
        self._rest = 0.0

    def slice(
        self,
        order: Order,
        backward: bool,
        past: Place | None,
        size: int,
        where: Iterable[Any] = (),
        limit: int | None = None,
    ) -> tuple[list[Record], Place | None]:
        """See :class:`Past`."""
        asked = (order, backward, past, size, tuple(where), limit)
        return self._ask(
            lambda: super(SharedPast, self).slice(*asked), lambda: self._ours.slice(*asked)
        )

    def transcript(self, session: str) -> list[ev.AnyEvent]:
        """See :class:`Past`."""
        return self._ours.transcript(session) or self._ask(
            lambda: super(SharedPast, self).transcript(session), list
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()

    def _ask(self, shared: Callable[[], _T], ours: Callable[[], _T]) -> _T:
        if self._up() and time.monotonic() >= self._rest:
            try:
                return shared()
            except DataError:  # a filter for what no text there can be
                return ours()
            except SQLAlchemyError as error:
                self._rest = time.monotonic() + REST
                log.warning(
                    "the shared database is away, history is this relay's alone: %s",
                    reason(getattr(error, "orig", None) or error),
                )
        return ours()
