"""Sockets of the service manager: taken when meant for us, refused where no mail can come."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from monitor.config import ConfigError
from monitor.daemon.sockets import inherited

FIRST = 900  # a free place among the descriptors

Make = Callable[..., None]


@pytest.fixture
def place() -> Iterator[Make]:
    """Put sockets where a service manager would."""
    with ExitStack() as stack:

        def put(*sockets: socket.socket) -> None:
            for number, sock in enumerate(sockets):
                os.dup2(sock.fileno(), FIRST + number, inheritable=True)
                sock.close()
                stack.callback(_close, FIRST + number)

        yield put


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)


def listening(family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    if family != socket.AF_UNIX:
        sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def environ(count: int | str = 1, pid: int = 7, names: str = "smtp") -> dict[str, str]:
    return {"LISTEN_PID": str(pid), "LISTEN_FDS": str(count), "LISTEN_FDNAMES": names, "X": "y"}


def test_they_are_taken_and_no_child_sees_them(place: Make) -> None:
    place(listening(), listening())
    told = environ(2, names="smtp:smtp6")
    found = inherited(told, 7, FIRST)
    try:
        assert [sock.getsockname()[0] for sock in found] == ["127.0.0.1"] * 2
        assert not any(sock.get_inheritable() for sock in found)
        assert told == {"X": "y"}
    finally:
        for sock in found:
            sock.detach()


@pytest.mark.parametrize("told", [{}, environ(pid=8), {"LISTEN_FDS": "1"}])
def test_those_of_others_are_left_alone(place: Make, told: dict[str, str]) -> None:
    assert inherited(told, 7, FIRST) == []
    assert "LISTEN_FDS" not in told


def _datagram() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _unix() -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind("")  # an abstract name
    sock.listen()
    return sock


def _connected() -> socket.socket:
    with listening() as server:
        return socket.create_connection(server.getsockname())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_datagram, "is not a TCP socket"),
        (_unix, "is not a TCP socket"),
        (_connected, "does not listen"),
        (None, "Bad file descriptor"),
    ],
)
def test_what_takes_no_smtp_is_refused(
    place: Make, make: Callable[[], socket.socket] | None, told: str
) -> None:
    if make:
        place(make())
    with pytest.raises(ConfigError, match=f"socket smtp .*{told}.*Accept=no"):
        inherited(environ(), 7, FIRST)


def test_a_count_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="LISTEN_FDS"):
        inherited(environ("many"), 7, FIRST)
