"""A captured session against a real Postfix again; packets of tcpdump against the live relay."""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness_net import Dialogue, wait_until
from harness_postfix import Postfix
from harness_relay import Relay, StartRelay, mxtap

from monitor import events as ev
from monitor.capture.reader import Capture
from monitor.capture.resend import resend
from monitor.capture.script import script

LETTER = (
    b"From: <a@sender.test>\r\nDate: Sun, 01 Mar 2026 12:00:00 +0000\r\n"
    b"Message-Id: <1@sender.test>\r\n\r\n.dot\r\nhello\r\n"
)


PAUSE = 0.4  # seconds in which the client of then kept silent


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, "mail.sender.test") as client:
        client.ehlo()
        time.sleep(PAUSE)
        client.sendmail("a@sender.test", ["x@sink.test"], LETTER)


@pytest.fixture
def captured(postfix: Postfix, start_relay: StartRelay) -> Path:
    """The capture of one message that went through a relay to Postfix."""
    relay = start_relay(postfix.port, "--set", "capture.mode=full")
    send(relay.port)
    relay.wait_events(1)
    assert relay.stop() == 0
    postfix.settle()
    postfix.inbox.clear()
    [path] = (relay.state / "captures").iterdir()
    return path


def events_of(path: Path) -> list[ev.AnyEvent]:
    with Capture(path) as capture:
        return [event for n in range(len(capture.frames)) for event in capture.read(n)]


def test_a_session_is_sent_again_and_the_replies_are_those_of_then(
    postfix: Postfix, captured: Path
) -> None:
    done = mxtap("resend", str(captured), "--to", f"127.0.0.1:{postfix.naive}", "--fast")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all as then"), done.stderr
    postfix.settle()
    assert postfix.inbox.messages() == [LETTER]


def test_its_pauses_are_those_of_then(postfix: Postfix, captured: Path) -> None:
    events, slept = events_of(captured), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def again() -> bool:
        compared = await resend(script(events), "127.0.0.1", postfix.naive, sleep=sleep)
        return all(each.same for each in compared)

    assert asyncio.run(again())
    assert PAUSE <= max(slept) < PAUSE + 0.3
    assert sum(slept) - max(slept) < PAUSE, "the others are short"


def test_what_differs_is_shown(postfix: Postfix, captured: Path, start_relay: StartRelay) -> None:
    other = start_relay(postfix.port, state=captured.parent.parent.with_name("other"))
    assert other.run("ban", "sender", "a@sender.test").returncode == 0
    done = mxtap("resend", str(captured), "--to", f"127.0.0.1:{other.port}", "--fast")
    assert done.returncode == 1
    different = [line for line in done.stdout.splitlines() if line.startswith("≠")]
    assert different[0].lower().startswith("≠ mail from:<a@sender.test>")
    assert "550 5.7.1 mxtap: " in different[0]
    assert "(then: 250 2.1.0 Ok)" in different[0]
    postfix.settle()
    assert postfix.inbox.raw() == []


def test_no_other_machine_hears_of_it(captured: Path) -> None:
    done = mxtap("resend", str(captured), "--to", "192.0.2.1:25")
    assert done.returncode == 2
    assert "--yes-really" in done.stderr


# -- packets


@contextmanager
def tcpdump(path: Path, port: int) -> Iterator[None]:
    """Every packet of ``port`` on loopback, for the time of the block."""
    command = ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-Z", "root", "-w", str(path)]
    errors = path.with_suffix(".stderr")
    with errors.open("wb") as told:
        process = subprocess.Popen([*command, f"tcp port {port}"], stderr=told)
    try:
        wait_until(lambda: b"listening on" in errors.read_bytes(), 15)
        yield
        size = -1
        while size != path.stat().st_size:  # until nothing more comes
            size = path.stat().st_size
            time.sleep(0.3)
    finally:
        process.terminate()
        process.wait(15)


def talk(port: int, *said: bytes, early: bytes = b"") -> None:
    """Say each of these and hear one reply to it; what has no line end gets one."""
    with Dialogue(port) as client:
        if early:
            client.send(early)
        client.reply()
        for line in said:
            client.send(line if line.endswith(b"\n") else line + b"\r\n")
            client.reply()


EHLO, HELO = b"EHLO mail.sender.test", b"HELO mail.sender.test"
MAIL, RCPT = b"MAIL FROM:<a@sender.test>", b"RCPT TO:<x@sink.test>"
END = b"Subject: s\r\n\r\nhello\r\n.\r\n"


def misbehave(port: int) -> int:
    """Sessions with faults of conduct, one after another; how many records they make."""
    talk(port, EHLO, MAIL, RCPT, b"DATA", END, b"QUIT")
    talk(port, MAIL, RCPT, b"QUIT")  # out of sequence: no greeting
    talk(port, HELO, MAIL + b"\r\n" + RCPT, b"NOOP", b"QUIT", early=b"")  # pipelined after HELO
    talk(port, EHLO + b"\n", b"QUIT")  # a bare newline
    talk(port, b"EHLO no_name", b"QUIT")
    talk(port, EHLO, b"WHAT", b"IS", b"THIS", b"ALL", b"ABOUT", b"QUIT")
    talk(port, b"GET / HTTP/1.1", b"Host: sink.test")
    talk(port, EHLO, MAIL, b"RCPT TO:<x@elsewhere.test>", b"DATA", b"QUIT")
    talk(port, EHLO, b"NOOP " + b"x" * 600, b"QUIT")
    talk(port, EHLO, MAIL, RCPT, b"DATA", b"Subject: s\r\n\r\na\n.\r\nb\r\n.\r\n", b"QUIT")
    talk(port, EHLO, MAIL, RCPT)  # gone without QUIT
    return 11


def conduct(records: list[dict[str, Any]]) -> dict[int, Counter[str]]:
    """The findings of conduct by the client's port."""
    found: dict[int, Counter[str]] = {}
    for record in records:
        codes = Counter(f["code"] for f in record["findings"] if f["code"].startswith("conduct."))
        port = record["client"]["port"]
        found[port] = found.get(port, Counter()) + codes
    return found


def test_packets_tell_the_same_conduct_as_the_relay_saw(
    needs: Callable[..., None], postfix: Postfix, relay: Relay, tmp_path: Path
) -> None:
    needs("tcpdump")
    pcap = tmp_path / "lo.pcap"
    with tcpdump(pcap, relay.port):
        count = misbehave(relay.port)
        live = conduct(relay.wait_events(count))
    done = mxtap("replay", str(pcap), "--headless")
    assert done.returncode == 0, done.stderr
    replayed = conduct([json.loads(line) for line in done.stdout.splitlines()])
    assert replayed == live
    seen = {code for codes in live.values() for code in codes}
    assert len(seen) >= 6, seen
