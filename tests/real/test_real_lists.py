"""A ban holds at once, in open sessions too, and after a restart."""

from __future__ import annotations

import json
import os
import pwd
import smtplib

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
    assert f"INFO monitor.control.server: {me} added entry 1: ban ip {BANNED}" in relay.errors()


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
