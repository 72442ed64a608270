"""Connect to a server by TCP: at once where that is possible, as on the same machine it is."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

P = TypeVar("P", bound=asyncio.BaseProtocol)


async def dial(factory: Callable[[], P], host: str, port: int, timeout: float) -> P:
    """A connection's protocol object. Raises OSError; TimeoutError after ``timeout`` seconds."""
    loop = asyncio.get_running_loop()
    if not _is_address(host):
        async with asyncio.timeout(timeout):
            return (await loop.create_connection(factory, host, port))[1]
    sock, stands = _begin(host, port)
    try:
        if not stands:
            async with asyncio.timeout(timeout):
                await loop.sock_connect(sock, (host, port))
        return (await loop.create_connection(factory, sock=sock))[1]
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
