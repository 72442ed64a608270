"""Greylisting for real: Postfix with postgrey behind the relay, and the relay's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from harness_net import Dialogue, free_port, wait_until
from harness_postfix import DOMAIN, Postfix
from harness_relay import StartRelay

DELAY = 2  # seconds
RECIPIENT = f"inbox@{DOMAIN}".encode()
MASTER = """
{port} inet n - n - - smtpd
  -o smtpd_authorized_xclient_hosts=127.0.0.0/8
  -o mynetworks=
  -o smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{policy}
"""


def _listens(port: int) -> Callable[[], bool]:
    def listening() -> bool:
        try:
            Dialogue(port).socket.close()
        except OSError:
            return False
        return True

    return listening


@pytest.fixture(scope="module")
def greylisting(
    needs: Callable[..., None], require: Callable[[object, str], None]
) -> Iterator[int]:
    """The port of a Postfix that asks a postgrey of its own."""
    needs("postfix", "postgrey")
    require(os.geteuid() == 0, "Postfix's master needs root")
    root = Path(tempfile.mkdtemp(prefix="mxtap-postgrey-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        (root / "postfix").mkdir()
        (root / "db").mkdir()
        root.chmod(0o755)
        shutil.chown(root / "db", "nobody", "nogroup")
        policy, port = free_port(), free_port()
        command = [
            "postgrey", f"--inet=127.0.0.1:{policy}", f"--delay={DELAY}", f"--dbdir={root}/db",
            "--user=nobody", "--group=nogroup", "--whitelist-clients=/dev/null",
            "--whitelist-recipients=/dev/null",
        ]  # fmt: skip
        postgrey = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        stack.callback(postgrey.wait, 10)
        stack.callback(postgrey.terminate)
        wait_until(_listens(policy), 20)
        postfix = Postfix(root / "postfix")
        with (postfix.config / "master.cf").open("a") as master:
            master.write(MASTER.format(port=f"127.0.0.1:{port}", policy=policy))
        stack.callback(postfix.stop)
        postfix.start()
        wait_until(_listens(port), 20)
        yield port


def attempt(port: int, source: str, sender: bytes) -> bytes:
    """One delivery; the reply to RCPT."""
    with Dialogue(port, source) as client:
        client.reply()
        client.say(b"EHLO mail.sender.test")
        assert client.say(b"MAIL FROM:<" + sender + b">").startswith(b"250")
        reply = client.say(b"RCPT TO:<" + RECIPIENT + b">")
        if reply.startswith(b"250"):
            assert client.say(b"DATA").startswith(b"354")
            assert client.say(b"Subject: x\r\n\r\nHello\r\n.").startswith(b"250")
        client.say(b"QUIT")
        return reply


def told(records: list[dict[str, Any]], sender: str, whose: str) -> list[str]:
    """The greylist findings about a sender's attempts, in order."""
    return [
        found["code"]
        for record in sorted(records, key=lambda record: record["started"])
        if record["mail_from"] == sender
        for found in record["findings"]
        if found["code"].startswith("greylist.") and found["evidence"]["whose"] == whose
    ]


def retries(records: list[dict[str, Any]], sender: str) -> list[str]:
    """The retry findings about a sender's attempts."""
    return [
        found["code"]
        for record in records
        if record["mail_from"] == sender
        for found in record["findings"]
        if found["code"].startswith("retry.")
    ]


def test_good_and_bad_manners_at_a_postgrey(greylisting: int, start_relay: StartRelay) -> None:
    relay = start_relay(
        greylisting, "--set", "retry.soon=2,1.5,1,0.9", "--set", "retry.immediate=0.5"
    )
    good, bad = b"good@sender.test", b"bad@sender.test"
    assert attempt(relay.port, "127.0.5.1", good).startswith(b"450")
    for source in ("127.0.6.1", "127.0.7.1"):
        assert attempt(relay.port, source, bad).startswith(b"450")
    time.sleep(DELAY + 1)  # postgrey's clock is the real one, and counts whole seconds
    assert attempt(relay.port, "127.0.5.1", good).startswith(b"250")

    records = relay.wait_events(4)
    assert told(records, "good@sender.test", "upstream") == [
        "greylist.deferred",
        "greylist.passed",
    ]
    assert told(records, "bad@sender.test", "upstream") == [
        "greylist.deferred",
        "greylist.too-early",
        "greylist.timer-reset",
    ]
    assert retries(records, "good@sender.test") == ["retry.disciplined"]
    assert retries(records, "bad@sender.test") == [
        "retry.immediate",
        "retry.host-rotation",
        "retry.rotation-no-delay",
    ]


def test_enforced_by_the_relay_itself(postfix: Postfix, start_relay: StartRelay) -> None:
    options = ("--set", "greylist.mode=enforce", "--set", "greylist.delay=1")
    relay = start_relay(postfix.port, *options)
    sender = b"a@sender.test"
    reply = attempt(relay.port, "127.0.0.1", sender)
    assert reply.startswith(b"451 4.7.1")
    assert b"try again in 1 seconds" in reply
    time.sleep(1.1)
    assert attempt(relay.port, "127.0.0.1", sender).startswith(b"250")

    records = relay.wait_events(2)
    assert told(records, "a@sender.test", "ours") == ["greylist.deferred", "greylist.passed"]
    assert told(records, "a@sender.test", "observed") == []
    postfix.settle()
    assert postfix.inbox.recipients() == [RECIPIENT.decode()]
