"""The workers of a relay, together: started, replaced where one dies, told, and drained.

All of them accept on the same sockets, which the hub bound and holds on to: a client that
connected waits in a queue that no worker's death empties, and the next free worker takes it,
so that the busier one takes fewer. (With SO_REUSEPORT each would have a queue of its own: a
client stays with the worker that its ports fell to, be that one slow or dead; and a socket
that the service manager passed cannot be split.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from monitor.config import Settings
from monitor.control.protocol import Process
from monitor.hub import Hub
from monitor.relay.certificate import Certificate, reread
from monitor.relay.identity import Guard, Method
from monitor.relay.journal import Journal
from monitor.relay.listener import COMMIT_GRACE, exposed, probe
from monitor.relay.tally import SESSIONS, SPOOL
from monitor.workers import tally
from monitor.workers.child import journal
from monitor.workers.messages import Begin, Drain, InForce, Message, Reload
from monitor.workers.worker import Worker, WorkerError

log = logging.getLogger(__name__)

START = 60.0  # seconds until a worker serves; a loaded machine is slow
HUNG = 30.0  # seconds without a beat, and a worker is replaced
EVERY = 1.0  # seconds between looks at that
STEADY = 60.0  # seconds after which a worker's death is no sign of another
FIRST, LAST = 0.1, 30.0  # seconds before a replacement, doubled each time


class Supervisor:
    """In the place of one :class:`monitor.relay.front.Front`, the hub's side of several."""

    def __init__(self, settings: Settings, hub: Hub, sockets: Iterable[socket.socket]) -> None:
        """Raises ConfigError."""
        self._settings, self._hub = settings, hub
        self._sockets = list(sockets)
        self._addresses = [sock.getsockname()[:2] for sock in self._sockets]
        self._certificate = Certificate(settings.tls, settings.state, settings.name)
        self._guard = Guard(settings, exposed(self._sockets))
        self._met: tuple[float, bool | None] = (0.0, None)
        self._memory = tally.make(settings.workers)
        self._tally = tally.SharedTally(self._memory)
        self._workers: dict[int, Worker] = {}
        self._replaced: Counter[int] = Counter()
        self._dropped = 0  # by workers that are no more
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        hub.on_lists.append(lambda: self._tell(self._lists()))

    # Start and end

    async def probe(self) -> str:
        """Meet the upstream once; see :func:`monitor.relay.listener.probe`."""
        found = await probe(self._settings, self._guard)
        self._met = time.time(), found.up
        return found.warning

    async def start(self) -> None:
        """Start all, and wait until they serve. Raises ConfigError, WorkerError."""
        try:
            numbers = range(1, self._settings.workers + 1)
            workers = [await self._launch(number) for number in numbers]
            async with asyncio.timeout(START):
                for worker in workers:
                    await worker.serving()
        except TimeoutError:
            raise WorkerError(f"the workers do not serve after {START:.0f} seconds") from None
        except OSError as error:
            raise WorkerError(f"a worker cannot be started: {error.strerror}") from None
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(worker)) for worker in workers]
        self._tasks.append(loop.create_task(self._watch()))

    async def stop(self) -> None:
        """Take no more clients, and let those that are there end within ``limits.drain``."""
        self._stopping.set()
        for sock in self._sockets:
            sock.close()
        self._tell(Drain())
        deadline = self._settings.limits.drain + COMMIT_GRACE
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=deadline)

    async def close(self) -> None:
        """End whoever has not, and let go of everything."""
        self._stopping.set()
        for worker in self._workers.values():
            worker.kill()
        for worker in self._workers.values():
            await worker.ended()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tally.close()
        os.close(self._memory)
        self._certificate.close()

    async def _launch(self, number: int) -> Worker:
        worker = Worker(number, self._hub)
        await worker.start(
            Begin(
                number=number,
                settings=self._settings.model_dump_json(),
                sockets=tuple(sock.fileno() for sock in self._sockets),
                tally=self._memory,
                certificate=self._certificate.memory,
                identity=self.identity,
                asked=self._hub.asked,
            )
        )
        self._workers[number] = worker
        worker.say(self._lists())
        if self._stopping.is_set():
            worker.say(Drain())
        return worker

    async def _keep(self, worker: Worker) -> None:
        """See that there is always one in the place of ``worker``."""
        number, delay = worker.number, FIRST / 2
        while True:
            began = time.monotonic()
            code = await worker.ended()
            self._bury(worker)
            if self._stopping.is_set():
                return
            delay = FIRST if time.monotonic() - began > STEADY else min(2 * delay, LAST)
            reason = worker.trouble or f"exit code {code}"
            level = logging.ERROR if code else logging.INFO  # told to, by its user
            log.log(level, "worker %d ended (%s); another begins in %.1f s", number, reason, delay)
            while worker.gone:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay)
                    return
                try:
                    worker = await self._launch(number)
                except Exception:
                    log.exception("worker %d cannot be started", number)
            self._replaced[number] += 1

    def _bury(self, worker: Worker) -> None:
        row = worker.number - 1
        self._tally.clear(row)
        self._dropped += worker.beat.dropped
        worker.close_sessions(Journal(self._settings.state / journal(worker.number)).unsettled())

    async def _watch(self) -> None:
        """End workers that hang: what they have in hand comes again, by another."""
        while not self._stopping.is_set():
            before = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY)
            now = time.monotonic()
            if now - before > 3 * EVERY:
                continue  # it was this process that hung
            for worker in self._workers.values():
                if now - worker.heard_at > (HUNG if worker.serves else START):
                    log.error("worker %d hangs and is ended", worker.number)
                    worker.kill()

    # What all of them are told

    def _tell(self, message: Message) -> None:
        for worker in self._workers.values():
            worker.say(message)

    def _lists(self) -> InForce:
        return InForce(entries=self._hub.standing.entries)

    async def renewed(self) -> bool:
        """True where the certificate's files are others than those in use."""
        return await asyncio.to_thread(self._certificate.changed)

    async def reload(self) -> None:
        """Have the certificate read anew, by all, where it can be used."""
        if await reread(self._certificate):
            self._tell(Reload())

    # How they fare

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """The addresses and ports that clients may connect to."""
        return self._addresses

    @property
    def alive(self) -> bool:
        """True while any worker meets clients."""
        return any(worker.serves for worker in self._workers.values())

    @property
    def sessions(self) -> int:
        """How many are open, in all."""
        return self._tally.count(SESSIONS)

    @property
    def spooled(self) -> int:
        """Bytes of messages in hand, in all."""
        return self._tally.count(SPOOL)

    @property
    def upstream_up(self) -> bool | None:
        """What the last attempt found, whoever made it."""
        told = [worker.beat for worker in self._workers.values()]
        met = [(beat.met_at, beat.upstream_up) for beat in told]
        return max([self._met, *met], key=lambda each: each[0])[1]

    @property
    def identity(self) -> Method:
        """How the client's identity travels upstream, "" for not at all."""
        told = [worker.beat.identity for worker in self._workers.values()]
        return next((each for each in told if each), self._guard.method)

    @property
    def processes(self) -> Sequence[Process]:
        """Each worker."""
        return [
            Process(
                number=worker.number,
                pid=worker.pid,
                up=worker.serves,
                sessions=self._tally.of_row(worker.number - 1, SESSIONS),
                replaced=self._replaced[worker.number],
                dropped=worker.beat.dropped,
            )
            for worker in self._workers.values()
        ]

    @property
    def problems(self) -> Sequence[str]:
        """What an operator should mend, in sentences; some may be empty."""
        workers = self._workers.values()
        dropped = self._dropped + sum(worker.beat.dropped for worker in workers)
        down = [str(worker.number) for worker in workers if not worker.serves]
        own = {problem for worker in workers for problem in worker.beat.problems}
        return (
            self._certificate.problem,
            *sorted(own - {self._certificate.problem}),
            f"worker {', '.join(down)} does not serve; see the log" if down else "",
            f"{dropped} events of workers were dropped" if dropped else "",
        )
