"""A TLS handshake as a bystander sees it: hellos and alerts are in the clear, the rest is not."""

from __future__ import annotations

from monitor import events as ev
from monitor.capture.streams import Side
from monitor.relay.tls import Offer, parse_hello, suite_names

MAX_KEPT = 64 * 1024  # octets of each side that are looked at

_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _APPLICATION = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_SEALED_ALERT = 19  # octets of an alert in a TLS 1.3 record: 2, its type, and a tag of 16
_VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_ALERTS = {
    10: "unexpected message",
    20: "bad record MAC",
    22: "record overflow",
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    49: "access denied",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    90: "user cancelled",
    109: "missing extension",
    112: "unrecognised name",
    116: "certificate required",
    120: "no application protocol",
}


class Handshake:
    """Tells once how the handshake went, as soon as that is plain."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._buffers: dict[Side, bytearray] = {"client": bytearray(), "server": bytearray()}
        self._kept = {"client": 0, "server": 0}
        self._hello = b""
        self._agreed: tuple[str, str] | None = None
        self._settled = False

    def feed(self, at: float, side: Side, octets: bytes) -> ev.Secured | ev.TlsFailed | None:
        """Take what ``side`` sent; the outcome when it became known by that."""
        if self._settled or self._kept[side] > MAX_KEPT:
            return None
        self._kept[side] += len(octets)
        buffer = self._buffers[side]
        buffer += octets
        while len(buffer) >= 5:
            length = int.from_bytes(buffer[3:5])
            if len(buffer) < 5 + length:
                break
            kind, body = buffer[0], bytes(buffer[5 : 5 + length])
            del buffer[: 5 + length]
            if outcome := self._record(at, side, kind, body):
                self._settled = True
                return outcome
        return None

    def blind(self) -> None:
        """Some of it was not captured: its outcome will not be known."""
        self._settled = True

    def closed(self, at: float) -> ev.TlsFailed | None:
        """The connection is over: the outcome, if it was not known before."""
        if self._settled:
            return None
        self._settled = True
        return self._failed(at, "the connection was closed in the handshake")

    def _record(
        self, at: float, side: Side, kind: int, body: bytes
    ) -> ev.Secured | ev.TlsFailed | None:
        if kind == _ALERT and len(body) == 2 and body[0] == 2:
            alert = _ALERTS.get(body[1], f"alert {body[1]}")
            return self._failed(at, f"{alert}, said the {side}", alert)
        if kind == _HANDSHAKE and side == "client" and body[:1] == bytes([_CLIENT_HELLO]):
            self._hello = self._hello or body
        elif kind == _HANDSHAKE and side == "server" and body[:1] == bytes([_SERVER_HELLO]):
            self._agreed = _agreed(body)
        elif kind == _APPLICATION and side == "client" and self._agreed:
            if self._agreed[0] == "TLSv1.3" and len(body) == _SEALED_ALERT:
                return self._failed(at, "the client broke it off with an alert")
            protocol, cipher = self._agreed
            offer = self._offer()
            return ev.Secured(
                session=self._session,
                at=at,
                side="client",
                protocol=protocol,
                cipher=cipher,
                offered_ciphers=offer.ciphers if offer else None,
            )
        return None

    def _offer(self) -> Offer | None:
        return parse_hello(self._hello, suite_names()) if self._hello else None

    def _failed(self, at: float, reason: str, alert: str = "") -> ev.TlsFailed:
        offer = self._offer()
        return ev.TlsFailed(
            session=self._session,
            at=at,
            side="client",
            reason=reason,
            alert=alert,
            offered_protocols=offer.protocols if offer else None,
            offered_ciphers=offer.ciphers if offer else None,
        )


def _agreed(hello: bytes) -> tuple[str, str] | None:
    """Protocol and cipher suite of a ServerHello (RFC 8446 4.1.3); None when it is cut."""
    try:
        version = int.from_bytes(hello[4:6])
        at = 38 + 1 + hello[38]
        suite = int.from_bytes(hello[at : at + 2])
        extensions = hello[at + 5 :]
    except IndexError:
        return None
    while len(extensions) >= 4:
        kind, length = int.from_bytes(extensions[:2]), int.from_bytes(extensions[2:4])
        if kind == 43:  # supported_versions
            version = int.from_bytes(extensions[4:6])
        extensions = extensions[4 + length :]
    return _VERSIONS.get(version, f"0x{version:04X}"), suite_names().get(suite, f"0x{suite:04X}")
