"""The MTA-STS policy file over HTTPS, as RFC 8461 3.3 wants it: verified, whole, not redirected."""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from monitor.doctor.transport import Published
from monitor.relay.trust import known_certificate
from monitor.text import printable

__all__ = ["PATH", "fetch", "read"]

PATH = "/.well-known/mta-sts.txt"
TIMEOUT = 5.0  # seconds in all
MAX_RESPONSE = 80 * 1024  # octets; the policy itself 64 KiB (RFC 8461 3.3)
MAX_POLICY = 64 * 1024


async def fetch(host: str, addresses: Sequence[str], port: int = 443) -> Published:
    """GET the policy from ``host`` at the first of its addresses that answers."""
    why = f"{host} has no address"
    for address in addresses:
        try:
            async with asyncio.timeout(TIMEOUT / len(addresses)):
                return read(await _get(host, address, port))
        except TimeoutError:
            why = f"{address} did not answer in time"
        except ssl.SSLCertVerificationError as error:
            return Published(fault=printable(f"certificate of {host}: {error.verify_message}", 200))
        except (OSError, ValueError) as error:
            why = printable(f"{address}: {getattr(error, 'strerror', None) or error}", 200)
    return Published(fault=why)


async def _get(host: str, address: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(
        address, port, ssl=known_certificate(), server_hostname=host
    )
    try:
        request = f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mxtap\r\nConnection: close"
        writer.write(request.encode("ascii") + b"\r\n\r\n")
        received = b""
        while len(received) < MAX_RESPONSE and (piece := await reader.read(MAX_RESPONSE)):
            received += piece
        return received[:MAX_RESPONSE]
    finally:
        writer.transport.abort()


class _Received:
    """Bytes in the place of the socket that :class:`http.client.HTTPResponse` reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def read(response: bytes) -> Published:
    """The policy in an HTTP response; what is no 200 with a whole body is a fault."""
    parsed = http.client.HTTPResponse(_Received(response))  # type: ignore[arg-type]
    try:
        parsed.begin()
        body = parsed.read()
    except http.client.HTTPException as error:
        return Published(fault=f"not a whole HTTP response ({type(error).__name__})")
    date = _epoch(parsed.getheader("Date", ""))
    if parsed.status != 200:
        return Published(fault=f"HTTP status {parsed.status}", date=date)
    if len(body) > MAX_POLICY:
        return Published(fault=f"more than {MAX_POLICY // 1024} KiB", date=date)
    kind = printable(parsed.getheader("Content-Type", ""), 80)
    return Published(text=body.decode("utf-8", "replace"), kind=kind, date=date)


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
