"""A page for Prometheus, on a loopback port or a Unix socket: HTTP, as little as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from monitor.config import split_address

log = logging.getLogger(__name__)

TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_HEAD = 8_192  # bytes of a request
MAX_CLIENTS = 16
PATIENCE = 5.0  # seconds for a request and its answer


# Gone, silent, endless, or cut off by our own end: there is nobody to tell.
_GONE = (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError)


class ExporterError(Exception):
    """The page cannot be offered; the text is for the operator."""


class Exporter:
    """Gives the page that ``render`` makes to those who ask for ``/metrics``."""

    def __init__(self, render: Callable[[], bytes]) -> None:
        self._render = render
        self._clients = 0
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def start(self, listen: str) -> None:
        """Listen on ``ADDR:PORT`` or a Unix socket's path. Raises ExporterError."""
        try:
            if listen.startswith("/"):
                self._path = Path(listen)
                self._server = await asyncio.start_unix_server(
                    self._serve, sock=_unix(self._path), limit=MAX_HEAD
                )
            else:
                host, port = split_address(listen)
                self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD)
        except OSError as error:
            raise ExporterError(f"metrics.listen = {listen}: {error.strerror or error}") from None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, if not on a Unix socket."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            with contextlib.suppress(*_GONE):
                if self._clients <= MAX_CLIENTS:
                    async with asyncio.timeout(PATIENCE):
                        writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                        await writer.drain()
        finally:
            self._clients -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"GET only\n")
        if path != b"/metrics":
            return _response("404 Not Found", b"see /metrics\n")
        try:
            page = self._render()
        except Exception:
            log.exception("metrics failed")
            return _response("500 Internal Server Error", b"see the log\n")
        return _response("200 OK", page, TYPE, bare=method == b"HEAD")


def _response(status: str, body: bytes, kind: str = "text/plain", *, bare: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (b"" if bare else body)


def _unix(path: Path) -> socket.socket:
    """A socket at ``path`` for our user and group, in the place of one that is left over."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(before)
    return sock
