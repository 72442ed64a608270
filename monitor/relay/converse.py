"""A session from its connection to its end: arrive, greet, serve, part."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging

from msgspec.structs import replace

from monitor import events as ev
from monitor.checks.case import ClientReport
from monitor.findings.catalogue import finding
from monitor.findings.pools import network as network_of
from monitor.relay import proxy
from monitor.relay.begun import Begun
from monitor.relay.commands import serve
from monitor.relay.context import Context
from monitor.relay.identity import IdentityError, Peer, canonical_ip
from monitor.relay.replies import own
from monitor.relay.session import Dialogue
from monitor.relay.tally import SESSIONS
from monitor.relay.teller import SHUTTING_DOWN, Hangup, How
from monitor.relay.upstream import UpstreamError
from monitor.relay.wire import ClientGone, ClientSilent, Wire
from monitor.text import escape

log = logging.getLogger(__name__)

PROXY_TIMEOUT = 5.0  # seconds for the header of a trusted proxy
UPSTREAM_DOWN = "4.3.2 the mail server behind this relay does not answer, try again later"


async def converse(context: Context, wire: Wire) -> None:
    """Hold the session on ``wire`` from its first byte to its end. Never raises."""
    dialogue = Dialogue(context, wire)
    ip, network = "", ""
    how: How = "fault"
    whole: asyncio.Timeout | None = None
    try:
        await _arrive(dialogue)
        ip = dialogue.peer.ip
        network = network_of(ip)
        context.tally.add(ip)
        context.tally.add(network)
        async with asyncio.timeout(context.limits.session_timeout) as whole:
            await _greet(dialogue, network)
            await serve(dialogue)
    except Hangup as end:
        how = end.how
        if not dialogue.commands:
            _leftover(dialogue)
    except (ClientGone, ConnectionError):
        how = "client"
        _leftover(dialogue)
    except (ClientSilent, TimeoutError):
        how = "timeout"
        if whole is not None and whole.expired():
            dialogue.limited("limits.session_timeout", "the session took too long")
        _leftover(dialogue)
        await dialogue.say(own(421, "4.4.2 timeout, closing"))
    except asyncio.CancelledError:
        how = "shutdown"
        await dialogue.say(SHUTTING_DOWN)
    except proxy.ProxyError as error:
        log.warning("connection from a proxy refused: %s", error)
    except Exception:
        log.exception("session failed")
        await dialogue.say(own(421, "4.3.0 local trouble, try again later"))
    finally:
        if ip:
            context.tally.add(ip, -1)
            context.tally.add(network, -1)
        if dialogue.upstream is not None:
            dialogue.upstream.close()
        wire.close()
        if dialogue.peer.ip:
            try:
                await dialogue.abandon()
            finally:
                dialogue.emit(ev.Closed(session=dialogue.id, at=dialogue.now(), how=how))


async def _arrive(d: Dialogue) -> None:
    """Learn who the client is; a PROXY header counts from trusted addresses only."""
    ip, port = d.wire.peer
    local_ip, local_port = d.wire.local
    ip, local_ip = canonical_ip(ip), canonical_ip(local_ip)
    proxied = False
    trusted = [ipaddress.ip_network(n, strict=False) for n in d.settings.proxy_from]
    if trusted and any(ipaddress.ip_address(ip) in network for network in trusted):
        while (told := proxy.parse(d.wire.buffered)) is None:
            await d.wire.more(PROXY_TIMEOUT)
        if told[0]:
            ip, port, proxied = canonical_ip(told[0]), told[1], True
    d.peer = Peer(ip, port, local_ip, local_port)
    d.emit(
        ev.Opened(
            session=d.id,
            at=d.now(),
            relay=d.settings.name,
            ip=ip,
            port=port,
            local_ip=local_ip,
            local_port=local_port,
            proxied=proxied,
        )
    )


def _too_many(context: Context, ip: str, network: str) -> str:
    """The limit of sessions that is passed, "" for none."""
    limits, count = context.limits, context.tally.count
    if count(SESSIONS) > limits.sessions:
        return "sessions"
    if count(ip) > limits.sessions_per_ip:
        return "sessions_per_ip"
    return "sessions_per_network" if count(network) > limits.sessions_per_network else ""


async def _greet(d: Dialogue, network: str) -> None:
    """Limits, ruling, identity, and the upstream's own banner."""
    context = d.context
    if context.draining:
        await d.hang_up(SHUTTING_DOWN, "shutdown")
    if reached := _too_many(context, d.peer.ip, network):
        d.limited(f"limits.{reached}", "too many sessions at once")
        await d.hang_up(own(421, "4.7.0 too many connections, try again later"), "refused")
    early = bool(d.wire.buffered)
    if refusal := await d.rule("connect"):
        await d.hang_up(refusal, "refused")
    if d.settings.conduct.greet_delay and not early:
        with contextlib.suppress(ClientSilent):
            if not d.wire.buffered:  # something may have come while the hub was asked
                await d.wire.more(d.settings.conduct.greet_delay)
            if refusal := await d.rule("connect"):
                await d.hang_up(refusal, "refused")
    checking = Begun(context.checks.client(d.peer.ip))
    d.client = await d.hear(checking, ClientReport) or ClientReport(temporary=True)
    name = d.client.name
    d.peer = replace(
        d.peer,
        name=name if d.client.confirmed else None,
        temporary=d.client.temporary,
        reverse=name,
    )
    d.emit(
        ev.Named(
            session=d.id,
            at=d.now(),
            name=name,
            confirmed=d.client.confirmed,
            temporary=d.client.temporary,
        )
    )
    try:
        d.upstream, banner = await d.link.open(d.id, d.peer, d.now())
        context.met(True)
    except IdentityError as error:
        log.error("upstream %s %s: serving nobody", d.settings.upstream, error)
        d.found(finding("relay.upstream-down", f"the upstream {error}"))
        await d.hang_up(
            own(451, "4.3.5 this relay is not set up rightly, try again later"), "fault"
        )
    except UpstreamError as error:
        context.met(False)
        d.found(finding("relay.upstream-down", f"the upstream {error}"))
        await d.hang_up(own(421, UPSTREAM_DOWN), "upstream")
    await d.say(banner)
    if banner.code == 421:
        raise Hangup("upstream")
    d.phase = "ehlo"


def _leftover(d: Dialogue) -> None:
    """What was never served is still worth telling: a line without its end (a TLS ClientHello,
    say), and what was said before a greeting that did not come."""
    if d.peer.ip and d.wire.buffered and not d.transaction:
        line = bytes(d.wire.buffered).partition(b"\n")[0].removesuffix(b"\r")
        d.emit(
            ev.Command(
                session=d.id,
                at=d.now(),
                text=escape(line[:256]),
                size=len(line),
                pipelined=d.wire.early,
            )
        )
