"""postgrey's whitelist files: clients and recipients that are never greylisted.

One pattern a line; ``#`` begins a comment. Clients: a name (and all below it), an address,
the first octets of one, a network, or a ``/regular expression/`` over the name or address.
Recipients: ``user@`` at any domain, ``user@domain``, a domain (and all below it), or a
``/regular expression/``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path

from monitor.config import ConfigError, Greylist
from monitor.findings.answers import canonical

MAX_SIZE = 4 * 1024 * 1024  # octets of a file
MAX_LINES = 100_000
MAX_PATTERNS = 2_000  # regular expressions and networks: each costs time at each attempt

_OCTETS = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}\.?")
_NAME = re.compile(r"[\w.-]{1,255}")


class Whitelist:
    """What the files say. Raises ValueError that names the line where one is wrong."""

    def __init__(self, clients: str = "", recipients: str = "") -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._client_patterns: list[re.Pattern[str]] = []
        self._recipients: set[str] = set()
        self._recipient_patterns: list[re.Pattern[str]] = []
        self.add_clients(clients)
        self.add_recipients(recipients)

    def add_clients(self, text: str) -> None:
        """Take in a whitelist of clients."""
        for number, line in _lines(text):
            try:
                self._add_client(line)
            except (ValueError, re.error) as error:
                raise ValueError(f"line {number}: {line[:80]!r}: {error}") from None

    def add_recipients(self, text: str) -> None:
        """Take in a whitelist of recipients."""
        for number, line in _lines(text):
            try:
                if line.startswith("/"):
                    self._recipient_patterns.append(_pattern(line, len(self._recipient_patterns)))
                elif " " in line or line.count("@") > 1:
                    raise ValueError("is no recipient")
                else:
                    self._recipients.add(canonical(line))
            except (ValueError, re.error) as error:
                raise ValueError(f"line {number}: {line[:80]!r}: {error}") from None

    def _add_client(self, line: str) -> None:
        if line.startswith("/"):
            self._client_patterns.append(_pattern(line, len(self._client_patterns)))
        elif "/" in line or ":" in line or re.fullmatch(r"[\d.]+", line):
            if len(self._networks) >= MAX_PATTERNS:
                raise ValueError(f"more than {MAX_PATTERNS} networks")
            self._networks.append(_network(line))
        elif _NAME.fullmatch(line):
            self._names.add(canonical(line.lstrip(".")))
        else:
            raise ValueError("is no name, address, network or /pattern/")

    def has_client(self, ip: str, name: str | None) -> bool:
        """Whether a client is listed; ``name`` is its forward-confirmed PTR name."""
        host = canonical(name or "")
        if host and any(part in self._names for part in _above(host)):
            return True
        address = ipaddress.ip_address(ip)
        if any(address.version == n.version and address in n for n in self._networks):
            return True
        return any(p.search(ip) or (host and p.search(host[:255])) for p in self._client_patterns)

    def has_recipient(self, address: str) -> bool:
        """Whether a recipient is listed."""
        if not self._recipients and not self._recipient_patterns:
            return False
        whole = canonical(address)[:320]
        local, _, domain = whole.rpartition("@")
        if {whole, f"{local}@", f"{local.partition('+')[0]}@"} & self._recipients:
            return True
        if any(part in self._recipients for part in _above(domain)):
            return True
        return any(pattern.search(whole) for pattern in self._recipient_patterns)


def load(rules: Greylist) -> Whitelist:
    """The whitelist of the settings' files. Raises ConfigError."""
    whitelist = Whitelist()
    for key, paths, add in (
        ("whitelist", rules.whitelist, whitelist.add_clients),
        ("whitelist_recipients", rules.whitelist_recipients, whitelist.add_recipients),
    ):
        for path in paths:
            try:
                add(_read(path))
            except OSError as error:
                raise ConfigError(f"greylist.{key}: {path}: {error.strerror}") from None
            except ValueError as error:
                raise ConfigError(f"greylist.{key}: {path}: {error}") from None
    return whitelist


def _read(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAX_SIZE + 1)
    if len(raw) > MAX_SIZE:
        raise ValueError(f"larger than {MAX_SIZE} octets")
    return raw.decode("utf-8", "replace")


def _lines(text: str) -> Iterable[tuple[int, str]]:
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ValueError(f"line {number}: more than {MAX_LINES} lines")
        line = raw.strip()
        if not line.startswith("/"):
            line = line.partition("#")[0].strip()
        if line:
            yield number, line


def _pattern(line: str, count: int) -> re.Pattern[str]:
    if count >= MAX_PATTERNS:
        raise ValueError(f"more than {MAX_PATTERNS} patterns")
    inner, slash, behind = line[1:].rpartition("/")
    if not slash or behind.strip().partition("#")[0]:
        raise ValueError("a pattern ends with /")
    return re.compile(inner, re.IGNORECASE)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if _OCTETS.fullmatch(text):
        octets = text.rstrip(".").split(".")
        text = ".".join(octets + ["0"] * (4 - len(octets))) + f"/{8 * len(octets)}"
    return ipaddress.ip_network(text, strict=False)


def _above(name: str) -> Iterable[str]:
    """A name and every domain above it."""
    while name:
        yield name
        name = name.partition(".")[2]
