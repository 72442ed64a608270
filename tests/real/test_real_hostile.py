"""Injection and smuggling, through the relay to a Postfix that would deliver what gets through."""

from __future__ import annotations

import pytest
from harness_net import Dialogue
from harness_postfix import Postfix
from harness_relay import Relay

HIDDEN = (
    b"MAIL FROM:<admin@sender.test>\r\nRCPT TO:<smuggled@sink.test>\r\n"
    b"DATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n"
)
LOOKALIKES = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CR.CR": b"\r.\r",
    "CRLF NUL.CRLF": b"\r\n\x00.\r\n",
}


@pytest.mark.parametrize("lookalike", LOOKALIKES.values(), ids=LOOKALIKES)
def test_only_crlf_dot_crlf_ends_data(postfix: Postfix, relay: Relay, lookalike: bytes) -> None:
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: outer\r\n\r\nouter" + lookalike + HIDDEN)
        answer = client.reply()
        bye = client.say(b"QUIT")
    postfix.settle()

    assert answer.startswith(b"550 5.5.2"), answer
    assert bye.startswith(b"221"), "one reply to the content, the next to QUIT"
    assert "smuggled@sink.test" not in postfix.inbox.recipients()
    assert postfix.inbox.raw() == []


@pytest.mark.parametrize("lookalike", [b"\n.\n", b"\n.\r\n", b"\r\n.\n"])
def test_the_recipe_s_port_takes_no_bare_newline_for_an_end_either(
    postfix: Postfix, lookalike: bytes
) -> None:
    """Of a relay on this machine Postfix would, unless it is told not to."""
    with Dialogue(postfix.port) as client:
        client.envelope(b"x@sink.test")
        client.send(b"Subject: outer\r\n\r\nouter" + lookalike + HIDDEN + b"QUIT\r\n")
        client.rest()
    postfix.settle()
    assert "smuggled@sink.test" not in postfix.inbox.recipients()


def test_an_encoded_word_cannot_bring_in_commands(postfix: Postfix, relay: Relay) -> None:
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")
        client.say(b"MAIL FROM:<a@sender.test>")
        answer = client.say(
            b"RCPT TO:<=?utf-8?q?x=40sink.test=3e=0d=0aRCPT_TO:=3cinjected=40sink.test?=@sink.test>"
        )
        data = client.say(b"DATA")
        if data.startswith(b"354"):
            client.send(b"Subject: s\r\n\r\nhello\r\n.\r\n")
            client.reply()
        client.say(b"QUIT")
    postfix.settle()

    assert "injected@sink.test" not in postfix.inbox.recipients()
    assert len(postfix.inbox.raw()) == (1 if answer.startswith(b"2") else 0)
    assert "injected@sink.test>" not in postfix.log().replace("=40", "@")


@pytest.mark.parametrize(
    "line",
    [
        b"RCPT TO:<x@sink.test>\rRCPT TO:<injected@sink.test>",
        b"RCPT TO:<x@sink.test>\x00",
        b"RCPT TO:<x\ry@sink.test>",
    ],
)
def test_a_command_with_controls_never_goes_upstream(
    postfix: Postfix, relay: Relay, line: bytes
) -> None:
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")
        client.say(b"MAIL FROM:<a@sender.test>")
        assert client.say(line)[:1] in (b"5", b"4")
        client.say(b"QUIT")
    assert "injected@sink.test" not in postfix.log()


def test_commands_behind_starttls_are_not_obeyed(postfix: Postfix, relay: Relay) -> None:
    """Plaintext injected ahead of the handshake (CVE-2011-0411)."""
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")
        client.send(b"STARTTLS\r\nMAIL FROM:<injected@sender.test>\r\n")
        rest = client.rest()
    assert b"250 2.1.0" not in rest
    assert "injected@sender.test" not in postfix.log()


def test_pipelining_as_announced(postfix: Postfix, relay: Relay) -> None:
    with Dialogue(relay.port) as client:
        client.reply()
        assert b"PIPELINING" in client.say(b"EHLO client.sender.test")
        client.send(
            b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<x@sink.test>\r\n"
            b"RCPT TO:<y@foreign.test>\r\nDATA\r\n"
        )
        codes = [client.reply()[:3] for _ in range(4)]
        client.send(b"Subject: s\r\n\r\nhello\r\n.\r\nQUIT\r\n")
        codes += [client.reply()[:3] for _ in range(2)]
    postfix.settle()
    assert codes == [b"250", b"250", b"454", b"354", b"250", b"221"]
    assert postfix.inbox.recipients() == ["x@sink.test"]


def test_content_after_a_refused_data_runs_as_no_command(postfix: Postfix, relay: Relay) -> None:
    with Dialogue(relay.port) as client:
        client.reply()
        client.say(b"EHLO client.sender.test")
        client.send(
            b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<y@foreign.test>\r\nDATA\r\n"
            + HIDDEN
            + b"QUIT\r\n"
        )
        client.rest()
    postfix.settle()
    codes = [f["code"] for record in relay.wait_events(1) for f in record["findings"]]
    assert "conduct.data-after-no-recipients" in codes
    assert "smuggled@sink.test" not in postfix.inbox.recipients()
