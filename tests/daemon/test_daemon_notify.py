"""The service manager hears what it is to hear, and no keep-alive from a relay that is not well."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.daemon import notify
from monitor.daemon.notify import Manager


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "n") if request.param == "path" else f"\0mxtap-test-{id(sock)}")
        sock.setblocking(False)
        yield sock


def manager(heard: socket.socket, **environ: str) -> Manager:
    name = heard.getsockname()
    path = name if isinstance(name, str) else "@" + name[1:].decode()
    return Manager({"NOTIFY_SOCKET": path, **environ}, pid=7)


def messages(heard: socket.socket) -> list[str]:
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(heard.recv(4096).decode())
    return found


def test_a_life_is_told_in_order(heard: socket.socket) -> None:
    m = manager(heard)
    m.ready("serving\nREADY=0")
    m.reloading()
    m.stopping(70)
    ready, reloading, stopping = messages(heard)
    assert ready == "READY=1\nSTATUS=serving\\x0aREADY=0"
    word, _, when = reloading.partition("\nMONOTONIC_USEC=")
    assert word == "RELOADING=1"
    assert int(when) > 0
    assert stopping == "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=70000000"


def test_without_a_manager_or_after_its_end_nothing_happens(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nowhere")}):
        Manager(environ).ready("serving")


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({}, 0),
    ],
)
def test_the_watchdog_is_this_process_s(environ: dict[str, str], seconds: float) -> None:
    assert Manager(environ, pid=7).watchdog == seconds


async def test_keep_alives_cease_while_the_relay_is_not_well(
    heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, slept = True, []

    async def turn(seconds: float) -> None:
        nonlocal well
        slept.append(seconds)
        well = len(slept) != 1
        if len(slept) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(notify.asyncio, "sleep", turn)
    m = manager(heard, WATCHDOG_USEC="4000000")
    with contextlib.suppress(asyncio.CancelledError):
        await m.keep_told(lambda: well, lambda: "3 sessions")
    assert messages(heard) == ["STATUS=3 sessions", "WATCHDOG=1", "WATCHDOG=1"]
    assert slept == [2, 2, 2], "half of the time that the watchdog gives"
