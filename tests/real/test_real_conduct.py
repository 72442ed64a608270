"""Mail for wrong domains told, and bad conduct acted upon, in front of a real Postfix."""

from __future__ import annotations

from pathlib import Path

from harness_net import Dialogue
from harness_postfix import DOMAIN, Postfix
from harness_relay import StartRelay

EHLO, MAIL = b"EHLO mail.sender.test", b"MAIL FROM:<a@sender.test>"
WRONG = f"branch.{DOMAIN}"


def test_mail_for_a_wrong_domain_is_told_though_postfix_refuses_it(
    postfix: Postfix, start_relay: StartRelay, zone: Path
) -> None:
    with zone.open("a") as file:
        file.write(f"{WRONG}. 300 IN A 127.0.0.1\n")
    config = zone.with_name("mxtap.toml")
    config.write_text(f'local_domains = ["{DOMAIN}"]\n')
    relay = start_relay(postfix.port, "--config", str(config))
    with Dialogue(relay.port) as client:
        client.reply()
        for line in (EHLO, MAIL):
            assert client.say(line).startswith(b"250")
        refusal = client.say(f"RCPT TO:<info@{WRONG}>".encode())
        assert b"Relay access denied" in refusal
        assert client.say(b"QUIT").startswith(b"221")
    (record,) = relay.wait_events(1)
    found = {f["code"]: f for f in record["findings"] if f["code"].startswith("route.")}
    assert set(found) == {"route.recipient-not-ours", "route.recipient-no-mx"}
    assert found["route.recipient-not-ours"]["evidence"]["resembles"] == DOMAIN


def test_bad_conduct_is_refused_but_not_of_the_allowed(
    postfix: Postfix, start_relay: StartRelay
) -> None:
    rules = ("greet_delay=1", "early_talker=refuse", "helo=drop")
    relay = start_relay(postfix.port, *(x for rule in rules for x in ("--set", f"conduct.{rule}")))
    assert relay.run("allow", "ip", "127.0.0.10").returncode == 0

    with Dialogue(relay.port, "127.0.0.9") as early:
        assert early.say(EHLO).startswith(b"554 5.7.1 mxtap: ")
        assert early.rest() == b""
    with Dialogue(relay.port, "127.0.0.9") as nameless:
        assert nameless.reply().startswith(b"220")
        assert nameless.say(b"EHLO no_name").startswith(b"421 4.7.0 mxtap: ")
        assert nameless.rest() == b""
    with Dialogue(relay.port, "127.0.0.10") as allowed:
        assert allowed.say(b"EHLO no_name").startswith(b"220")
        assert allowed.reply().startswith(b"250")
        assert allowed.say(MAIL).startswith(b"250")
        assert allowed.say(f"RCPT TO:<b@{DOMAIN}>".encode()).startswith(b"250")
        assert allowed.say(b"DATA").startswith(b"354")
        assert allowed.say(b"Subject: x\r\n\r\nhi\r\n.").startswith(b"250")
    assert [r["verdict"]["code"] for r in relay.wait_events(3)] == [554, 421, 250]
    postfix.settle()
    assert len(postfix.inbox.raw()) == 1
