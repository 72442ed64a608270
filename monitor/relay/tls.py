"""TLS towards clients: our context, and what the client offers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from monitor.config import ConfigError, Tls

_VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_MINIMUM = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_CLIENT_HELLO = 1
_SUPPORTED_VERSIONS = 43
_SIGNALS = (0x00FF, 0x5600)  # SCSVs: not suites


@dataclass(frozen=True, slots=True)
class Offer:
    """What a ClientHello offers (RFC 8446 4.1.2): names where known, else hex."""

    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]


def server_context(tls: Tls, file: str) -> ssl.SSLContext:
    """A context for handshakes as server, with key and certificate from ``file``.

    Raises ssl.SSLError where they cannot be used, ConfigError for the ciphers.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.minimum_version = _MINIMUM[tls.minimum]
    if tls.ciphers:
        try:
            context.set_ciphers(tls.ciphers)
        except ssl.SSLError:
            raise ConfigError(
                f"tls.ciphers = {tls.ciphers!r}: OpenSSL knows none of these ciphers"
            ) from None
    return context


def accepted(context: ssl.SSLContext) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Protocols and cipher suites that we accept, by name."""
    protocols = tuple(
        name for name, version in _MINIMUM.items() if version >= context.minimum_version
    )
    return protocols, tuple(cipher["name"] for cipher in context.get_ciphers())


def watch_hello(context: ssl.SSLContext, hellos: list[bytes]) -> None:
    """Have the raw ClientHello of the next handshake with ``context`` appended to ``hellos``.

    CPython keeps the hook private; where it is gone, nothing is appended. Connections from
    earlier handshakes have a cipher, and are not heard.
    """

    def heard(by: Any, direction: str, _: Any, content: Any, kind: Any, data: bytes) -> None:
        hello = direction == "read" and int(content) == 22 and int(kind) == _CLIENT_HELLO
        if hello and by.cipher() is None:
            hellos.append(bytes(data))

    if hasattr(type(context), "_msg_callback"):
        context._msg_callback = heard  # type: ignore[attr-defined]


def parse_hello(hello: bytes, names: dict[int, str]) -> Offer | None:
    """What a ClientHello handshake message offers; None where it does not parse.

    ``names`` gives suites' names by number (:func:`suite_names`).
    """
    try:
        at = 4 + 2 + 32
        legacy = int.from_bytes(hello[4:6])
        at += 1 + hello[at]
        length = int.from_bytes(hello[at : at + 2])
        raw = hello[at + 2 : at + 2 + length]
        suites = [int.from_bytes(raw[i : i + 2]) for i in range(0, length, 2)]
        at += 2 + length
        at += 1 + hello[at]
        # Without the extension a hello names the highest version only.
        versions = _supported_versions(hello[at + 2 :]) or [legacy]
    except IndexError:
        return None
    return Offer(
        tuple(_VERSIONS[v] for v in sorted(versions) if v in _VERSIONS),
        tuple(names.get(s, f"0x{s:04X}") for s in suites if s not in _SIGNALS and not _grease(s)),
    )


def suite_names() -> dict[int, str]:
    """Names of the suites that the OpenSSL in use knows, by number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {cipher["id"] & 0xFFFF: cipher["name"] for cipher in context.get_ciphers()}


def _supported_versions(extensions: bytes) -> list[int]:
    at = 0
    while at + 4 <= len(extensions):
        kind = int.from_bytes(extensions[at : at + 2])
        length = int.from_bytes(extensions[at + 2 : at + 4])
        if kind == _SUPPORTED_VERSIONS:
            body = extensions[at + 5 : at + 4 + length]
            return [int.from_bytes(body[i : i + 2]) for i in range(0, len(body), 2)]
        at += 4 + length
    return []


def _grease(suite: int) -> bool:
    return suite & 0x0F0F == 0x0A0A and suite >> 8 == suite & 0xFF
