"""Ports and waiting."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, and that no client of another gets either."""
    while True:
        port = random.randrange(15_000, 32_000)  # below what the kernel gives to clients
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind((host, port))
            return port


def listens(port: int) -> bool:
    """True where somebody listens on this port; no connection is made."""
    return f" 0100007F:{port:04X} 00000000:0000 0A " in Path("/proc/net/tcp").read_text()


def wait_until(ready: Callable[[], object], seconds: float) -> None:
    """Ask again and again until ``ready`` is true. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {ready}")
        time.sleep(0.02)


class Dialogue:
    """A client that says just the bytes that it is told to, from the address it is told.

    Reads are bounded by ``timeout`` seconds and raise TimeoutError past it.
    """

    def __init__(self, port: int, source: str = "127.0.0.1", timeout: float = 15) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout, source_address=(source, 0)
        )
        self._buffer = b""

    def __enter__(self) -> Dialogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send ``data`` as it is."""
        self.socket.sendall(data)

    def reply(self) -> bytes:
        """The next reply, all its lines; b"" when the other side has closed."""
        lines = b""
        while True:
            line = self._line()
            lines += line
            if not line or line[3:4] != b"-":
                return lines

    def say(self, line: bytes) -> bytes:
        """Send a command line, and give its reply."""
        self.send(line + b"\r\n")
        return self.reply()

    def rest(self) -> bytes:
        """Everything until the other side closes."""
        data, self._buffer = self._buffer, b""
        with contextlib.suppress(ConnectionError):
            while piece := self.socket.recv(65536):
                data += piece
        return data

    def envelope(self, recipient: bytes, sender: bytes = b"a@sender.test") -> None:
        """Greet, and get ready for content: the banner up to the 354."""
        for line, code in (
            (b"", b"220"),
            (b"EHLO client.sender.test", b"250"),
            (b"MAIL FROM:<" + sender + b">", b"250"),
            (b"RCPT TO:<" + recipient + b">", b"250"),
            (b"DATA", b"354"),
        ):
            answer = self.say(line) if line else self.reply()
            assert answer.startswith(code), (line, answer)

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                line, self._buffer = self._buffer, b""
                return line
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line + b"\n"
