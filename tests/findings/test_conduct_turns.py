"""Early talkers, pipelining without leave, other protocols, bad sequences, no QUIT."""

from __future__ import annotations

import pytest
from conversation import World

PIPELINING = "conduct.unannounced-pipelining"


def test_a_command_before_the_banner_is_early():
    world = World()
    client = world.connect()
    client.ehlo(pipelined=True)
    client.quit()
    assert world.codes("conduct") == ["conduct.early-talker"]


def test_pipelining_needs_an_offer():
    for offers, expected in ((("PIPELINING",), []), (("SIZE 1000",), [PIPELINING])):
        world = World()
        client = world.connect()
        client.ehlo("mx.sender.example", *offers)
        client.mail()
        client.rcpt(pipelined=True)
        client.say("DATA", "354 Go ahead", pipelined=True)
        client.content()
        client.quit()
        assert world.codes("conduct") == expected


def test_nothing_may_follow_ehlo_before_its_reply():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(pipelined=True)
    client.quit()
    (found,) = world.found("conduct")
    assert (found.code, found.evidence["behind"]) == (PIPELINING, "EHLO")


def test_content_may_not_come_before_354():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data(pipelined=True)
    client.quit()
    assert world.codes("conduct") == []
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.say("DATA", "354 Go ahead")
    client.world.now += 1
    client.content(pipelined=True)
    client.quit()
    assert world.codes("conduct") == [PIPELINING]


def test_bytes_behind_starttls():
    world = World()
    client = world.connect()
    client.ehlo()
    client.say("STARTTLS", "220 2.0.0 Ready")
    client.say("MAIL FROM:<a@sender.example>", pipelined=True)
    client.close("fault")
    assert "tls.starttls-injection" in world.codes()
    assert PIPELINING not in world.codes()


def test_bytes_behind_starttls_are_told_of_one_who_never_waits():
    world = World()
    client = world.connect()
    client.ehlo("mx.sender.example", "SIZE 1000")
    client.say("NOOP", "250 2.0.0 Ok")
    client.say("NOOP", "250 2.0.0 Ok", pipelined=True)
    client.say("STARTTLS", "220 2.0.0 Ready", pipelined=True)
    client.say("MAIL FROM:<a@sender.example>", pipelined=True)
    client.close("fault")
    assert world.codes("conduct") == [PIPELINING]
    assert world.codes("tls") == ["tls.starttls-injection"]


@pytest.mark.parametrize(
    ("line", "protocol"),
    [
        ("GET / HTTP/1.1", "HTTP"),
        ("PRI * HTTP/2.0", "HTTP"),
        ("\\x16\\x03\\x01\\x02\\x00", "TLS"),
        ("SSH-2.0-OpenSSH_9.6", "SSH"),
        ("\\x05\\x01\\x00", "SOCKS"),
        ("\\x04\\x01\\x00P", "SOCKS"),
        ("\\x03\\x00\\x00/*", "RDP"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 25", "PROXY"),
        ("OPTIONS sip:a SIP/2.0", "SIP or RTSP"),
    ],
)
def test_other_protocols_are_named(line, protocol):
    world = World()
    client = world.connect()
    client.say(line, "500 5.5.2 Error", pipelined=True)
    client.close()
    (found,) = world.found("conduct")
    assert (found.code, found.evidence["protocol"]) == ("conduct.not-smtp", protocol)


def test_503_is_told_once_with_its_count():
    world = World()
    client = world.connect()
    client.ehlo()
    client.say("RCPT TO:<b@here.example>", "503 5.5.1 Need MAIL")
    client.say("DATA", "503 5.5.1 Need RCPT")
    client.quit()
    (found,) = world.found("conduct")
    assert (found.code, found.evidence["count"]) == ("conduct.bad-sequence", 2)


def test_503_to_what_was_pipelined_behind_a_refusal_is_no_fault():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail(reply="450 4.1.8 Sender unknown")
    client.say("RCPT TO:<b@here.example>", "503 5.5.1 Need MAIL", pipelined=True)
    client.say("DATA", "503 5.5.1 Need RCPT", pipelined=True)
    client.quit()
    assert world.codes("conduct") == []


def test_unknown_commands_are_counted():
    world = World()
    client = world.connect()
    client.ehlo()
    for _ in range(7):
        client.say("XYZZY now", "500 5.5.2 Unknown")
    client.say("VRFY root", "502 5.5.1 Disabled")
    client.quit()
    (found,) = world.found("conduct")
    assert found.code == "conduct.unknown-commands"
    assert found.evidence["count"] == 7
    assert len(found.evidence["commands"]) == 5


def test_dropping_the_line_after_the_end():
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data()
    client.close()
    assert world.severity("conduct.no-quit") == "info"


@pytest.mark.parametrize("how", ["upstream", "timeout", "shutdown", "fault"])
def test_a_line_that_others_dropped_is_not_held_against_the_client(how):
    world = World()
    client = world.connect()
    client.ehlo()
    client.mail()
    client.rcpt()
    client.data()
    client.close(how)
    assert world.codes("conduct") == []


def test_a_line_that_breaks_midway_or_after_421_or_in_a_probe_is_no_missing_quit():
    world = World()
    world.connect().close()
    probe = world.connect()
    probe.ehlo()
    probe.close()
    broken = world.connect()
    broken.ehlo()
    broken.mail()
    broken.rcpt()
    broken.close()
    ended = world.connect()
    ended.ehlo()
    ended.mail(reply="421 4.3.2 Bye")
    ended.close()
    assert world.codes("conduct") == []
