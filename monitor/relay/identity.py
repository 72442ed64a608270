"""Who the client is, told to the upstream; and what holds where that cannot be told.

A proxy on loopback sits inside the upstream's trusted networks. If its identity step fails
and it carried on, the whole world could relay. So it fails closed: see :class:`Guard`.
"""

from __future__ import annotations

import ipaddress
import re
import time
from functools import lru_cache
from typing import Literal

import msgspec

from monitor.config import Settings
from monitor.relay.replies import Answer
from monitor.relay.upstream import Upstream, UpstreamError

# What a server answers to an XCLIENT that it does not allow or understand. Any other reply
# is its banner for the client that it now sees, a refusal of that client included.
REFUSED = (500, 501, 502, 503, 504, 550)

ASK_AGAIN = 60.0  # seconds until an upstream that offered no XCLIENT is asked again
PROBE = b"mxtap-open-relay-probe@example.com"

Method = Literal["", "xclient", "proxy", "none"]

NEXT = 5.0  # seconds for an upstream that stands to take the next client of a session

_XTEXT = re.compile(rb"[^!-*,-<>-~]")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?=.*[a-z_-])(?=.{{1,255}}\Z){_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)


class IdentityError(UpstreamError):
    """The upstream does not take the client's identity, though it must."""


class Peer(msgspec.Struct, frozen=True):
    """The client as the upstream is to see it."""

    ip: str
    port: int
    local_ip: str
    local_port: int
    name: str | None = None
    temporary: bool = False
    reverse: str | None = None  # the PTR name, confirmed or not


def xtext(value: str) -> bytes:
    """``value`` as xtext (RFC 3461 4)."""
    return _XTEXT.sub(lambda m: b"+%02X" % m[0][0], value.encode("utf-8", "replace"))


def xclient(peer: Peer, offered: tuple[str, ...]) -> bytes:
    """The XCLIENT command for what the upstream takes.

    Each attribute is told, be there a value or not: what is left out stays as it was, for the
    client before or for mxtap itself.
    """
    unavailable = "[TEMPUNAVAIL]" if peer.temporary else "[UNAVAILABLE]"
    known = {
        "NAME": _host(peer.name) or unavailable,
        "REVERSE_NAME": _host(peer.reverse) or unavailable,
        "ADDR": f"IPV6:{peer.ip}" if ":" in peer.ip else peer.ip,
        "PORT": str(peer.port),
    }
    parts = [
        key.encode() + b"=" + (value.encode() if value is unavailable else xtext(value))
        for key, value in known.items()
        if key in offered
    ]
    return b"XCLIENT " + b" ".join(parts)


def _host(name: str | None) -> str | None:
    """``name`` where Postfix takes it for one (its valid_hostname); it refuses all else."""
    return name if name and _HOST.fullmatch(name) else None


def offer(ehlo: Answer, keyword: str) -> tuple[str, ...] | None:
    """The parameters of ``keyword`` in an EHLO reply; None where it is not offered."""
    for line in ehlo.lines[1:]:
        words = line.decode("ascii", "replace").upper().split()
        if words and words[0] == keyword:
            return tuple(words[1:])
    return None


class Guard:
    """Remembers how identity travels, so that it can never silently cease to.

    ``identity = "auto"`` takes XCLIENT as soon as the upstream once offered it, and from
    then on demands it. Where an upstream takes no identity at all, sessions are served
    only if it would not relay for mxtap's own address, or on loopback listeners.
    """

    def __init__(self, settings: Settings, exposed: bool) -> None:
        self.method: Method = "" if settings.identity == "auto" else settings.identity
        self._auto = settings.identity == "auto"
        self._exposed = exposed
        self._limits = settings.limits
        self._name = settings.name.encode("idna" if not settings.name.isascii() else "ascii")
        self._without = float("-inf")  # when the upstream was last found to offer none
        self.relays: bool | None = None  # would the upstream relay for our own address?

    @property
    def asks(self) -> bool:
        """True where a session must be introduced before its client may speak."""
        if self.method in ("proxy", "none"):
            return False
        return bool(self.method) or time.monotonic() - self._without > ASK_AGAIN

    async def introduce(self, upstream: Upstream, peer: Peer) -> Answer | None:
        """Tell the upstream who the client is; its banner for that client.

        None where it takes no identity: it then heard mxtap's name in this session, which
        is of no use to the client. Raises IdentityError: nobody must then be served.
        """
        ehlo = await upstream.ask(b"EHLO " + self._name, self._limits.upstream_reply)
        offered = offer(ehlo, "XCLIENT")
        if offered is None or "ADDR" not in offered:
            if self.method == "xclient":
                raise IdentityError(
                    "no longer offers XCLIENT ADDR" if self._auto else "offers no XCLIENT ADDR"
                )
            await self._probe(upstream)
            self._without = time.monotonic()
            return None
        if self._auto:
            self.method = "xclient"
        banner = await upstream.ask(xclient(peer, offered), self._limits.upstream_reply)
        if banner.code in REFUSED:
            raise IdentityError("refused XCLIENT")
        upstream.takes = offered
        return banner

    async def introduce_next(self, upstream: Upstream, peer: Peer) -> Answer | None:
        """The same in a session that had another client, whom this one replaces whole.

        None where it does not begin anew.
        """
        patience = min(NEXT, self._limits.upstream_reply)
        banner = await upstream.ask(xclient(peer, upstream.takes), patience)
        begins = banner.code == 220 or banner.code >= 400
        return banner if begins and banner.code not in (421, *REFUSED) else None

    async def _probe(self, upstream: Upstream) -> None:
        """Ask with RCPT whether the upstream relays for us; no message is ever sent."""
        if self.relays is None:
            timeout = self._limits.upstream_reply
            mail = await upstream.ask(b"MAIL FROM:<>", timeout)
            rcpt = await upstream.ask(b"RCPT TO:<" + PROBE + b">", timeout)
            await upstream.ask(b"RSET", timeout)
            self.relays = mail.positive and rcpt.positive
        if self.relays and self._exposed:
            raise IdentityError(
                "would relay to foreign domains for mxtap's own address and takes no XCLIENT"
            )


@lru_cache(maxsize=8_192)
def canonical_ip(ip: str) -> str:
    """``ip`` without scope id, and as IPv4 where it is an IPv4-mapped IPv6 address."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
