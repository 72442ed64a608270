"""The MTA knows who the client is, and nobody gains by coming through the relay."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_net import free_port
from harness_postfix import Postfix
from harness_relay import Relay, mxtap

STRANGER = "127.0.0.44"


def test_a_foreign_recipient_is_refused_to_the_stranger_himself(
    postfix: Postfix, relay: Relay
) -> None:
    before = len(postfix.log())
    with smtplib.SMTP(
        "127.0.0.1", relay.port, source_address=(STRANGER, 0), local_hostname="mail.stranger.test"
    ) as client:
        client.ehlo()
        assert client.mail("a@stranger.test")[0] == 250
        code, text = client.rcpt("victim@foreign.test")
        assert code == 454
        assert text.startswith(b"4.7.1 <victim@foreign.test>: Relay access denied")

    [line] = [x for x in postfix.log()[before:].splitlines() if "victim@foreign.test" in x]
    assert f"[{STRANGER}]: 454" in line
    assert "helo=<mail.stranger.test>" in line
    [told] = relay.wait_events(1)
    assert told["client"]["ip"] == STRANGER
    assert told["rcpts"][0]["code"] == 454


def test_the_relays_own_address_gets_no_favour(postfix: Postfix, relay: Relay) -> None:
    with (
        smtplib.SMTP("127.0.0.1", relay.port) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        client.sendmail("a@sender.test", ["victim@foreign.test"], b"Subject: s\r\n\r\n")


def test_the_name_goes_along_and_arrives_in_received(postfix: Postfix, relay: Relay) -> None:
    with smtplib.SMTP(
        "127.0.0.1", relay.port, source_address=(STRANGER, 0), local_hostname="mail.stranger.test"
    ) as client:
        client.sendmail("a@stranger.test", ["x@sink.test"], b"Subject: s\r\n\r\nhello\r\n")
    postfix.settle()

    [raw] = postfix.inbox.raw()
    assert f"Received: from mail.stranger.test (unknown [{STRANGER}])".encode() in raw


def test_one_after_the_other_in_a_session_is_each_himself(postfix: Postfix, relay: Relay) -> None:
    """What is kept of an upstream session is the connection: name, greeting, rights are not."""
    before = len(postfix.log())
    for number in (43, 44, 45, 46):
        with smtplib.SMTP(
            "127.0.0.1", relay.port, source_address=(f"127.0.0.{number}", 0),
            local_hostname=f"mail{number}.stranger.test",
        ) as client:  # fmt: skip
            assert client.mail(f"ungreeted@m{number}.test")[0] == 250
            assert client.rcpt("victim@foreign.test")[0] == 454
            client.rset()
            for subject in ("s", "t"):
                text = f"Subject: {subject}\r\n\r\nhello\r\n"
                client.sendmail("a@stranger.test", ["x@sink.test"], text)
    postfix.settle()

    log = postfix.log()[before:]
    assert log.count(": connect from ") == 2, "the first shows how it says goodbye"
    refused = [line for line in log.splitlines() if "ungreeted" in line]
    assert len(refused) == 4
    assert not any("helo=" in line for line in refused)
    received = [raw.split(b"Received: ")[1].split(b"\n")[0] for raw in postfix.inbox.raw()]
    assert sorted(received) == [
        b"from mail%d.stranger.test (unknown [127.0.0.%d])" % (number, number)
        for number in (43, 44, 45, 46)
        for _ in "st"
    ]


def test_xclient_that_is_configured_and_refused_is_451(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    """Identity fails closed: never "carry on as loopback" (RFC 5321 4.2.4 has no better code)."""
    relay = start_relay(postfix.naive, "--identity", "xclient")
    client = smtplib.SMTP(timeout=15)
    code, text = client.connect("127.0.0.1", relay.port)
    if code == 220:
        client.ehlo()
        code, text = client.mail("a@sender.test")
    assert code in (421, 451), text


def test_postscreen_takes_no_identity_so_it_gets_no_mail(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    """Identity is for smtpd: postscreen makes its tests before there is one to tell it to."""
    with smtplib.SMTP("127.0.0.1", postfix.screen, timeout=15) as direct:
        direct.ehlo()
        assert not direct.has_extn("xclient")
        assert direct.docmd("XCLIENT", f"ADDR={STRANGER}")[0] == 502

    relay = start_relay(postfix.screen, "--identity", "xclient")
    client = smtplib.SMTP(timeout=15)
    code, text = client.connect("127.0.0.1", relay.port)
    assert (code, text[:5]) == (451, b"4.3.5")
    client.close()


@pytest.mark.parametrize("listen", ["0.0.0.0", "127.0.0.1"])
def test_an_open_relay_is_not_put_on_the_network(
    postfix: Postfix, tmp_path: Path, listen: str, start_relay: Callable[..., Relay]
) -> None:
    """``naive`` relays for 127.0.0.0/8 and takes no identity."""
    if listen == "127.0.0.1":
        relay = start_relay(postfix.naive)
        assert "would relay" in relay.errors()
        return
    done = mxtap(
        "serve", "--listen", f"{listen}:{free_port()}", "--upstream", f"127.0.0.1:{postfix.naive}",
        "--state", str(tmp_path / "state"),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "READY" not in done.stdout
    assert "relay" in done.stderr
    assert "identity" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_probe_leaves_no_mail(postfix: Postfix, start_relay: Callable[..., Relay]) -> None:
    before = len(postfix.log())
    start_relay(postfix.naive)
    postfix.settle()
    assert "status=sent" not in postfix.log()[before:]
