"""The relay's sockets: who may listen, new connections, and a drain that loses nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from monitor.config import Settings, split_address
from monitor.relay.context import Context
from monitor.relay.converse import converse
from monitor.relay.identity import Guard, IdentityError, Peer, canonical_ip
from monitor.relay.link import Link
from monitor.relay.plain import Plain
from monitor.relay.tally import SESSIONS
from monitor.relay.upstream import UpstreamError
from monitor.relay.wire import Wire

log = logging.getLogger(__name__)

BACKLOG = 1024  # connections that may wait to be accepted
ACCEPT_AGAIN = 1.0  # seconds after which it is tried again, where there are no descriptors
COMMIT_GRACE = 60.0  # seconds that commits may take beyond the drain


class ListenError(Exception):
    """mxtap cannot, or must not, listen; the text is for the operator."""


def bind(addresses: Iterable[str]) -> list[socket.socket]:
    """A bound socket for every address; nothing is accepted yet. Raises ListenError."""
    bound: list[socket.socket] = []
    for text in addresses:
        try:
            for family, address in _resolve(text):
                sock = socket.socket(family, socket.SOCK_STREAM)
                bound.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(address)
        except OSError as error:
            for sock in bound:
                sock.close()
            raise ListenError(
                f"listen = {text}: {error.strerror or error}; choose another address or port"
            ) from None
    return bound


def _resolve(text: str) -> list[tuple[int, Any]]:
    host, port = split_address(text)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


class Listener:
    """Accepts clients for one relay, on ``sockets`` or else on the addresses of its settings."""

    def __init__(self, context: Context, sockets: Iterable[socket.socket] = ()) -> None:
        self._context = context
        self._sockets = list(sockets)
        self.wires: set[Wire] = set()
        self.addresses: list[tuple[str, int]] = []
        self._short = False  # of descriptors or memory, when it was last tried

    async def start(self) -> None:
        """Accept on every address. Raises ListenError that names the one that cannot be had."""
        loop = asyncio.get_running_loop()
        self._sockets = self._sockets or bind(self._context.settings.listen)
        for sock in self._sockets:
            host, port = sock.getsockname()[:2]
            try:
                sock.setblocking(False)
                sock.listen(BACKLOG)
            except OSError as error:
                await self.stop()
                raise ListenError(
                    f"{host}:{port}: {os.strerror(error.errno or 0)}; "
                    "choose another address or port"
                ) from None
            loop.add_reader(sock, self._accept, sock)
            self.addresses.append((host, port))

    @property
    def alive(self) -> bool:
        """True while clients are accepted on every address."""
        try:
            return bool(self.addresses) and all(map(_accepts, self._sockets))
        except OSError:
            return False

    def _accept(self, sock: socket.socket) -> None:
        # One in a turn of the loop: other processes may share the queue.
        loop = asyncio.get_running_loop()
        try:
            connection, address = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            # Out of descriptors or memory: the queue waits, and the loop must not spin.
            if not self._short:
                log.error("cannot accept: %s; clients wait", error.strerror)
            self._short = True
            loop.remove_reader(sock)
            loop.call_later(ACCEPT_AGAIN, self._accept_again, sock)
            return
        self._short = False
        connection.setblocking(False)
        try:
            extra = {"peername": address, "sockname": connection.getsockname()}
            wire = Wire(loop)
            Plain(loop, connection, wire, extra)
        except OSError:
            connection.close()  # it is gone already
            return
        self._context.sessions.add(loop.create_task(self._serve(wire)))

    def _accept_again(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    async def _serve(self, wire: Wire) -> None:
        context = self._context
        task = asyncio.current_task()
        assert task is not None
        context.tally.add(SESSIONS)
        self.wires.add(wire)
        try:
            await converse(context, wire)
        finally:
            context.sessions.discard(task)
            context.tally.add(SESSIONS, -1)
            self.wires.discard(wire)

    async def stop(self) -> None:
        """Take no new clients."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            if sock.fileno() >= 0:
                loop.remove_reader(sock)
            sock.close()

    async def drain(self, deadline: float) -> None:
        """Take no new clients, let open sessions end within ``deadline`` seconds, then cut.

        A message that is on its way upstream is waited for beyond that: its client must
        hear what became of it.
        """
        self._context.draining = True
        self._context.kept.close()
        await self.stop()
        if self._context.sessions:
            await asyncio.wait(set(self._context.sessions), timeout=deadline)
        for task in set(self._context.sessions):
            task.cancel()
        if self._context.sessions:
            await asyncio.wait(set(self._context.sessions), timeout=COMMIT_GRACE)


def _accepts(sock: Any) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def exposed(sockets: Iterable[socket.socket]) -> bool:
    """True where any of the sockets takes clients from beyond this machine."""
    addresses = (sock.getsockname()[0].partition("%")[0] for sock in sockets)
    return not all(ipaddress.ip_address(address).is_loopback for address in addresses)


class Met(NamedTuple):
    """What a probe found."""

    up: bool | None  # None where it is not the upstream that is at fault
    warning: str = ""


async def probe(settings: Settings, guard: Guard) -> Met:
    """Meet the upstream once, as the first client would.

    Raises ListenError where mxtap must not start: an upstream that would relay for its own
    address, without taking the client's identity, behind a listener that is not loopback.
    """
    host, _ = split_address(settings.listen[0])
    local = host if _is_address(host) else "127.0.0.1"
    peer = Peer(canonical_ip(local), 0, canonical_ip(local), 0)
    try:
        link = Link(settings, guard, lambda event: None)
        upstream, banner = await link.open("probe", peer, time.time())
    except IdentityError as error:
        if not guard.relays:
            return Met(None, f"upstream {settings.upstream} {error}: nobody is served")
        raise ListenError(
            f"upstream = {settings.upstream}: {error}. In Postfix set "
            "smtpd_authorized_xclient_hosts to mxtap's address (README: in front of Postfix); "
            'identity = "none" accepts the risk by hand'
        ) from None
    except UpstreamError as error:
        return Met(False, f"upstream {settings.upstream} {error}")
    up = banner.code == 220
    upstream.abort()
    if guard.method:
        return Met(up)
    relays = ", and it would relay to anywhere for that" if guard.relays else ""
    return Met(
        up,
        f"upstream {settings.upstream} takes no XCLIENT: its own checks see mxtap's address, "
        f"not the client's{relays}",
    )


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
