"""The way to the upstream for one client: connect, TLS, identity; and again if it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import lru_cache

from msgspec.structs import replace

from monitor import events as ev
from monitor.config import Settings, split_address
from monitor.relay import proxy
from monitor.relay.identity import Guard, Peer, offer
from monitor.relay.kept import Kept
from monitor.relay.replies import Answer
from monitor.relay.trust import any_certificate, known_certificate
from monitor.relay.upstream import Upstream, UpstreamError

_address = lru_cache(maxsize=64)(split_address)


class Link:
    """Opens upstream sessions that show one client's identity."""

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        emit: Callable[[ev.AnyEvent], None],
        kept: Kept | None = None,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._emit = emit
        self._kept = kept

    async def open(self, session: str, peer: Peer, at: float) -> tuple[Upstream, Answer]:
        """A session in which the upstream knows ``peer``, and the banner for that client.

        Raises IdentityError where the client must not be served, UpstreamError else.
        """
        clock = asyncio.get_running_loop().time
        before = clock()
        upstream, banner = await self._again(peer) or await self._anew(peer)
        if upstream.tls:
            protocol, cipher, bits = upstream.cipher
            self._emit(
                ev.Secured(
                    session=session,
                    at=at,
                    side="upstream",
                    protocol=protocol,
                    cipher=cipher,
                    bits=bits,
                )
            )
        if upstream.met:
            method = self._guard.method or "none"
            address = self._settings.upstream
            self._emit(ev.Identified(session=session, at=at, method=method, upstream=address))
        return upstream, replace(banner, took=clock() - before)

    async def _again(self, peer: Peer) -> tuple[Upstream, Answer] | None:
        """One that had another client; None where there is none that begins anew."""
        if self._kept is None or (upstream := self._kept.take()) is None:
            return None
        try:
            if banner := await self._guard.introduce_next(upstream, peer):
                return upstream, banner
            upstream.part()
        except UpstreamError:
            pass
        except BaseException:
            upstream.abort()
            raise
        self._kept.rest(upstream.loop.time())
        return None

    async def _anew(self, peer: Peer) -> tuple[Upstream, Answer]:
        upstream, banner = await self._connect(peer)
        if banner.code >= 400:
            return upstream, banner
        if banner.code == 220 and self._guard.asks:
            try:
                told = await self._guard.introduce(upstream, peer)
            except BaseException:
                upstream.abort()
                raise
            if told is None:
                # It heard mxtap's own EHLO, and would take a client for greeted that is not.
                with contextlib.suppress(UpstreamError):
                    await upstream.ask(b"QUIT", self._settings.limits.upstream_connect)
                upstream.close()
                upstream, told = await self._connect(peer)
            banner = told
        if banner.code < 400 and banner.code != 220:
            upstream.abort()
            raise UpstreamError("is out of step")
        upstream.met = True
        return upstream, banner

    async def _connect(self, peer: Peer) -> tuple[Upstream, Answer]:
        limits = self._settings.limits
        host, port = _address(self._settings.upstream)
        preface = b""
        if self._guard.method == "proxy":
            preface = proxy.header(peer.ip, peer.port, peer.local_ip, peer.local_port)
        upstream = await Upstream.connect(host, port, limits.upstream_connect, preface)
        try:
            banner = await upstream.reply(limits.upstream_reply)
            if banner.code == 220 and self._settings.tls.upstream != "off":
                await self._secure(upstream, host)
        except BaseException:
            upstream.abort()
            raise
        return upstream, banner

    async def _secure(self, upstream: Upstream, host: str) -> None:
        limits, wanted = self._settings.limits, self._settings.tls.upstream
        name = self._settings.name.encode()
        ehlo = await upstream.ask(b"EHLO " + name, limits.upstream_reply)
        if offer(ehlo, "STARTTLS") is None:
            if wanted == "require":
                raise UpstreamError("offers no STARTTLS, which tls.upstream = require asks for")
            return
        answer = await upstream.ask(b"STARTTLS", limits.upstream_reply)
        if answer.code != 220:
            raise UpstreamError("refused STARTTLS")
        context = any_certificate() if wanted == "opportunistic" else known_certificate()
        await upstream.start_tls(context, host, self._settings.tls.handshake_timeout)
