"""What is sent through the relay arrives: each message once, with its own bytes."""

from __future__ import annotations

import base64
import smtplib
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from harness_postfix import Postfix
from harness_relay import Relay

# What a careless relay alters: dots in front, trailing blanks, 8-bit and UTF-8 text, a long
# line, header folding and order, empty lines at the end.
AWKWARD = b"\n".join(
    [
        b"Subject: =?utf-8?q?awkward?=",
        b" and\tfolded  ",
        b"from: A <a@sender.test>",
        b"X-Twice: 1",
        b"x-twice: 2",
        "X-Raw: grüße".encode(),
        b"Message-ID: <awkward@sender.test>",
        b"Date: Tue, 01 Sep 2026 10:00:00 +0000",
        b"To: x@sink.test",
        b"",
        b".",
        b"..",
        b".dot in front",
        b"blanks behind   ",
        b"latin-1: \xe4\xf6\xfc",
        b"x" * 900,
        b"From the start of a line",
        b"",
        b"",
        b"",
    ]
)


def smtp_source(port: int, *options: str, timeout: float = 240) -> None:
    done = subprocess.run(
        ["smtp-source", "-4", *options, f"127.0.0.1:{port}"],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_two_thousand_messages_arrive_each_once_byte_for_byte(
    postfix: Postfix, relay: Relay, tmp_path: Path
) -> None:
    file = tmp_path / "message"
    file.write_bytes(AWKWARD)

    smtp_source(
        relay.port, "-s", "10", "-m", "2000", "-N",
        "-f", "a@sender.test", "-t", "x@sink.test", "-F", str(file),
    )  # fmt: skip
    postfix.settle()

    # smtp-source ends what it read from the file with a line end of its own.
    expected = AWKWARD.replace(b"\n", b"\r\n") + b"\r\n"
    assert Counter(postfix.inbox.messages()) == {expected: 2000}
    assert len(set(postfix.inbox.recipients())) == 2000


def test_many_messages_of_one_session(postfix: Postfix, relay: Relay) -> None:
    smtp_source(
        relay.port, "-d", "-s", "2", "-m", "60", "-N", "-l", "5000",
        "-f", "a@sender.test", "-t", "x@sink.test",
    )  # fmt: skip
    postfix.settle()

    assert len(set(postfix.inbox.recipients())) == len(postfix.inbox.raw()) == 60
    assert len(set(postfix.inbox.messages())) == 60, "each has a Message-Id of its own"


def test_a_message_larger_than_memory_holds(postfix: Postfix, relay: Relay) -> None:
    body = b"Subject: large\r\n\r\n" + b"".join(
        b"%08d %s\r\n" % (n, b"y" * 60) for n in range(160_000)
    )
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.sendmail("a@sender.test", ["x@sink.test"], body)
    postfix.settle()

    [message] = postfix.inbox.messages()
    assert message.endswith(body.partition(b"\r\n\r\n")[2])
    assert b"Subject: large\r\n" in message


def test_dkim_signatures_survive(
    postfix: Postfix, zone: Path, start_relay: Callable[..., Relay]
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    strings = " ".join(f'"{record[i : i + 200].decode()}"' for i in range(0, len(record), 200))
    with zone.open("a") as file:
        file.write(f"s1._domainkey.sender.test. 300 IN TXT {strings}\n")
    relay = start_relay(postfix.port)
    message = AWKWARD.replace(b"\n", b"\r\n")
    signed = dkim.sign(message, b"s1", b"sender.test", private, include_headers=[b"from"]) + message

    with smtplib.SMTP("127.0.0.1", relay.port, local_hostname="mail.sender.test") as client:
        client.sendmail("a@sender.test", ["x@sink.test"], signed)
    postfix.settle()

    [arrived] = postfix.inbox.messages()
    assert arrived == signed
    assert dkim.verify(arrived, dnsfunc=lambda *_, **__: record)
    [told] = relay.wait_events(1)
    codes = {finding["code"] for finding in told["findings"]}
    assert {"dkim.pass", "spf.pass", "dmarc.pass"} <= codes


def test_several_recipients_get_their_own_answers(postfix: Postfix, relay: Relay) -> None:
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        refused = client.sendmail(
            "a@sender.test", ["x@sink.test", "y@foreign.test"], b"Subject: s\r\n\r\nhello\r\n"
        )
    postfix.settle()

    assert list(refused) == ["y@foreign.test"]
    assert postfix.inbox.recipients() == ["x@sink.test"]
    [told] = relay.wait_events(1)
    assert [(r["address"], r["code"]) for r in told["rcpts"]] == [
        ("x@sink.test", 250),
        ("y@foreign.test", refused["y@foreign.test"][0]),
    ]
    assert told["verdict"]["by"] == "upstream"
