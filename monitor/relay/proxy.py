"""The PROXY protocol, version 1 and 2: read in front of us, written (v2) to the upstream."""

from __future__ import annotations

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_HEADER = 4_096


class ProxyError(ValueError):
    """What came is no PROXY header."""


def header(ip: str, port: int, local_ip: str, local_port: int) -> bytes:
    """A version 2 header that tells of a TCP connection from ``ip`` to ``local_ip``."""
    source, target = ipaddress.ip_address(ip), ipaddress.ip_address(local_ip)
    if source.version != target.version:
        # The families must agree: the local side is then told as unspecified.
        target = ipaddress.ip_address("::" if source.version == 6 else "0.0.0.0")
    family = 0x11 if source.version == 4 else 0x21
    body = source.packed + target.packed + struct.pack("!HH", port, local_port)
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(body)) + body


def parse(buffer: bytearray) -> tuple[str, int] | None:
    """Take a header off ``buffer``; the client's address and port, or None for more bytes.

    ("", 0) stands for a connection of the proxy's own (LOCAL, UNKNOWN). Raises ProxyError.
    """
    if buffer[: len(SIGNATURE)] == SIGNATURE[: len(buffer)]:
        return _version2(buffer)
    if buffer[:6] == b"PROXY "[: len(buffer)]:
        return _version1(buffer)
    raise ProxyError("no PROXY header")


def _version2(buffer: bytearray) -> tuple[str, int] | None:
    if len(buffer) < 16:
        return None
    version, family, length = struct.unpack("!BBH", buffer[12:16])
    if version >> 4 != 2 or length > MAX_HEADER:
        raise ProxyError("unknown version")
    if len(buffer) < 16 + length:
        return None
    body = bytes(buffer[16 : 16 + length])
    del buffer[: 16 + length]
    if version & 0x0F == 0:
        return "", 0
    size = {0x11: 4, 0x21: 16}.get(family, 0)
    if not size or length < 2 * size + 4:
        raise ProxyError("not a TCP connection")
    (port,) = struct.unpack("!H", body[2 * size : 2 * size + 2])
    return str(ipaddress.ip_address(body[:size])), port


def _version1(buffer: bytearray) -> tuple[str, int] | None:
    end = buffer.find(b"\r\n")
    if end < 0:
        if len(buffer) > 107:
            raise ProxyError("header too long")
        return None
    fields = bytes(buffer[:end]).decode("ascii", "replace").split(" ")
    del buffer[: end + 2]
    if fields[1:2] == ["UNKNOWN"]:
        return "", 0
    try:
        _, family, source, _, port, _ = fields
        address = ipaddress.ip_address(source)
        if family not in ("TCP4", "TCP6") or not 0 <= int(port) <= 65_535:
            raise ValueError
    except ValueError:
        raise ProxyError("malformed header") from None
    return str(address), int(port)
