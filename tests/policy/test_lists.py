"""Which entry holds: the most specific, allow at a tie, and no door for a mere claim."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.policy.canonical import canonical
from monitor.policy.entry import Entry, Kind, ListName
from monitor.policy.lists import Lists
from monitor.policy.ruling import Stage, Verified

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(number: int, name: ListName, kind: Kind, value: str, **more: Any) -> Entry:
    return Entry(id=number, list=name, kind=kind, value=canonical(kind, value), created=NOW, **more)


def stage(ip: str = "192.0.2.7", **more: Any) -> Stage:
    return Stage(session="s", at=NOW.timestamp(), phase="mail", ip=ip, **more)


def won(entries: list[Entry], at: Stage) -> int | None:
    found = Lists(entries).match(at)
    return found.id if found else None


def test_the_longest_prefix_wins_and_allow_wins_a_tie() -> None:
    wide = entry(1, "ban", "net", "192.0.2.0/24")
    narrow = entry(2, "allow", "net", "192.0.2.0/28")
    assert won([wide, narrow], stage("192.0.2.7")) == 2
    assert won([wide, narrow], stage("192.0.2.99")) == 1
    assert won([entry(3, "ban", "ip", "192.0.2.7"), narrow], stage()) == 3
    tie = [entry(4, "allow", "ip", "192.0.2.7"), entry(5, "ban", "ip", "192.0.2.7")]
    assert won(tie, stage()) == 4


def test_an_ipv6_ban_holds_for_the_whole_64() -> None:
    ban = entry(1, "ban", "ip", "2001:db8:0:1::5")
    assert won([ban], stage("2001:db8:0:1:ffff::1")) == 1
    assert won([ban], stage("2001:db8:0:2::5")) is None


def test_expired_and_ended_entries_hold_no_more() -> None:
    past = datetime(2025, 12, 31, tzinfo=UTC)
    assert won([entry(1, "ban", "ip", "192.0.2.7", expires=past)], stage()) is None
    assert won([entry(1, "ban", "ip", "192.0.2.7", ended=past)], stage()) is None


@pytest.mark.parametrize(
    "spelling", ["Spam@EXAMPLE.org", '"spam"@example.org', "spam@example.org."]
)
def test_a_banned_sender_in_any_spelling(spelling: str) -> None:
    assert won([entry(1, "ban", "sender", "spam@example.org")], stage(mail_from=spelling)) == 1


def test_a_banned_domain_holds_below_it_and_for_the_null_sender_its_own_key() -> None:
    ban = entry(1, "ban", "domain", "example.org")
    assert won([ban], stage(mail_from="a@mail.example.org")) == 1
    assert won([ban], stage(mail_from="a@notexample.org")) is None
    assert won([entry(2, "ban", "sender", "<>")], stage(mail_from="")) == 2


def test_a_claim_opens_no_door() -> None:
    allow = entry(1, "allow", "domain", "example.org")
    claim = {"mail_from": "a@example.org"}
    assert won([allow], stage(**claim)) is None
    assert won([allow], stage(**claim, verified=Verified(author="example.org"))) is None
    proved = Verified(author="example.org", dmarc="example.org")
    assert won([allow], stage(**claim, verified=proved)) == 1
    helo = entry(2, "allow", "helo", "mx.example.org")
    assert won([helo], stage(helo="mx.example.org")) is None
    assert won([helo], stage(helo="mx.example.org", name="mx.example.org")) == 2


def test_a_dkim_ban_needs_a_valid_signature_of_that_domain() -> None:
    ban = entry(1, "ban", "dkim", "bulk.example")
    assert won([ban], stage()) is None
    assert won([ban], stage(verified=Verified(dkim=("other.example", "BULK.example")))) == 1
