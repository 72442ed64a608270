"""Connect to a server by TCP: at once where that is possible, as on the same machine it is."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from monitor.relay.plain import Plain

P = TypeVar("P", bound=asyncio.Protocol)


async def dial(factory: Callable[[], P], host: str, port: int, timeout: float) -> P:
    """A connection's protocol object. Raises OSError; TimeoutError after ``timeout`` seconds."""
    loop = asyncio.get_running_loop()
    if not _is_address(host):
        async with asyncio.timeout(timeout):
            sock = await _named(host, port)
    else:
        sock, stands = _begin(host, port)
        if not stands:
            async with asyncio.timeout(timeout):
                await _connect(sock, (host, port))
    protocol = factory()
    Plain(loop, sock, protocol, {"peername": (host, port)})
    return protocol


async def _named(host: str, port: int) -> socket.socket:
    """A connection to the first of the host's addresses that takes one. Raises OSError."""
    failed: OSError = ConnectionError(f"{host} has no address")
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in found:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await _connect(sock, address)
        except OSError as error:
            failed = error
        else:
            return sock
    raise failed


async def _connect(sock: socket.socket, address: Any) -> None:
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise


def _begin(host: str, port: int) -> tuple[socket.socket, bool]:
    """A socket that connects, and whether it has done so. Raises OSError where it cannot.

    On the same machine a connection stands as soon as it is begun, which the second call tells:
    a wait, and the system calls for that, are for connections to other machines.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    error = sock.connect_ex((host, port)) and sock.connect_ex((host, port))
    if error not in (0, errno.EALREADY, errno.EINPROGRESS):
        sock.close()
        raise OSError(error, os.strerror(error))
    return sock, error == 0


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
