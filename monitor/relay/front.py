"""The part of a relay that meets clients: checks, certificate, sessions, and their listener."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from monitor.checks.checker import Checker
from monitor.config import ConfigError, Settings
from monitor.dns.choose import open_resolver
from monitor.dns.zone import ZoneError
from monitor.policy.ruling import Hub
from monitor.relay.certificate import Certificate, reread
from monitor.relay.context import Context
from monitor.relay.identity import Guard, Method
from monitor.relay.journal import Journal
from monitor.relay.listener import Listener, exposed, probe
from monitor.relay.spool import Spool
from monitor.relay.tally import SESSIONS, SPOOL, OwnTally, Tally
from monitor.relay.tls import suite_names

JOURNAL = "commits.journal"
SPOOL_FOLDER = "spool"


class Front:
    """All of it that runs in one process, on ``sockets``, which stay the caller's to close."""

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        sockets: Sequence[socket.socket],
        *,
        tally: Tally | None = None,
        journal: str = JOURNAL,
        mark: str = "",
        certificate: int = -1,
    ) -> None:
        """Raises ConfigError, and has then let go of what it had.

        ``mark`` ends the ids of its sessions, where others make such as well; ``certificate`` is
        what they have in use, see :class:`monitor.relay.certificate.Certificate`.
        """
        limits = settings.limits
        self._settings = settings
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            try:
                checks = Checker(open_resolver(settings), settings)
            except ZoneError as error:
                raise ConfigError(f"dns.zone: {error}") from None
            tls, state, name = settings.tls, settings.state, settings.name
            self._certificate = Certificate(tls, state, name, certificate)
            stack.callback(self._certificate.close)
            self._tally = tally or OwnTally()
            self.context = Context(
                settings=settings,
                hub=hub,
                checks=checks,
                guard=Guard(settings, exposed(sockets)),
                spool=Spool(
                    limits.spool_total,
                    limits.spool_memory,
                    settings.state / SPOOL_FOLDER,
                    self._tally,
                ),
                journal=Journal(settings.state / journal),
                tls=self._certificate.context,
                tls_done=self._certificate.done,
                suites=suite_names(),
                tally=self._tally,
                mark=mark,
            )
            stack.callback(self.context.journal.close)
            self._stack = stack.pop_all()
        self.listener = Listener(self.context, sockets)

    async def probe(self) -> str:
        """Meet the upstream once; see :func:`monitor.relay.listener.probe`."""
        found = await probe(self._settings, self.context.guard)
        if found.up is not None:
            self.context.met(found.up)
        return found.warning

    async def start(self) -> None:
        """Take clients. Raises ListenError."""
        self.context.journal.begin_anew()
        await self.listener.start()

    async def stop(self) -> None:
        """Take no more clients, and let those that are there end within ``limits.drain``."""
        await self.listener.drain(self._settings.limits.drain)

    async def close(self) -> None:
        """Let go of everything."""
        self._stack.close()

    async def renewed(self) -> bool:
        """True where the certificate's files are others than those in use."""
        return await asyncio.to_thread(self._certificate.changed)

    async def reload(self) -> None:
        """Read the certificate anew; one that cannot be used changes nothing but the status."""
        await reread(self._certificate)

    # How it fares

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """The addresses and ports that clients may connect to."""
        return self.listener.addresses

    @property
    def alive(self) -> bool:
        """True while clients are accepted."""
        return self.listener.alive

    @property
    def sessions(self) -> int:
        """How many are open."""
        return self._tally.count(SESSIONS)

    @property
    def spooled(self) -> int:
        """Bytes of messages in hand."""
        return self._tally.count(SPOOL)

    @property
    def upstream_up(self) -> bool | None:
        """What the last attempt found; None before one."""
        return self.context.upstream_up

    @property
    def identity(self) -> Method:
        """How the client's identity travels upstream, "" for not at all."""
        return self.context.guard.method

    @property
    def processes(self) -> tuple[()]:
        """None besides this one."""
        return ()

    @property
    def problems(self) -> Sequence[str]:
        """What an operator should mend, in sentences; some may be empty."""
        return (self._certificate.problem,)


def begin(state: Path) -> list[str]:
    """Clear what a relay before left in ``state``; the transactions that it left unsettled."""
    spool = state / SPOOL_FOLDER
    shutil.rmtree(spool, ignore_errors=True)
    with contextlib.suppress(OSError):
        spool.mkdir(mode=0o700)
    unsettled: list[str] = []
    for journal in sorted(state.glob(f"*{JOURNAL}")):
        unsettled += Journal(journal).unsettled()
        with contextlib.suppress(OSError):
            journal.unlink()
    return unsettled
