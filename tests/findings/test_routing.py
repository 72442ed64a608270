"""Where mail and bounces would go: a scenario for each code, and for each guard."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.dns.zone import Zone
from monitor.events import Finding
from monitor.findings.answers import Answer, Answers, Ask, NeedAnswer
from monitor.findings.routing import MAX_DOMAINS, MAX_HOSTS, recipients, sender

LOCAL = ("home.example", "büro.example")
HOST = "mx.home.example"


def told(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(f.code.removeprefix("route."), f.severity) for f in found]


def bounce(zone: str, address: str = "a@s.example") -> list[Finding]:
    return sender(address, Zone(zone).known)


def mail_to(zone: str, *addresses: str, local: Sequence[str] = LOCAL) -> list[Finding]:
    return recipients(addresses, local, HOST, Zone(zone).known)


def failing(zone: str, *dead: tuple[str, str], status: str = "servfail") -> Ask:
    known = Zone(zone).known
    return lambda name, kind: (
        Answer(name=name, type=kind, status=status) if (name, kind) in dead else known(name, kind)
    )


# The sender's side


@pytest.mark.parametrize("kind", ["A 192.0.2.1", "AAAA 2001:db8::1"])
def test_bounces_that_arrive(kind: str) -> None:
    assert bounce(f"s.example. MX 10 mx.s.example.\nmx.s.example. {kind}") == []


def test_one_reachable_host_of_several_is_enough() -> None:
    assert (
        bounce("s.example. MX 10 gone.example.\n MX 20 mx.example.\nmx.example. A 192.0.2.1") == []
    )


def test_bounces_that_would_try_the_address() -> None:
    (found,) = bounce("s.example. A 192.0.2.1\n AAAA 2001:db8::1")
    assert told([found]) == [("sender-no-mx", "notice")]
    assert found.evidence == {
        "domain": "s.example",
        "mx": [],
        "addresses": ["192.0.2.1", "2001:db8::1"],
    }


def test_a_null_mx_takes_no_bounces() -> None:
    (found,) = bounce("s.example. MX 0 .\n A 192.0.2.1")
    assert told([found]) == [("sender-null-mx", "warning")]
    assert found.evidence["mx"] == ["0 ."]


def test_a_null_mx_beside_another_is_none() -> None:
    assert bounce("s.example. MX 0 .\n MX 10 mx.example.\nmx.example. A 192.0.2.1") == []


@pytest.mark.parametrize(
    ("zone", "detail"),
    [
        ("", "s.example does not exist"),
        ('s.example. TXT "v=spf1 -all"', "s.example has no MX record and no address"),
        ("s.example. MX 10 gone.example.", "no MX host of s.example has an address: gone.example"),
    ],
)
def test_bounces_that_have_nowhere_to_go(zone: str, detail: str) -> None:
    (found,) = bounce(zone)
    assert told([found]) == [("sender-unreachable", "warning")]
    assert found.detail == detail


@pytest.mark.parametrize("address", ["", "postmaster", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"])
def test_without_a_domain_nothing_is_asked(address: str) -> None:
    assert sender(address, Answers()) == []
    assert recipients([address], LOCAL, HOST, Answers()) == []


def test_the_domain_of_an_international_address_is_asked_as_a_labels() -> None:
    with pytest.raises(NeedAnswer) as need:
        sender("a@BÜRO.example", Answers())
    assert need.value.questions == (("xn--bro-hoa.example", "MX"),)


@pytest.mark.parametrize("status", ["servfail", "timeout"])
@pytest.mark.parametrize(
    ("zone", "dead"),
    [
        ("", ("s.example", "MX")),
        ('s.example. TXT "x"', ("s.example", "AAAA")),
        ("s.example. MX 10 mx.example.", ("mx.example", "A")),
        ("s.example. MX 10 gone.example.\n MX 20 mx.example.", ("mx.example", "AAAA")),
    ],
)
def test_dns_trouble_is_no_charge(zone: str, dead: tuple[str, str], status: str) -> None:
    assert sender("a@s.example", failing(zone, dead, status=status)) == []
    if dead[0] == "s.example":
        assert recipients(["a@s.example"], (), HOST, failing(zone, dead, status=status)) == []


def test_the_first_host_is_asked_alone_and_the_others_together() -> None:
    records = tuple(f"{n} mx{n}.example" for n in (20, 10, 30))
    mx = Answer(name="s.example", type="MX", status="ok", records=records)
    known = Answers([mx])
    with pytest.raises(NeedAnswer) as first:
        sender("a@s.example", known)
    assert first.value.questions == (("mx10.example", "A"), ("mx10.example", "AAAA"))
    for name, kind in first.value.questions:
        known.add(Answer(name=name, type=kind, status="nxdomain"))
    with pytest.raises(NeedAnswer) as rest:
        sender("a@s.example", known)
    assert {name for name, _ in rest.value.questions} == {"mx20.example", "mx30.example"}


def test_more_hosts_than_are_looked_at_are_not_called_lost() -> None:
    def zone(hosts: int) -> str:
        return "".join(f"s.example. MX {n} gone{n}.example.\n" for n in range(hosts))

    assert told(bounce(zone(MAX_HOSTS))) == [("sender-unreachable", "warning")]
    assert bounce(zone(MAX_HOSTS + 1)) == []


# The recipient's side

ELSEWHERE = "example. MX 10 mx.example.\nbranch.home.example. MX 10 mx.example.\n"


@pytest.mark.parametrize(
    ("domain", "detail"),
    [
        (
            "Branch.Home.Example",
            "branch.home.example is not ours, but below home.example, which is",
        ),
        ("example", "example is not ours, but the parent of home.example, which is"),
    ],
)
def test_a_domain_that_is_nearly_ours(domain: str, detail: str) -> None:
    (found,) = mail_to(ELSEWHERE, f"info@{domain}")
    assert told([found]) == [("recipient-not-ours", "warning")]
    assert found.detail == detail
    assert found.evidence == {
        "resembles": "home.example",
        "recipient": f"info@{domain}",
        "domain": domain.lower(),
        "mx": ["10 mx.example"],
    }


def test_a_domain_nearly_ours_is_told_in_dns_trouble_too() -> None:
    ask = failing("", ("example", "MX"))
    (found,) = recipients(["info@example"], LOCAL, HOST, ask)
    assert found.code == "route.recipient-not-ours"
    assert "mx" not in found.evidence


@pytest.mark.parametrize(
    "address", ["info@home.example", "INFO@HOME.EXAMPLE", "a@büro.example", f"root@{HOST}"]
)
def test_our_own_domains_are_not_asked_about(address: str) -> None:
    assert recipients([address], LOCAL, HOST, Answers()) == []


@pytest.mark.parametrize("domain", ["other.test", "nothome.example.test", "athome.example"])
def test_a_foreign_domain_is_just_foreign(domain: str) -> None:
    assert mail_to(f"{domain}. MX 10 mx.test.", f"a@{domain}") == []


def test_our_own_name_makes_nothing_resemble_it() -> None:
    assert mail_to(ELSEWHERE, "info@example", "a@branch.home.example", local=()) == []


def test_a_recipient_whose_domain_has_an_address_only() -> None:
    (found,) = mail_to("other.test. A 192.0.2.1", "a@other.test")
    assert told([found]) == [("recipient-no-mx", "notice")]
    assert found.evidence["addresses"] == ["192.0.2.1"]


@pytest.mark.parametrize("zone", ["", 'other.test. TXT "x"'])
def test_a_recipient_whose_domain_leads_nowhere(zone: str) -> None:
    assert told(mail_to(zone, "a@other.test")) == [("recipient-no-mx", "warning")]


def test_a_recipient_whose_domain_takes_no_mail() -> None:
    found = mail_to("other.test. MX 0 .\nno.home.example. MX 0 .", "a@other.test")
    assert told(found) == [("recipient-null-mx", "warning")]


def test_both_faults_of_one_domain_are_told_once() -> None:
    found = mail_to("nomail.home.example. MX 0 .", "a@nomail.home.example", "b@nomail.home.example")
    assert told(found) == [("recipient-not-ours", "warning"), ("recipient-null-mx", "warning")]


def test_the_domains_of_a_long_list_are_asked_together_and_bounded() -> None:
    with pytest.raises(NeedAnswer) as need:
        recipients([f"a@d{n}.test" for n in range(50)], LOCAL, HOST, Answers())
    assert need.value.questions == tuple((f"d{n}.test", "MX") for n in range(MAX_DOMAINS))


def test_hostile_text_is_shown_harmless() -> None:
    (found,) = mail_to("", 'a\x1b[2J"\u202e@other.test')
    assert found.evidence["recipient"].isprintable()
