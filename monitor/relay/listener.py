"""The relay's sockets: who may listen, new connections, and a drain that loses nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket

from monitor.config import split_address
from monitor.relay.context import Context
from monitor.relay.converse import converse
from monitor.relay.identity import IdentityError, Peer, canonical_ip
from monitor.relay.link import Link
from monitor.relay.upstream import UpstreamError
from monitor.relay.wire import Wire

log = logging.getLogger(__name__)

COMMIT_GRACE = 60.0  # seconds that commits may take beyond the drain


class ListenError(Exception):
    """mxtap cannot, or must not, listen; the text is for the operator."""


class Listener:
    """Accepts clients for one relay."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._servers: list[asyncio.Server] = []
        self.wires: set[Wire] = set()
        self.addresses: list[tuple[str, int]] = []

    async def start(self) -> None:
        """Bind every address. Raises ListenError that names the one that cannot be had."""
        loop = asyncio.get_running_loop()
        for text in self._context.settings.listen:
            host, port = split_address(text)
            try:
                server = await loop.create_server(self._connected, host, port, backlog=1024)
            except OSError as error:
                await self.stop()
                raise ListenError(
                    f"listen = {text}: {error.strerror or error}; choose another address or port"
                ) from None
            self._servers.append(server)
            self.addresses += [sock.getsockname()[:2] for sock in server.sockets]

    def _connected(self) -> Wire:
        context = self._context
        loop = asyncio.get_running_loop()

        async def run(wire: Wire) -> None:
            task = asyncio.current_task()
            assert task is not None
            context.sessions.add(task)
            self.wires.add(wire)
            try:
                await converse(context, wire)
            finally:
                context.sessions.discard(task)
                self.wires.discard(wire)

        return Wire(run, loop, context.settings.name)

    async def stop(self) -> None:
        """Take no new clients."""
        for server in self._servers:
            server.close()

    async def drain(self, deadline: float) -> None:
        """Take no new clients, let open sessions end within ``deadline`` seconds, then cut.

        A message that is on its way upstream is waited for beyond that: its client must
        hear what became of it.
        """
        self._context.draining = True
        await self.stop()
        if self._context.sessions:
            await asyncio.wait(set(self._context.sessions), timeout=deadline)
        for task in set(self._context.sessions):
            task.cancel()
        if self._context.sessions:
            await asyncio.wait(set(self._context.sessions), timeout=COMMIT_GRACE)


def exposed(addresses: tuple[str, ...]) -> bool:
    """True where any of the addresses to listen on is not loopback."""
    for text in addresses:
        host, _ = split_address(text)
        try:
            resolved = {info[4][0] for info in socket.getaddrinfo(host, None)}
        except OSError:
            return True
        if not all(ipaddress.ip_address(str(a).partition("%")[0]).is_loopback for a in resolved):
            return True
    return False


async def probe(context: Context) -> str:
    """Meet the upstream once, as the first client would; what is wrong, or "".

    Raises ListenError where mxtap must not start: an upstream that would relay for its own
    address, without taking the client's identity, behind a listener that is not loopback.
    """
    settings = context.settings
    host, _ = split_address(settings.listen[0])
    local = host if _is_address(host) else "127.0.0.1"
    peer = Peer(canonical_ip(local), 0, canonical_ip(local), 0)
    try:
        link = Link(settings, context.guard, lambda event: None)
        upstream, banner = await link.open("probe", peer, context.clock())
    except IdentityError as error:
        if not context.guard.relays:
            return f"upstream {settings.upstream} {error}: nobody is served"
        raise ListenError(
            f"upstream = {settings.upstream}: {error}. In Postfix set "
            "smtpd_authorized_xclient_hosts to mxtap's address (README: in front of Postfix); "
            'identity = "none" accepts the risk by hand'
        ) from None
    except UpstreamError as error:
        context.upstream_up = False
        return f"upstream {settings.upstream} {error}"
    context.upstream_up = banner.code == 220
    upstream.abort()
    if not context.guard.method:
        relays = ", and it would relay to anywhere for that" if context.guard.relays else ""
        return (
            f"upstream {settings.upstream} takes no XCLIENT: its own checks see mxtap's address, "
            f"not the client's{relays}"
        )
    return ""


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
