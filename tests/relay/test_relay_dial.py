"""Connecting: at once on the same machine, by a deadline to others, and with the fault told."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from monitor.relay.dial import dial


class Met(asyncio.Protocol):
    """Keeps its transport."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


class Slow(socket.socket):
    """Does not tell at once that it is connected."""

    def connect_ex(self, address: Any) -> int:
        return errno.EALREADY


async def test_a_server_of_this_machine_is_met_without_a_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(loop, "sock_connect", None)
        met = await dial(Met, "127.0.0.1", port, 5)
        assert met.transport.get_extra_info("peername") == ("127.0.0.1", port)
        met.transport.abort()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_another_is_waited_for(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "socket", Slow)
        met = await dial(Met, host, server.getsockname()[1], 5)
        assert met.transport.get_extra_info("peername")[1] == server.getsockname()[1]
        met.transport.abort()


async def test_who_does_not_answer_is_waited_for_until_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "socket", Slow)
        monkeypatch.setattr(
            asyncio.get_running_loop(), "sock_connect", lambda *_: asyncio.Event().wait()
        )
        with pytest.raises(TimeoutError):
            await dial(Met, "127.0.0.1", server.getsockname()[1], 0.01)


async def test_a_refusal_is_told_as_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match="refused"):
        await dial(Met, "127.0.0.1", port, 5)
