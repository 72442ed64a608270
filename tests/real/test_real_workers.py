"""``mxtap serve`` with two workers: what becomes of the mail when the hub hangs, or dies."""

from __future__ import annotations

import os
import signal
import smtplib
from collections.abc import Callable
from pathlib import Path

from harness_net import Dialogue, listens, wait_until
from harness_postfix import Postfix
from harness_relay import Relay

StartRelay = Callable[..., Relay]
TWO = ("--set", "workers=2")


def send(port: int, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=15) as client:
        client.sendmail("a@sender.test", [recipient], b"Subject: s\r\n\r\nhello\r\n")


def workers(relay: Relay) -> list[int]:
    tasks = Path(f"/proc/{relay.pid}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


def test_a_hub_that_hangs_holds_up_no_mail_and_lifts_no_ban(
    postfix: Postfix, start_relay: StartRelay
) -> None:
    relay = start_relay(postfix.port, *TWO)
    assert len(workers(relay)) == 2
    assert relay.run("ban", "ip", "127.0.0.9").returncode == 0
    os.kill(relay.pid, signal.SIGSTOP)
    try:
        for number in range(6):
            send(relay.port, f"n{number}@sink.test")
        with Dialogue(relay.port, "127.0.0.9") as client:
            assert client.reply().startswith(b"554 5.7.1 ")
    finally:
        os.kill(relay.pid, signal.SIGCONT)
    told = relay.wait_events(7)
    assert sorted(event["verdict"]["code"] for event in told) == [250] * 6 + [554]
    postfix.settle()
    assert len(postfix.inbox.recipients()) == 6


def test_workers_of_a_killed_hub_finish_what_they_have_and_end(
    postfix: Postfix, start_relay: StartRelay
) -> None:
    before = len(postfix.log())
    relay = start_relay(postfix.slow, *TWO)
    left = workers(relay)
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: s\r\n\r\nhello\r\n.\r\n")
        wait_until(lambda: "client=" in postfix.log()[before:], 10)
        os.kill(relay.pid, signal.SIGKILL)
        wait_until(lambda: not listens(relay.port), 5)
        assert client.reply().startswith(b"250 2.0.0 Ok: queued as ")
    wait_until(lambda: not any(Path(f"/proc/{pid}/stat").exists() for pid in left), 20)
    relay.kill()
    relay.start()
    assert listens(relay.port)
    postfix.settle()
    assert postfix.inbox.recipients() == ["x@sink.test"]
