"""A whole relay: store, hub, checks, listener and control socket, started and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from monitor.capture.folder import CAPTURES, CaptureFolder
from monitor.capture.rules import rules_of
from monitor.capture.writer import CaptureWriter
from monitor.config import Settings
from monitor.control.server import ControlError, ControlServer, refuse_second
from monitor.daemon import heap
from monitor.daemon.exporter import Exporter, ExporterError
from monitor.findings.disciplines import default as default_disciplines
from monitor.findings.greylist.whitelist import load as load_whitelist
from monitor.health import Health
from monitor.hub import Hub
from monitor.hub.policies import Ruler
from monitor.hub.search import search
from monitor.policy.conduct import Conducting
from monitor.policy.greylist import Greylisting
from monitor.record import Record
from monitor.relay.front import Front, begin
from monitor.relay.journal import cut_off
from monitor.relay.listener import ListenError, bind
from monitor.store import Store, StoreError
from monitor.study.aside import Aside
from monitor.workers.supervisor import Supervisor
from monitor.workers.worker import WorkerError

if TYPE_CHECKING:
    from monitor.daemon.metrics import Metrics

log = logging.getLogger(__name__)

TICK = 1.0  # seconds
TOGETHER = 0.02  # seconds in which what happens is judged, captured and counted at once
RENEWAL = 10.0  # seconds between looks at the certificate's files


class ServiceError(Exception):
    """The relay cannot start, for a reason that is not its configuration."""


class Service:
    """One relay. Use it as an async context manager: inside, it serves.

    Clients are taken on ``sockets``, which the relay then owns, instead of ``settings.listen``
    where some are given.
    """

    def __init__(self, settings: Settings, sockets: Iterable[socket.socket] = ()) -> None:
        self.settings = settings
        self._sockets = list(sockets)
        self._exit = contextlib.AsyncExitStack()

    @property
    def listening(self) -> list[tuple[str, int]]:
        """The addresses and ports that clients may connect to."""
        return list(self._front.addresses)

    @property
    def alive(self) -> bool:
        """True while clients are accepted and the clock's work is done."""
        return self._front.alive and not self._ticking.done()

    async def __aenter__(self) -> Service:
        """Start. Raises ConfigError, or ServiceError; nothing is left running then."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                await self._start(stack)
            except (StoreError, ControlError, ListenError, ExporterError, WorkerError) as error:
                raise ServiceError(str(error)) from None
            self._exit = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drain: no new clients, open sessions end, everything is written."""
        await self._exit.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        self._sockets = self._sockets or bind(settings.listen)
        for sock in self._sockets:
            stack.callback(sock.close)
        # Before the database is touched: a newer mxtap must not upgrade it under a running one.
        refuse_second(settings.state)
        self._store = Store(settings.state, settings.database, settings.name)
        stack.callback(self._store.close)
        self._capture = self._start_capture(stack)
        self._metrics = self._make_metrics()
        disciplines = default_disciplines(settings, self._store.memory)
        self._hub = Hub(
            self._store,
            disciplines,
            rulers=self._rulers(),
            consumers=[each for each in (self._capture, self._metrics) if each],
            keep_history=settings.history.days * 86400,
            remembered=settings.retry.remembered,
            soon=partial(asyncio.get_running_loop().call_later, TOGETHER),
        )
        stack.callback(self._hub.catch_up)
        self._front = self._make_front()
        stack.push_async_callback(self._front.close)
        self.health = Health(settings, self._hub, self._front, self._capture)
        warning = await self._front.probe()
        for problem in filter(None, (*self._front.problems, warning)):
            log.warning("%s", problem)
        if self._front.upstream_up is not False:  # that is told as it is at the moment
            self.health.warning = warning
        self._tell_unsettled()
        control = ControlServer(
            self._hub, self.health.status, self.history, Aside(settings), rules_of(settings)
        )
        self._join(control)
        await control.start(settings.state)
        stack.push_async_callback(control.stop)
        if self._metrics:
            self._metrics.watch(self.health.readings())
            exporter = Exporter(self._render)
            await exporter.start(settings.metrics.listen)
            stack.push_async_callback(exporter.stop)
        await self._front.start()
        stack.push_async_callback(self._front.stop)
        loop = asyncio.get_running_loop()
        self._ticking = loop.create_task(self._tick())
        for task in (
            self._ticking,
            loop.create_task(self._renew()),
            loop.create_task(heap.keep_small()),
        ):
            stack.callback(task.cancel)

    def _make_front(self) -> Front | Supervisor:
        make = Supervisor if self.settings.workers > 1 else Front
        return make(self.settings, self._hub, self._sockets)

    def _join(self, control: ControlServer) -> None:
        """Hear of other relays, where there are some, on this loop."""
        if (shared := self._store.shared) is None:
            return
        loop, exchange = asyncio.get_running_loop(), shared.exchange
        exchange.on_lists = lambda: _soon(loop, self._hub.look_at_lists)
        exchange.on_news = lambda news: _soon(loop, lambda: control.hear(news))
        exchange.watched = lambda: control.watched

    def _rulers(self) -> list[Ruler]:
        rulers: list[Ruler] = [Conducting(self.settings.conduct)]
        greylist = self.settings.greylist
        if greylist.mode == "enforce":
            rulers.append(Greylisting(greylist, self._store.memory, load_whitelist(greylist)))
        return rulers

    def _start_capture(self, stack: contextlib.AsyncExitStack) -> CaptureWriter | None:
        settings = self.settings
        if settings.capture.mode == "off":
            return None
        folder = CaptureFolder(
            settings.state / CAPTURES,
            settings.capture,
            relay=settings.name,
            rules=rules_of(settings),
        )
        capture = CaptureWriter(folder, settings.capture.mode)
        capture.start()
        stack.callback(capture.close)
        return capture

    def _make_metrics(self) -> Metrics | None:
        if not self.settings.metrics.listen:
            return None
        # Not for those who do without it: it takes a while and a few megabytes.
        from monitor.daemon.metrics import Metrics

        return Metrics()

    def _render(self) -> bytes:
        """The metrics, of this moment included."""
        assert self._metrics is not None
        self._hub.catch_up()
        return self._metrics.render()

    def _tell_unsettled(self) -> None:
        for transaction in begin(self.settings.state):
            why = "the relay ended while it was on its way"
            self._hub.emit(cut_off(transaction, time.time(), why))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._hub.tick()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL)
            if await self._front.renewed():
                await self.reload()

    async def reload(self) -> None:
        """Read the certificate anew; one that cannot be used changes nothing but the status."""
        await self._front.reload()

    async def history(self, **query: Any) -> list[Record]:
        """Ended transactions, newest first, those of this moment included."""
        return await asyncio.to_thread(self._search, query)

    def _search(self, query: dict[str, Any]) -> list[Record]:
        self._store.flush()
        return search(self._store.past, **query)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(call)
