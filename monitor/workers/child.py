"""A worker process: ``python -m monitor.workers.child DESCRIPTOR``, started by the hub's.

It meets clients and keeps no state: what it sees goes up that descriptor, and orders come
down. Where the hub is gone it takes no more clients, lets those that are there end, and
ends: the lists would grow old, and what happens would be told to nobody.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterable

from monitor.config import ConfigError, Settings
from monitor.daemon import heap, logs
from monitor.relay.front import JOURNAL, Front
from monitor.relay.listener import ListenError
from monitor.workers.messages import (
    Beat,
    Begin,
    Down,
    Drain,
    Failed,
    InForce,
    Reload,
    Told,
    decode_down,
)
from monitor.workers.proxy import Proxy
from monitor.workers.tally import SharedTally
from monitor.workers.wire import Wire

log = logging.getLogger("monitor.workers.child")  # not __main__

EVERY = 1.0  # seconds between beats
DELAY = 0.01  # seconds that events wait for more, to be told at once: a call costs more than they


def journal(number: int) -> str:
    """The name of a worker's commit journal: it is cut short whenever no commit is open."""
    return f"{number}-{JOURNAL}"


class Child:
    """One worker, from its first message to its end."""

    def __init__(self) -> None:
        self.wire = Wire(decode_down, self._hear, self._lost, DELAY)
        self._begin: Begin | None = None
        self._begun: asyncio.Future[Begin] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._proxy = Proxy(self.wire)

    async def run(self, sock: socket.socket) -> None:
        """Serve until told to stop. Raises ConfigError, ListenError."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        await self.wire.open(sock)
        begin = await self._begun
        if self._stop.is_set():
            return
        settings = Settings.model_validate_json(begin.settings)
        logs.start(settings.log)
        front = Front(
            settings,
            self._proxy,
            [socket.socket(fileno=number) for number in begin.sockets],
            tally=SharedTally(begin.tally, begin.number - 1),
            journal=journal(begin.number),
            mark=f"{begin.number:02x}",
            certificate=begin.certificate,
        )
        front.context.guard.method = begin.identity
        await front.start()
        heap.settle()
        beside = (self._beat(front), self._renew(front), heap.keep_small())
        tasks = [loop.create_task(each) for each in beside]
        await self._stop.wait()
        await front.stop()
        for task in tasks:
            task.cancel()
        self._tell(front)  # the hits
        await front.close()

    def fail(self, error: Exception) -> None:
        """Tell why it cannot serve."""
        config = isinstance(error, ConfigError)
        self.wire.say(Failed(reason=str(error), config=config))

    async def _beat(self, front: Front) -> None:
        while True:
            self._tell(front)
            await asyncio.sleep(EVERY)

    def _tell(self, front: Front) -> None:
        beat = Beat(
            upstream_up=front.upstream_up,
            met_at=front.context.met_at,
            identity=front.identity,
            dropped=self._proxy.dropped,
            hits=tuple(self._proxy.standing.take_hits()),
            problems=tuple(filter(None, front.problems)),
        )
        self.wire.say(beat)

    async def _renew(self, front: Front) -> None:
        while await self._reload.wait():
            self._reload.clear()
            await front.reload()

    # What comes from the hub

    def _hear(self, messages: Iterable[Down]) -> None:
        for message in messages:
            self._take(message)

    def _take(self, message: Down) -> None:
        match message:
            case Begin() as begin:
                self._proxy.asked = frozenset(begin.asked)
                self._begin = begin
            case InForce(entries=entries):
                self._proxy.standing.replace(entries)
                if self._begin is not None and not self._begun.done():
                    self._begun.set_result(self._begin)  # not before the lists are here
            case Told() as told:
                self._proxy.answered(told)
            case Reload():
                self._reload.set()
            case Drain():
                self._stop.set()

    def _lost(self) -> None:
        if not self._stop.is_set():
            log.error("the hub is gone: draining")
            self._stop.set()
        self._begun.cancel()


async def main(descriptor: int) -> int:
    """Serve; the exit code."""
    child = Child()
    try:
        await child.run(socket.socket(fileno=descriptor))
    except (ConfigError, ListenError) as error:
        child.fail(error)
        return 1
    except asyncio.CancelledError:
        return 1  # the hub ended before it said what to do
    finally:
        await child.wire.close()
    return 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP):  # of the terminal: the hub says what to do
        signal.signal(number, signal.SIG_IGN)
    sys.exit(asyncio.run(main(int(sys.argv[1]))))
