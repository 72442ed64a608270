"""The name in EHLO or HELO: its form, our own names in it, and whether it leads back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from conversation import World

from monitor.findings import helo
from monitor.findings.answers import Answer, Answers, NeedAnswer

SYNTAX, US, MISMATCH = "conduct.helo-syntax", "conduct.helo-is-us", "conduct.helo-mismatch"


def greet(name: str, ip: str = "192.0.2.1", ptr: str | None = None) -> list[str]:
    world = World()
    client = world.connect(ip, ptr=ptr)
    client.ehlo(name)
    client.mail()
    client.quit()
    return world.codes("conduct")


@pytest.mark.parametrize(
    "name",
    ["mx.sender.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--bcher-kva.example", "a1.b2"],
)
def test_good_names(name):
    assert greet(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localhost",
        "192.0.2.1",
        "2001:db8::1",
        "[192.0.2.256]",
        "[2001:db8::1]",
        "win_pc.example",
        "-mx.example",
        "mx..example",
        "mx.example.",
        "mx.example.7",
        "bücher.example",
        "a." * 130 + "example",
    ],
)
def test_bad_names(name):
    assert greet(name) == [SYNTAX]


@pytest.mark.parametrize(
    "name", ["mx.here.example", "MX.HERE.example", "[198.51.100.1]", "here.example"]
)
def test_our_own_names(name):
    assert greet(name) == [US]


def test_our_own_hosts_may_use_them():
    assert greet("mx.here.example", ip="127.0.0.1") == []
    assert greet("mx.here.example", ip="::1") == []
    assert greet("mx.here.example", ip="198.51.100.1") == []
    assert greet("mx.here.example", ip="127.0.0.9") == [US]
    assert greet("here.example", ptr="out.here.example") == []
    assert greet("here.example", ptr="out.nothere.example") == [US]


@dataclass
class Client:
    ip: str = "192.0.2.1"
    helo: str = "mx.sender.example"
    name: str | None = None


def answers(*addresses: str, status: str = "nodata", name: str = "mx.sender.example") -> Answers:
    def answer(rdtype: str, records: tuple[str, ...]) -> Answer:
        return Answer(name=name, type=rdtype, status="ok" if records else status, records=records)

    v6 = tuple(a for a in addresses if ":" in a)
    return Answers([answer("AAAA", v6), answer("A", tuple(set(addresses) - set(v6)))])


def codes(client: Client, known: Answers) -> list[str]:
    return [f.code for f in helo.judge(client, known)]


def test_a_name_that_leads_to_the_client():
    assert codes(Client(), answers("198.51.100.9", "192.0.2.1")) == []
    assert codes(Client(ip="2001:db8::1"), answers("2001:DB8:0::1")) == []


def test_a_name_that_leads_elsewhere_or_nowhere():
    assert codes(Client(), answers("198.51.100.9")) == [MISMATCH]
    assert codes(Client(), answers(status="nxdomain")) == [MISMATCH]


def test_silence_where_dns_failed_or_another_finding_says_enough():
    assert codes(Client(), answers(status="servfail")) == []
    assert codes(Client(helo="localhost"), Answers()) == []
    assert codes(Client(helo=""), Answers()) == []
    assert codes(Client(name="MX.sender.example"), Answers()) == []


def test_address_literals_need_no_dns():
    assert codes(Client(helo="[192.0.2.1]"), Answers()) == []
    assert codes(Client(helo="[192.0.2.2]"), Answers()) == [MISMATCH]


def test_both_address_types_are_asked_for_at_once():
    with pytest.raises(NeedAnswer) as need:
        helo.judge(Client(), Answers())
    assert [q[1] for q in need.value.questions] == ["A", "AAAA"]
