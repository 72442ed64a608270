"""Whatever dies, no mail is lost, doubled or said to be accepted that was not."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import smtplib
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_net import Dialogue, free_port, wait_until
from harness_postfix import Postfix
from harness_relay import MXTAP, Relay, environment

StartRelay = Callable[..., Relay]


def send(port: int, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=15) as client:
        client.sendmail("a@sender.test", [recipient], b"Subject: s\r\n\r\nhello\r\n")


def test_killing_the_ui_changes_nothing(postfix: Postfix, relay: Relay) -> None:
    main, other = pty.openpty()
    screen = subprocess.Popen(
        [MXTAP, "attach", "--state", str(relay.state)],
        stdin=other, stdout=other, stderr=other, start_new_session=True,
        env=environment() | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(other)
    try:
        os.read(main, 1)  # it paints
        send(relay.port, "before@sink.test")
        with Dialogue(relay.port) as client:
            client.envelope(b"during@sink.test")
            client.send(b"Subject: s\r\n\r\n")
            screen.send_signal(signal.SIGKILL)
            screen.wait(10)
            client.send(b"hello\r\n.\r\n")
            assert client.reply().startswith(b"250")
        send(relay.port, "after@sink.test")
    finally:
        screen.kill()
        screen.wait(10)
        os.close(main)
    postfix.settle()

    assert sorted(postfix.inbox.recipients()) == [
        "after@sink.test", "before@sink.test", "during@sink.test",
    ]  # fmt: skip
    assert relay.process.poll() is None
    assert len(relay.wait_events(3)) == 3


@pytest.mark.parametrize("piece", [b"", b"Subject: half\r\n\r\nhalf a mess"])
def test_killing_the_relay_in_mid_data_gives_no_2xx(
    postfix: Postfix, relay: Relay, piece: bytes
) -> None:
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(piece)
        relay.kill()
        assert client.rest() == b""
    postfix.settle()
    assert postfix.inbox.raw() == []


def test_killing_the_relay_behind_the_dot_gives_no_2xx(
    postfix: Postfix, start_relay: StartRelay
) -> None:
    """The upstream takes its time over the dot: what it says then, nobody is told."""
    before = len(postfix.log())
    relay = start_relay(postfix.slow)
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: s\r\n\r\nhello\r\n.\r\n")
        wait_until(lambda: "client=" in postfix.log()[before:], 10)
        relay.kill()
        assert not client.rest().startswith(b"2")


def test_the_reply_to_the_dot_is_the_upstreams(postfix: Postfix, start_relay: StartRelay) -> None:
    """DATA, dot and QUIT in one write and a half-close behind it is a legal client."""
    relay = start_relay(postfix.slow)
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: s\r\n\r\nhello\r\n.\r\nQUIT\r\n")
        client.socket.shutdown(1)
        answers = client.rest().splitlines()
    postfix.settle()
    assert answers[0].startswith(b"250 2.0.0 Ok: queued as ")
    assert answers[1:] == [b"221 2.0.0 Bye"]
    assert len(postfix.inbox.raw()) == 1


def test_a_client_gone_before_the_dot_delivers_nothing(postfix: Postfix, relay: Relay) -> None:
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: s\r\n\r\nhello\r\n")
    relay.wait_events(1)
    postfix.settle()
    assert postfix.inbox.raw() == []


def test_upstream_down_is_421_and_comes_back(postfix: Postfix, start_relay: StartRelay) -> None:
    relay = start_relay(free_port())
    with Dialogue(relay.port) as client:
        assert client.reply().startswith(b"421 4.3.2 ")
        assert client.rest() == b""
    assert relay.process.poll() is None
    [told] = relay.wait_events(1)
    assert (told["mail_from"], told["verdict"]["code"]) == (None, 421)
    assert told["verdict"]["by"] == "mxtap"
    assert "relay.upstream-down" in {f["code"] for f in told["findings"]}


def test_upstream_killed_in_mid_session_is_temporary(tmp_path: Path, relay_to_own: Relay) -> None:
    """Never a 5xx for our own trouble."""
    relay, upstream = relay_to_own
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")
        upstream.kill()
        upstream.wait(10)
        assert client.say(b"MAIL FROM:<a@sender.test>")[:1] == b"4"


@pytest.fixture
def relay_to_own(start_relay: StartRelay):
    """A relay in front of a sink of its own, which a test may kill."""
    port = free_port()
    sink = subprocess.Popen(
        ["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "100"], start_new_session=True
    )
    try:
        wait_until(lambda: _listens(port), 10)
        yield start_relay(port, "--identity", "none"), sink
    finally:
        sink.kill()
        sink.wait(10)


def _listens(port: int) -> bool:
    try:
        Dialogue(port).socket.close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("gently", [True, False], ids=["SIGTERM", "SIGKILL"])
async def test_restart_under_load_loses_nothing(
    postfix: Postfix, start_relay: StartRelay, gently: bool
) -> None:
    """What was acknowledged arrives; after a drain, nothing comes twice either."""
    relay = start_relay(postfix.port)
    acknowledged: list[str] = []
    going = True

    async def sender(worker: int) -> None:
        number = 0
        while going:
            name = f"w{worker}n{number}@sink.test"
            try:
                await asyncio.to_thread(send, relay.port, name)
            except (OSError, smtplib.SMTPException):
                await asyncio.sleep(0.05)
            else:
                acknowledged.append(name)
            number += 1

    senders = [asyncio.create_task(sender(n)) for n in range(6)]
    await _reaches(acknowledged, 60)
    if gently:
        assert await asyncio.to_thread(relay.stop) == 0
    else:
        relay.kill()
    await asyncio.to_thread(relay.start)
    await _reaches(acknowledged, len(acknowledged) + 60)
    going = False
    await asyncio.gather(*senders)
    await asyncio.to_thread(postfix.settle)

    arrived = Counter(postfix.inbox.recipients())
    assert set(acknowledged) <= set(arrived)
    assert max(arrived.values()) == 1
    if gently:
        assert set(arrived) == set(acknowledged)


async def _reaches(items: list[str], count: int) -> None:
    async with asyncio.timeout(60):
        while len(items) < count:
            await asyncio.sleep(0.02)
