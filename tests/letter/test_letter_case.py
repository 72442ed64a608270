"""What is held against a sender is its own, can be mended, and is counted once a transaction."""

from __future__ import annotations

import pytest
from conversation import World
from insight_history import HOUR, letter
from letter_kit import case_of

from monitor.findings.answers import Answer, Answers, NeedAnswer
from monitor.letter.case import worst_first
from monitor.letter.recipients import addresses, is_address, mailbox
from monitor.letter.who import Who


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("sender.example", "sender.example"),
        ("mail.sender.example.", "sender.example"),
        ("News@Mail.Sender.Example", "sender.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("2001:db8::1/64", "2001:db8::/64"),
    ],
)
def test_whom_an_operator_means(typed: str, name: str) -> None:
    assert Who.of(typed).name == name


@pytest.mark.parametrize("typed", ["", "localhost", "a b.example", "x@", "\x1b[2J.example", "/24"])
def test_what_names_nobody_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        Who.of(typed)


def test_a_fault_has_its_count_its_times_and_its_newest_examples() -> None:
    world = World()
    made = []
    for _ in range(5):
        made.append(letter(world, "dkim.none", spf="sender.example", secure=True))
        world.wait(HOUR)
    [fault] = case_of(world, "sender.example").faults.values()
    assert (fault.code, fault.count, fault.severity) == ("dkim.none", 5, "notice")
    assert 4 * HOUR < (fault.last - fault.first).total_seconds() < 4.1 * HOUR
    assert [example.record.id for example in fault.examples] == made[2:]


def test_only_what_is_proved_is_its_own() -> None:
    world = World()
    letter(world, "spf.fail", "tls.none", ip="203.0.113.9", ptr="mx.forger.example")
    case = case_of(world, "sender.example")
    assert not case.faults
    assert not case.records
    assert case.claims == 1
    assert set(case.claimed) == {"spf.fail"}
    assert set(case_of(world, "forger.example").faults) >= {"tls.none"}


def test_whose_host_it_is_answers_for_the_conversation_and_the_author_for_the_message() -> None:
    world = World()
    codes = ("spf.fail", "conduct.bad-sequence")
    letter(world, *codes, dkim="author.example", ptr="mx.list.example", secure=True)
    assert set(case_of(world, "list.example").faults) == {"conduct.bad-sequence"}
    assert set(case_of(world, "author.example").faults) == {"spf.fail"}


def test_what_its_sender_cannot_mend_is_left_out() -> None:
    world = World()
    letter(
        world, "spf.neutral", "list.banned", "dkim.third-party", spf="sender.example", secure=True
    )
    assert set(case_of(world, "sender.example").faults) == {"dkim.third-party"}


def test_faults_stand_gravest_first() -> None:
    world = World()
    for _ in range(3):
        letter(world, "dkim.none", spf="sender.example", secure=True)
    letter(world, "dkim.fail-body", spf="sender.example", secure=True)
    faults = worst_first(case_of(world, "sender.example").faults)
    assert [fault.code for fault in faults] == ["dkim.fail-body", "dkim.none"]


def _zone(*answers: Answer) -> Answers:
    return Answers(answers)


MX = Answer(name="sender.example", type="MX", status="ok", records=("10 mx.sender.example",))
SOA = Answer(
    name="sender.example",
    type="SOA",
    status="ok",
    records=("ns.sender.example. dns\\.admin.sender.example. 1 2 3 4 5",),
)


def test_it_goes_to_the_roles_and_to_whom_the_zone_names() -> None:
    who = Who("sender.example")
    assert addresses(who, _zone(MX, SOA)) == [
        "postmaster@sender.example",
        "abuse@sender.example",
        "dns.admin@sender.example",
    ]
    with pytest.raises(NeedAnswer):
        addresses(who, _zone(MX))


def test_nobody_is_written_to_where_mail_is_not_taken() -> None:
    who = Who("sender.example")
    null = Answer(name="sender.example", type="MX", status="ok", records=("0 .",))
    gone = Answer(name="sender.example", type="MX", status="nxdomain")
    none = Answer(name="sender.example", type="SOA", status="nodata")
    assert addresses(who, _zone(null, SOA)) == ["dns.admin@sender.example"]
    assert addresses(who, _zone(gone, none)) == []
    assert addresses(Who("192.0.2.0/24", network=True), _zone()) == []


@pytest.mark.parametrize(
    ("rname", "address"),
    [
        ("hostmaster.sender.example.", "hostmaster@sender.example"),
        ("a\\.b.sender.example", "a.b@sender.example"),
        (".", ""),
        ("hostmaster", ""),
        ("hostmaster.example", ""),
        ("x\\010y.sender.example", ""),
        ("a,b@c.sender.example", ""),
        ("x" * 65 + ".sender.example", ""),
    ],
)
def test_the_address_behind_an_rname(rname: str, address: str) -> None:
    assert mailbox(rname) == address


@pytest.mark.parametrize(
    "text", ["a@b.example\nBcc: c@d.example", "a b@c.example", "@c.example", "a"]
)
def test_what_may_not_stand_in_a_header(text: str) -> None:
    assert not is_address(text)
    assert is_address("postmaster@mx.here.example")
