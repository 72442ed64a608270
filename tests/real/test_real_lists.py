"""A ban holds at once, in open sessions too, and after a restart."""

from __future__ import annotations

import json
import os
import pwd
import smtplib
from collections.abc import Callable

import pytest
from harness_net import Dialogue
from harness_postfix import Postfix
from harness_relay import Relay

BANNED = "127.0.0.9"


def test_a_ban_meets_the_next_command_and_every_new_session(postfix: Postfix, relay: Relay) -> None:
    with Dialogue(relay.port, BANNED) as open_session, Dialogue(relay.port, "127.0.0.10") as other:
        for client in (open_session, other):
            client.reply()
            assert client.say(b"EHLO client.sender.test").startswith(b"250")

        done = relay.run("ban", "ip", BANNED, "--reason", "too loud")
        assert done.returncode == 0, done.stderr

        answer = open_session.say(b"MAIL FROM:<a@sender.test>")
        assert answer[:1] == b"5"
        assert b"mxtap" in answer or b"too loud" in answer, "the text says who refuses"
        assert other.say(b"MAIL FROM:<a@sender.test>").startswith(b"250")
    with Dialogue(relay.port, BANNED) as late:
        assert late.reply()[:1] == b"5"

    assert relay.stop() == 0
    relay.start()
    with Dialogue(relay.port, BANNED) as late:
        assert late.reply()[:1] == b"5"
    told = [r for r in relay.wait_events(3) if r["client"]["ip"] == BANNED]
    assert told
    for record in told:
        assert record["verdict"]["by"] == "mxtap"
        assert "list.banned" in {f["code"] for f in record["findings"]}


def test_a_ban_survives_a_kill_right_after_it_was_confirmed(relay: Relay) -> None:
    assert relay.run("ban", "ip", BANNED).returncode == 0
    relay.kill()
    relay.start()
    with Dialogue(relay.port, BANNED) as client:
        assert client.reply()[:1] == b"5"


def test_lists_work_on_a_stopped_relay(postfix: Postfix, relay: Relay) -> None:
    assert relay.stop() == 0
    assert relay.run("ban", "domain", "sender.test").returncode == 0
    [entry] = [json.loads(line) for line in relay.run("lists", "--json").stdout.splitlines()]
    assert (entry["list"], entry["kind"], entry["value"]) == ("ban", "domain", "sender.test")

    relay.start()
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.ehlo()
        assert client.mail("a@sender.test")[0] >= 500
    assert relay.run("unlist", str(entry["id"])).returncode == 0
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.ehlo()
        assert client.mail("a@sender.test")[0] == 250


def test_the_history_tells_who_did_what(relay: Relay) -> None:
    assert relay.run("ban", "ip", BANNED, "--reason", "too loud").returncode == 0
    assert relay.run("unlist", "1").returncode == 0
    added, ended = relay.run("lists", "--history").stdout.splitlines()
    me = pwd.getpwuid(os.getuid()).pw_name
    assert f"added by {me}: " in added
    assert f"ended by {me}: " in ended
    assert BANNED in ended
    assert "too loud" in ended
    assert relay.run("lists").stdout == ""
    assert relay.stop() == 0
    told = [
        json.loads(line) for line in relay.run("lists", "--history", "--json").stdout.splitlines()
    ]
    assert [(c["what"], c["by"], c["entry"]["id"]) for c in told] == [
        ("added", me, 1),
        ("ended", me, 1),
    ]
    assert f"INFO monitor.control.requests: {me} added entry 1: ban ip {BANNED}" in relay.errors()


@pytest.mark.parametrize(
    "arguments",
    [
        ("ip", "127.0.0.300"),
        ("net", "10.0.0.0/99"),
        ("colour", "red"),
        ("ip", BANNED, "--for", "x"),
    ],
)
def test_a_wrong_ban_is_wrong_usage(relay: Relay, arguments: tuple[str, ...]) -> None:
    done = relay.run("ban", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


DODGES = {
    "ip": [
        (b"TCP4 192.0.2.9 127.0.0.1", b""),
        (b"TCP6 ::ffff:192.0.2.9 ::1", b""),
        (b"TCP6 0:0:0:0:0:FFFF:C000:0209 ::1", b""),
        (b"TCP6 2001:db8:1::5 ::1", b""),
        (b"TCP6 2001:DB8:1:0:ffff:ffff:ffff:ffff ::1", b""),
    ],
    "mail": [
        (b"TCP4 198.51.100.1 127.0.0.1", path)
        for path in (
            b"<Spam@BAD.example>",
            b'<"spam"@bad.example.>',
            b'<"s\\pam"@bad.example>',
            b"<@relay.test,@b.test:spam@bad.example>",
            b"spam@bad.example",
            b"<spam+tag@bad.example>",
            b"<x@xn--bcher-kva.example>",
            "<x@BÜCHER.example> SMTPUTF8".encode(),
            b"<x@deep.-odd..b\xc3\xbccher.example> SMTPUTF8",
        )
    ],
}


def test_no_spelling_dodges_a_ban(postfix: Postfix, start_relay: Callable[..., Relay]) -> None:
    relay = start_relay(postfix.port, "--set", "proxy_from=127.0.0.1/32")
    for ban in (
        ("ip", "192.0.2.9"),
        ("ip", "2001:db8:1::1"),
        ("sender", "spam@bad.example"),
        ("domain", "bücher.example"),
        ("helo", "mail.bad.example"),
    ):
        assert relay.run("ban", *ban).returncode == 0
    for peer, _ in DODGES["ip"]:
        with Dialogue(relay.port) as client:
            client.send(b"PROXY " + peer + b" 4711 25\r\n")
            assert client.reply().startswith(b"55"), peer
    for peer, path in DODGES["mail"]:
        with Dialogue(relay.port) as client:
            client.send(b"PROXY " + peer + b" 4711 25\r\n")
            assert client.reply().startswith(b"220 ")
            assert client.say(b"EHLO good.example").startswith(b"250")
            assert client.say(b"MAIL FROM:" + path).startswith(b"55"), path
            assert client.say(b"MAIL FROM:<pam@bad.example>").startswith(b"250 ")
    for name in (b"Mail.BAD.example", b"mail.bad.example."):
        with Dialogue(relay.port) as client:
            client.send(b"PROXY TCP4 198.51.100.1 127.0.0.1 4711 25\r\n")
            client.reply()
            assert client.say(b"EHLO " + name).startswith(b"55"), name
            assert client.say(b"EHLO other.bad.example").startswith(b"250")
    assert postfix.inbox.raw() == []
