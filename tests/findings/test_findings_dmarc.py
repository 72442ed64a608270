"""DMARC: the tree walk, alignment, policies, consent, and the findings about them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mail_signing import MESSAGE, Zone, record, rsa_key, sign

from monitor.events import Finding
from monitor.findings.answers import Answer, Answers, Ask, NeedAnswer
from monitor.findings.dkim.body import digests
from monitor.findings.dkim.verify import read, verify
from monitor.findings.dmarc.consent import unauthorised
from monitor.findings.dmarc.evaluate import Evaluation, evaluate
from monitor.findings.dmarc.judge import judge
from monitor.findings.dmarc.record import parse
from monitor.findings.dmarc.walk import MAX_QUERIES, path, walk
from monitor.findings.mailbox import Authors
from monitor.findings.message import body_offset, scan


def zone(**records: str) -> Zone:
    """Policies by domain, with ``_`` for the dot."""
    return Zone(*((f"_dmarc.{name.replace('_', '.')}", text) for name, text in records.items()))


def check(
    ask: Ask, author: str, *, spf: str = "", passed: bool = True, dkim: Sequence[str] = ()
) -> Evaluation:
    return evaluate(Authors((author,)), spf, passed, dkim, ask)


def test_the_path_has_eight_names_at_most() -> None:
    assert path("a.mail.example.com") == ["a.mail.example.com", "mail.example.com", "example.com",
                                          "com"]  # fmt: skip
    long = path("a.b.c.d.e.f.g.h.i.j.mail.example.com")
    assert len(long) == MAX_QUERIES
    assert long[0] == "a.b.c.d.e.f.g.h.i.j.mail.example.com"
    assert long[1] == "g.h.i.j.mail.example.com"
    assert long[-1] == "com"
    assert len(path("b.c.d.e.f.mail.example.com")) == 8
    assert path("com") == ["com"]


def test_a_walk_asks_for_all_its_names_at_once() -> None:
    with pytest.raises(NeedAnswer) as need:
        walk("a.b.example", Answers())
    assert [name for name, _ in need.value.questions] == [
        "_dmarc.a.b.example",
        "_dmarc.b.example",
        "_dmarc.example",
    ]


@pytest.mark.parametrize(
    ("records", "domain", "organization", "by"),
    [
        ({"example_com": "v=DMARC1"}, "a.mail.example.com", "example.com", "tree walk"),
        (
            {"example_com": "v=DMARC1", "mail_example_com": "v=DMARC1; psd=n"},
            "a.mail.example.com",
            "mail.example.com",
            "tree walk",
        ),
        ({"com": "v=DMARC1; psd=y"}, "a.mail.example.com", "example.com", "tree walk"),
        ({"bank": "v=DMARC1; psd=y"}, "bank", "bank", "tree walk"),
        (
            {"com": "v=DMARC1; psd=y", "example_com": "v=DMARC1"},
            "a.example.com",
            "example.com",
            "tree walk",
        ),
        ({"com": "v=DMARC1"}, "a.example.com", "com", "tree walk"),
        ({}, "a.example.co.uk", "example.co.uk", "public suffix list"),
        ({}, "co.uk", "co.uk", "public suffix list"),
    ],
)
def test_organisational_domain(
    records: dict[str, str], domain: str, organization: str, by: str
) -> None:
    found = walk(domain, zone(**records)).organization
    assert (found.domain, found.by) == (organization, by)


def test_several_records_at_a_name_count_as_none() -> None:
    ask = Zone(("_dmarc.a.test", "v=DMARC1; p=reject"), ("_dmarc.a.test", "v=DMARC1; p=none"))
    result = check(ask, "a.test")
    assert result.result == "none"
    assert "2 DMARC records" in result.faults[0]
    beside = Zone(("_dmarc.a.test", "v=DMARC1; p=reject"), ("_dmarc.a.test", "a note"))
    assert check(beside, "a.test").policy == "reject"


@pytest.mark.parametrize(
    ("text", "spf", "dkim", "result"),
    [
        ("v=DMARC1; p=reject", "example.com", (), "pass"),
        ("v=DMARC1; p=reject", "bounce.example.com", (), "pass"),
        ("v=DMARC1; p=reject; aspf=s", "bounce.example.com", (), "fail"),
        ("v=DMARC1; p=reject", "example.net", ("example.com",), "pass"),
        ("v=DMARC1; p=reject", "", ("other.test", "mail.example.com"), "pass"),
        ("v=DMARC1; p=reject; adkim=s", "", ("mail.example.com",), "fail"),
        ("v=DMARC1; p=reject", "badexample.com", ("com",), "fail"),
        ("v=DMARC1; p=reject", "", (), "fail"),
    ],
)
def test_alignment(text: str, spf: str, dkim: tuple[str, ...], result: str) -> None:
    assert check(zone(example_com=text), "example.com", spf=spf, dkim=dkim).result == result


def test_spf_must_pass_to_count() -> None:
    ask = zone(example_com="v=DMARC1; p=reject")
    result = check(ask, "example.com", spf="example.com", passed=False)
    assert result.result == "fail"
    assert result.spf
    assert result.spf.alignment == "exact"


def test_a_psd_n_below_ends_the_organisation() -> None:
    ask = zone(example_com="v=DMARC1; p=reject", dept_example_com="v=DMARC1; psd=n; p=none")
    assert check(ask, "example.com", dkim=("dept.example.com",)).result == "fail"
    assert check(ask, "dept.example.com", dkim=("example.com",)).result == "fail"
    assert check(ask, "a.dept.example.com", dkim=("dept.example.com",)).result == "pass"


@pytest.mark.parametrize(
    ("text", "author", "exists", "policy", "tag"),
    [
        ("v=DMARC1; p=reject; sp=none", "example.com", True, "reject", "p"),
        ("v=DMARC1; p=reject; sp=none", "a.example.com", True, "none", "sp"),
        ("v=DMARC1; p=quarantine", "a.example.com", True, "quarantine", "p"),
        ("v=DMARC1; p=none; np=reject", "a.example.com", True, "none", "p"),
        ("v=DMARC1; p=none; np=reject", "a.example.com", False, "reject", "np"),
        ("v=DMARC1; p=none; sp=quarantine", "a.example.com", False, "quarantine", "sp"),
        ("v=DMARC1; p=reject; t=y", "example.com", True, "quarantine", "p"),
        ("v=DMARC1; p=quarantine; t=y", "example.com", True, "none", "p"),
        ("v=DMARC1", "example.com", True, "none", "p"),
        ("v=DMARC1; p=maybe; rua=mailto:r@example.com", "example.com", True, "none", "p"),
        ("v=DMARC1; p=reject; sp=x; rua=mailto:r@example.com", "example.com", True, "none", "p"),
    ],
)
def test_policy(text: str, author: str, exists: bool, policy: str, tag: str) -> None:
    ask = zone(example_com=text)
    if exists:
        ask.add(Answer(name=author, type="MX", status="nodata", canonical=author))
    found = check(ask, author)
    assert (found.policy, found.policy_tag) == (policy, tag)


@pytest.mark.parametrize(
    ("answer", "tag"),
    [
        (Answer(name="a.example.com", type="MX", status="nodata"), "p"),  # whatever its types
        (Answer(name="a.example.com", type="MX", status="timeout"), "p"),
        (
            Answer(name="a.example.com", type="MX", status="nxdomain", canonical="a.example.com"),
            "np",
        ),
        # An alias exists, though what it stands for does not.
        (Answer(name="a.example.com", type="MX", status="nxdomain", canonical="gone.test"), "p"),
    ],
)
def test_a_name_does_not_exist_where_the_dns_says_so(answer: Answer, tag: str) -> None:
    ask = zone(example_com="v=DMARC1; p=none; np=reject")
    ask.add(answer)
    assert check(ask, "a.example.com").policy_tag == tag


def test_existence_is_asked_for_where_np_depends_on_it_only() -> None:
    plain = zone(example_com="v=DMARC1; p=reject")
    check(plain, "a.example.com")
    assert {rdtype for _, rdtype in plain.asked} == {"TXT"}


def test_an_unusable_policy_is_a_permerror() -> None:
    found = check(zone(a_test="v=DMARC1; p=maybe"), "a.test")
    assert found.result == "permerror"
    assert found.faults


def test_the_version_is_exact_and_its_tag_name_is_not() -> None:
    assert parse("V = DMARC1 ;p=reject") == parse("V = DMARC1 ;p=reject;")._replace(
        text="V = DMARC1 ;p=reject"
    )


def test_reports_by_other_means_than_mail_are_no_fault() -> None:
    found = parse("v=DMARC1; p=reject; rua=https://reports.test/dmarc, mailto:r@a.test")
    assert found
    assert (found.rua, found.faults) == ((("r@a.test", "a.test"),), ())
    broken = parse("v=DMARC1; p=maybe; rua=https://reports.test/dmarc")
    assert broken
    assert broken.p == "none"  # as for any valid URI (RFC 9989 4.10.1)


@pytest.mark.parametrize(
    "text",
    ["v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC10; p=none", "v=spf1 -all", ""],
)
def test_what_is_no_record(text: str) -> None:
    assert parse(text) is None


def test_tags_of_rfc_7489_are_ignored_and_told() -> None:
    found = parse("v=DMARC1; p=reject; pct=20; rf=afrf; ri=3600; unknown=1;")
    assert found
    assert found.ignored == ("pct=20", "rf=afrf", "ri=3600")
    assert not found.faults


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1; p=none; adkim=x",
        "v=DMARC1; p=none; rua=reports@a.test",
        "v=DMARC1; p=none; p=reject",
        "v=DMARC1; p=none reject",
        "v=DMARC1; none",
        "v=DMARC1; p=none; psd=maybe",
    ],
)
def test_record_faults(text: str) -> None:
    found = parse(text)
    assert found
    assert len(found.faults) == 1


def test_dns_trouble_is_a_temperror_and_never_a_fail() -> None:
    ask = zone(example_com="v=DMARC1; p=reject")
    ask.add(Answer(name="_dmarc.mail.example.com", type="TXT", status="servfail"))
    assert check(ask, "mail.example.com").result == "temperror"
    assert check(ask, "example.com", dkim=("mail.example.com",)).result == "temperror"
    assert check(ask, "example.com", dkim=("mail.example.com", "example.com")).result == "pass"


def test_the_authors_own_record_and_signature_settle_it_whatever_stands_above() -> None:
    ask = zone(example_com="v=DMARC1; p=reject")
    ask.add(Answer(name="_dmarc.com", type="TXT", status="timeout"))
    assert check(ask, "example.com", dkim=("example.com",)).result == "pass"
    assert check(ask, "example.com", spf="example.com").result == "pass"
    assert check(ask, "example.com", spf="example.com", passed=False).result == "temperror"
    assert check(ask, "example.com", dkim=("mail.example.com",)).result == "temperror"


def test_a_check_that_could_not_be_made_is_no_fail() -> None:
    ask = zone(example_com="v=DMARC1; p=reject")
    author = Authors(("example.com",))
    for domain, result in (("mail.example.com", "temperror"), ("other.test", "fail")):
        assert evaluate(author, "", False, (), ask, (domain,)).result == result
    assert evaluate(author, "example.com", True, (), ask, ("example.com",)).result == "pass"


def test_no_single_author_domain_is_a_permerror() -> None:
    assert evaluate(Authors((), "no From field"), "", False, (), Answers()).result == "permerror"


def test_consent_to_reports() -> None:
    rua = "rua=mailto:a@example.com,mailto:b@mail.example.com!10m,"
    rua += "mailto:c@agree.test,mailto:d@no.test"
    ask = zone(example_com=f"v=DMARC1; p=none; {rua}")
    ask.add(
        Answer(
            name="example.com._report._dmarc.agree.test",
            type="TXT",
            status="ok",
            records=("v=DMARC1",),
        )
    )
    evaluation = check(ask, "sub.example.com", dkim=("example.com",))
    assert unauthorised(evaluation, ask) == ("no.test",)
    ask.add(Answer(name="example.com._report._dmarc.no.test", type="TXT", status="timeout"))
    assert unauthorised(evaluation, ask) == ()


def findings_of(message: bytes, ask: Ask, spf: str = "fail", spf_domain: str = "x.test") -> dict[
    str, Finding
]:  # fmt: skip
    header = scan(message)
    found = read(header)
    bodies = digests([message[body_offset(message) :]], found.wants)
    outcomes = verify(found.read, header, bodies, ask, 0)
    passed = [o.signature.domain for o in outcomes if o.passed and o.signature]
    evaluation = evaluate(Authors(("author.example",)), spf_domain, spf == "pass", passed, ask)
    judged = judge(evaluation, spf, outcomes, header, unauthorised(evaluation, ask))
    return {finding.code: finding for finding in judged}


POLICY = ("_dmarc.author.example", "v=DMARC1; p=reject; rua=mailto:r@else.test; pct=5; x")
KEY = ("s._domainkey.author.example", record(rsa_key()))


def test_dkim_saves_what_spf_lost() -> None:
    found = findings_of(sign(MESSAGE), Zone(POLICY, KEY))
    assert set(found) == {
        "dmarc.pass",
        "dmarc.spf-failed-dkim-saved",
        "dmarc.report-unauthorised",
        "dmarc.record-syntax",
    }
    evidence = found["dmarc.pass"].evidence
    assert evidence["policy"] == "reject"
    assert evidence["organization"] == "author.example"
    assert evidence["found_by"] == "tree walk"
    assert evidence["spf"]["aligned"] is False
    assert evidence["dkim"][0]["alignment"] == "exact"
    assert evidence["ignored"] == ["pct=5"]


def test_a_list_that_broke_the_signature_is_told() -> None:
    listed = sign(MESSAGE).replace(b"To: ", b"List-Id: <list.test>\r\nTo: ") + b"-- \r\nfooter\r\n"
    found = findings_of(listed, Zone(POLICY, KEY), "pass", "list.test")
    assert found["dmarc.list-broke-it"].evidence["changed"] == "body"
    assert "dmarc.fail" in found
    direct = sign(MESSAGE) + b"-- \r\nfooter\r\n"
    assert "dmarc.list-broke-it" not in findings_of(direct, Zone(POLICY, KEY))


@pytest.mark.parametrize(
    ("zone", "codes"),
    [
        (Zone(), {"dmarc.none"}),
        (
            Zone(("_dmarc.author.example", "v=DMARC1; p=none")),
            {"dmarc.fail", "dmarc.policy-none"},
        ),
        (
            Zone(("_dmarc.author.example", "v=DMARC1; p=x")),
            {"dmarc.permerror", "dmarc.record-syntax"},
        ),
    ],
)
def test_other_results(zone: Zone, codes: set[str]) -> None:
    assert set(findings_of(MESSAGE, zone)) == codes
