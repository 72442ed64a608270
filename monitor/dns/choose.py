"""Which resolver the settings ask for."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import dns.exception
import dns.resolver

from monitor.config import ConfigError, Settings, split_address
from monitor.dns import Resolver
from monitor.dns.anchors import AnchorError, load_anchors
from monitor.dns.resolver import LiveResolver
from monitor.dns.validate import Anchors
from monitor.dns.zone import Zone

__all__ = ["open_resolver"]


def open_resolver(settings: Settings) -> Resolver:
    """The zone file's, the given server's or the machine's resolver.

    Raises ZoneError for a zone file, and ConfigError for a server or trust anchors that
    cannot be used.
    """
    if settings.dns.zone is not None:
        return Zone.load(settings.dns.zone)
    servers = [_given(settings.dns.server)] if settings.dns.server else _machine_servers()
    return LiveResolver(
        servers,
        timeout=settings.dns.timeout,
        cache=settings.dns.cache,
        trust_ad=settings.dns.trust_ad,
        anchors=_anchors(settings.dns.anchors) if settings.dns.dnssec == "local" else None,
    )


def _anchors(path: Path | None) -> Anchors:
    try:
        return load_anchors(path)
    except AnchorError as error:
        raise ConfigError(f"dns.anchors = {path}: {error}") from None


def _given(server: str) -> tuple[str, int]:
    host, port = split_address(server)
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise ConfigError(f"dns.server = {server!r}: give the address of the resolver") from None


def _machine_servers() -> list[tuple[str, int]]:
    try:
        machine = dns.resolver.Resolver()
    except dns.exception.DNSException:
        return [("127.0.0.1", 53)]  # as resolv.conf(5) says of a machine that names none
    return [(str(server), machine.port) for server in machine.nameservers] or [("127.0.0.1", 53)]
