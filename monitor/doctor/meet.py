"""SMTP sessions of the doctor: with the upstream, and with our MX hosts. No message is sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from monitor.config import Settings
from monitor.doctor.records import STRANGER
from monitor.doctor.transport import Host
from monitor.doctor.upstream import Meeting
from monitor.relay.identity import PROBE, Guard, Peer, offer
from monitor.relay.link import Link
from monitor.relay.replies import Answer
from monitor.relay.trust import any_certificate, known_certificate
from monitor.relay.upstream import Upstream, UpstreamError
from monitor.text import printable

__all__ = ["as_ourselves", "as_stranger", "meet_host"]

TIMEOUT = 7.0  # seconds for a session; more than the greet delays in use
REPLY = 5.0
MAX_REPLY = 200  # characters shown


async def as_ourselves(settings: Settings) -> Meeting:
    """Meet the upstream without telling it of a client."""
    return await _meet(settings.model_copy(update={"identity": "none"}))


async def as_stranger(settings: Settings) -> Meeting | None:
    """Meet it as the relay does for a client of a foreign network; None where it cannot."""
    return None if settings.identity == "none" else await _meet(settings)


async def _meet(settings: Settings) -> Meeting:
    """Connect, TLS and identity are the relay's own (:class:`Link`)."""
    guard = Guard(settings, exposed=False)
    link = Link(settings, guard, lambda event: None)
    peer = Peer(STRANGER, 1_025, STRANGER, 25)
    met = Meeting()
    upstream: Upstream | None = None
    try:
        async with asyncio.timeout(TIMEOUT):
            upstream, banner = await link.open("doctor", peer, time.time())
            met = Meeting(banner=_shown(banner), identity=_shown(banner) if guard.method else "")
            if banner.code != 220:
                return replace(met, identified=guard.method == "xclient")
            name = settings.name.encode("idna" if not settings.name.isascii() else "ascii")
            ehlo = await upstream.ask(b"EHLO " + name, REPLY)
            words = (line.decode("ascii", "replace").split(" ")[0] for line in ehlo.lines[1:])
            identified = ehlo.positive and guard.method in ("xclient", "proxy")
            met = replace(met, keywords=tuple(map(str.upper, words)), identified=identified)
            return replace(met, relays=await _relays(upstream))
    except TimeoutError:
        return replace(met, fault="did not answer in time")
    except UpstreamError as error:
        return replace(met, fault=printable(str(error), MAX_REPLY), relays=guard.relays)
    finally:
        if upstream is not None:
            upstream.abort()


async def _relays(upstream: Upstream) -> bool | None:
    """Ask with RCPT for a foreign domain; None where it was not to be asked now (4xx to MAIL)."""
    mail = await upstream.ask(b"MAIL FROM:<>", REPLY)
    if not mail.positive:
        return None
    rcpt = await upstream.ask(b"RCPT TO:<" + PROBE + b">", REPLY)
    with contextlib.suppress(UpstreamError):  # what matters is known
        await upstream.ask(b"RSET", REPLY)
        await upstream.ask(b"QUIT", REPLY)
    return rcpt.positive


async def meet_host(name: str, addresses: Sequence[str], port: int) -> Host:
    """The certificate that an MX host shows, and whether this machine's roots trust it."""
    seen, verified = await asyncio.gather(
        _shake(name, addresses, port, any_certificate()),
        _shake(name, addresses, port, known_certificate()),
    )
    return Host(
        name=name,
        fault=seen if isinstance(seen, str) else "",
        chain=() if isinstance(seen, str) else seen,
        distrust=verified if isinstance(verified, str) else "",
    )


async def _shake(
    name: str, addresses: Sequence[str], port: int, context: ssl.SSLContext
) -> tuple[bytes, ...] | str:
    """The chain by STARTTLS from the first address that answers, else why there is none."""
    why = "has no address"
    for address in addresses:
        upstream: Upstream | None = None
        try:
            async with asyncio.timeout(TIMEOUT / len(addresses)):
                upstream = await Upstream.connect(address, port, TIMEOUT)
                banner = await upstream.reply(TIMEOUT)
                if banner.code != 220:
                    return _shown(banner)
                ehlo = await upstream.ask(b"EHLO mxtap-doctor.invalid", TIMEOUT)
                if offer(ehlo, "STARTTLS") is None:
                    return "offers no STARTTLS"
                answer = await upstream.ask(b"STARTTLS", TIMEOUT)
                if answer.code != 220:
                    return _shown(answer)
                await upstream.start_tls(context, name, TIMEOUT)
                return _chain(upstream.tls)
        except TimeoutError:
            why = f"{address} port {port} did not answer in time"
        except UpstreamError as error:
            why = printable(f"{address} port {port} {error}", MAX_REPLY)
        finally:
            if upstream is not None:
                upstream.abort()
    return why


def _chain(tls: Any) -> tuple[bytes, ...]:
    """The certificates that were shown, as DER.

    Python has a public way from 3.13 on; where there is neither that nor the private one,
    the host's own must do.
    """
    if hasattr(tls, "get_unverified_chain"):
        return tuple(tls.get_unverified_chain())
    inner: Any = getattr(tls, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):
        return tuple(
            ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in inner.get_unverified_chain()
        )
    return (tls.getpeercert(binary_form=True),)


def _shown(answer: Answer) -> str:
    return printable(f"{answer.code} ".encode() + answer.text, MAX_REPLY)
