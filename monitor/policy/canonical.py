"""One form for each thing that a list names, so that no spelling dodges it.

``canonical(kind, value)`` is used when an entry is made and when a session is matched. It
raises ValueError with a sentence for the operator.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

import idna

from monitor.policy.entry import Kind
from monitor.text import unescape

NULL_SENDER = "<>"

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SPECIAL = re.compile(r'["\\]')
_ATEXT = re.compile(r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]+")


def canonical(kind: Kind, value: str) -> str:
    """``value`` in the one form that is stored and matched."""
    value = value.strip()
    match kind:
        case "ip":
            return address(value)
        case "net":
            return network(value)
        case "sender":
            return sender(value)
        case _:
            return domain(value)


def address(value: str) -> str:
    """An IPv4 address as it is; an IPv6 one as its /64, which one host commands as a whole."""
    try:
        ip = ipaddress.ip_address(value.strip("[]").partition("%")[0])
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address, such as 192.0.2.7") from None
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def network(value: str) -> str:
    """A network in CIDR form, host bits cleared, IPv4-mapped ranges as IPv4."""
    try:
        net = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is not a network, such as 192.0.2.0/24") from None
    mapped = getattr(net.network_address, "ipv4_mapped", None)
    if mapped is not None and net.prefixlen >= 96:
        return str(ipaddress.ip_network((mapped, net.prefixlen - 96), strict=False))
    return str(net)


def domain(value: str) -> str:
    """A domain or HELO name as lower-case A-labels; an address literal as its address."""
    if value.startswith("[") and value.endswith("]"):
        return f"[{address(value[1:-1].removeprefix('IPv6:').removeprefix('ipv6:'))}]"
    if "\\" in value:  # invisible characters, as ``printable`` shows them
        value = unescape(value).decode("utf-8", "replace")
    name = value.rstrip(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except UnicodeError:
            raise ValueError(f"{value!r} is not a domain name") from None
    if not name or len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{value!r} is not a domain name, such as mail.example.org")
    return name


def sender(value: str) -> str:
    """An address: domain as A-labels, ``"a"@x`` as ``a@x``; ``<>`` is the null reverse-path.

    The local part is compared without regard to case, or to how its accents are composed:
    a ban that a capital letter dodges is none.
    """
    if value in ("", "<>"):
        return NULL_SENDER
    bare = value.removeprefix("<").removesuffix(">")
    if bare.startswith("@"):
        bare = bare.partition(":")[2]
    local, at, host = bare.rpartition("@")
    if not at or not local or not local.isprintable():
        raise ValueError(f"{value!r} is not an address, such as a@example.org")
    quoted = _QUOTED.fullmatch(local)
    if quoted:
        local = re.sub(r"\\(.)", r"\1", quoted[1])
    elif not _ATEXT.fullmatch(local):
        raise ValueError(f"{value!r} is not an address, such as a@example.org")
    return f"{_spelt(_caseless(local))}@{domain(host)}"


def mailbox(canonical_sender: str) -> str:
    """The address without its sub-address: that of ``a`` for ``a+news``."""
    local, at, host = canonical_sender.rpartition("@")
    quoted = _QUOTED.fullmatch(local)
    plain = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local
    main, plus, _ = plain.partition("+")
    return f"{_spelt(main)}@{host}" if at and main and plus else canonical_sender


def _spelt(local: str) -> str:
    """A local part in the one spelling of its own: quoted where it must be."""
    if _ATEXT.fullmatch(local):
        return local
    return '"' + _SPECIAL.sub(r"\\\g<0>", local) + '"'


def _caseless(text: str) -> str:
    """Unicode's canonical caseless form (Unicode 3.13, D145), composed."""
    folded = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", folded)
