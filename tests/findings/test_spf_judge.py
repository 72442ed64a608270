"""Findings about SPF: the result, and the record's own faults, whoever sends."""

from __future__ import annotations

import time

import pytest

from monitor.dns.zone import Zone
from monitor.findings.answers import Answer, Answers, NeedAnswer
from monitor.findings.spf import Spf, check, domain_of
from monitor.findings.spf.record import terms

CLIENT = "192.0.2.5"


def spf(zone: str, mail_from: str = "a@d.test", helo: str = "mta.d.test", ip: str = CLIENT) -> Spf:
    return check(ip, helo, mail_from, Zone(zone).known)


def codes(result: Spf) -> dict[str, str]:
    return {f.code: f.severity for f in result.findings}


def only(result: Spf, code: str):
    (found,) = [f for f in result.findings if f.code == code]
    return found


@pytest.mark.parametrize(
    ("record", "word", "mechanism"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass", "ip4:192.0.2.0/24"),
        ("v=spf1 -all", "fail", "-all"),
        ("v=spf1 ~all", "softfail", "~all"),
        ("v=spf1 ?all", "neutral", "?all"),
        ("v=spf1 ip4:198.51.100.1", "neutral", ""),
        ("v=spf1 include:e.test -all", "pass", "include:e.test"),
        ("v=spf1 redirect=e.test", "pass", "ip4:192.0.2.5"),
    ],
)
def test_the_result_says_what_matched(record, word, mechanism):
    result = spf(f'd.test. TXT "{record}"\ne.test. TXT "v=spf1 ip4:192.0.2.5 -all"')
    found = only(result, f"spf.{word}")
    assert (result.result, result.domain, result.identity) == (word, "d.test", "mailfrom")
    assert found.evidence["record"] == record
    assert found.evidence["mechanism"] == mechanism
    assert found.evidence["domain"] == "d.test"


def test_without_a_record_the_result_is_none():
    result = spf('d.test. TXT "v=spf10 -all"')
    assert codes(result) == {"spf.none": "notice"}


def test_the_null_reverse_path_is_judged_by_helo():
    result = spf('mta.d.test. TXT "v=spf1 ip4:192.0.2.5 -all"', mail_from="")
    assert (result.result, result.domain, result.identity) == ("pass", "mta.d.test", "helo")


def test_the_helo_result_is_told_beside():
    zone = 'd.test. TXT "v=spf1 +ip4:192.0.2.5 -all"\nmta.d.test. TXT "v=spf1 -all"'
    found = only(spf(zone), "spf.pass")
    assert found.evidence["helo"] == {"domain": "mta.d.test", "result": "fail"}


def test_lookups_and_void_lookups_are_counted():
    zone = 'd.test. TXT "v=spf1 a:no.test include:e.test -all"\ne.test. TXT "v=spf1 a ?all"'
    result = spf(zone)
    found = only(result, "spf.fail")
    assert (found.evidence["lookups"], found.evidence["void_lookups"]) == (3, 2)
    void = only(result, "spf.void-lookups")
    assert (void.severity, void.evidence["missing"]) == ("notice", ["no.test"])


def test_a_name_that_is_made_to_be_void_is_no_fault():
    result = spf('d.test. TXT "v=spf1 exists:%{i}.white.test -all"')
    assert "spf.void-lookups" not in codes(result)


def test_more_than_two_void_lookups_are_a_permerror():
    result = spf('d.test. TXT "v=spf1 a:x.test a:y.test a:z.test -all"')
    assert codes(result) == {"spf.permerror": "error", "spf.void-lookups": "error"}


def test_an_mx_is_one_term_whatever_its_hosts_have():
    hosts = "".join(f"d.test. MX 1 m{n}.test.\nm{n}.test. A 192.0.2.{n}\n" for n in range(1, 5))
    result = spf('d.test. TXT "v=spf1 mx -all"\n' + hosts, ip="2001:db8::1")
    assert result.result == "fail"


def test_eleven_lookups_are_a_permerror():
    includes = " ".join(f"include:i{n}.test" for n in range(11))
    zone = f'd.test. TXT "v=spf1 {includes} -all"\n'
    zone += "".join(f'i{n}.test. TXT "v=spf1 ?all"\n' for n in range(11))
    result = spf(zone)
    assert codes(result)["spf.permerror"] == "error"
    assert only(result, "spf.too-many-lookups").evidence["lookups"] == 11


def test_too_many_lookups_are_told_of_a_client_that_passes_too():
    includes = " ".join(f"include:i{n}.test" for n in range(4))
    zone = f'd.test. TXT "v=spf1 ip4:{CLIENT} {includes} -all"\n'
    zone += "".join(f'i{n}.test. TXT "v=spf1 a mx ?all"\n' for n in range(4))
    result = spf(zone)
    assert result.result == "pass"
    assert only(result, "spf.too-many-lookups").detail == "12 lookups"


def test_a_record_that_includes_itself_is_not_followed_for_ever():
    result = spf(
        f'd.test. TXT "v=spf1 ip4:{CLIENT} include:e.test"\ne.test. TXT "v=spf1 include:d.test"'
    )
    assert only(result, "spf.too-many-lookups").detail == "more than 20 lookups"


def test_two_records_are_one_too_many():
    result = spf('d.test. TXT "v=spf1 -all"\nd.test. TXT "v=spf1 +all"')
    assert codes(result) == {"spf.permerror": "error", "spf.multiple-records": "error"}


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 ipv4:192.0.2.5 -all",
        "v=spf1 ip4:192.0.2.500 -all",
        "v=spf1 a/99 -all",
        "v=spf1 a:%{x}.test -all",
        "v=spf1 ip4:192.0.2.5/" + "1" * 200,
    ],
)
def test_a_syntax_error_is_told_with_the_term(record):
    result = spf(f'd.test. TXT "{record}"')
    assert codes(result) == {"spf.permerror": "error", "spf.record-syntax": "error"}
    assert only(result, "spf.record-syntax").detail


def test_a_sender_that_is_no_text_does_not_break_the_check():
    result = spf('d.test. TXT "v=spf1 exists:%{S}.d.test -all"', mail_from="\udcff@d.test")
    assert result.result == "permerror"


def test_an_include_that_leads_nowhere_is_no_syntax_error():
    result = spf('d.test. TXT "v=spf1 include:absent.test -all"')
    assert codes(result) == {"spf.permerror": "error"}
    assert "absent.test" in only(result, "spf.permerror").detail


def test_plus_all_and_ptr_are_told_wherever_they_stand():
    zone = f'd.test. TXT "v=spf1 ip4:{CLIENT} include:e.test"\ne.test. TXT "v=spf1 ptr +all"'
    result = spf(zone)
    assert codes(result) == {
        "spf.pass": "good",
        "spf.plus-all": "warning",
        "spf.ptr-used": "notice",
    }
    assert only(result, "spf.plus-all").detail == "+all at e.test"


MX = "d.test. MX 10 mx.d.test.\nmx.d.test. A 192.0.2.25\n"


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        ("v=spf1 mx -all", "warning"),
        ("v=spf1 mx ~all", "warning"),
        ("v=spf1 ip4:192.0.2.25 -all", "warning"),
        ("v=spf1 a:mx.d.test -all", "warning"),
        ("v=spf1 mx include:e.test -all", "notice"),
        ("v=spf1 ip4:192.0.2.0/30 ip4:192.0.2.25 -all", None),
        ("v=spf1 include:e.test -all", None),
        ("v=spf1 -all", None),
        ("v=spf1 mx ?all", None),
    ],
)
def test_a_record_of_mx_hosts_is_told_where_another_host_sends(record, severity):
    result = spf(f'{MX}d.test. TXT "{record}"\ne.test. TXT "v=spf1 ?all"')
    assert codes(result).get("spf.mx-not-sender") == severity


def test_a_dead_name_server_is_a_temperror():
    def ask(name, rdtype):
        return Answer(name=name, type=rdtype, status="timeout")

    result = check(CLIENT, "mta.d.test", "a@d.test", ask)
    assert codes(result) == {"spf.temperror": "notice"}
    assert "timeout" in only(result, "spf.temperror").detail


def test_dns_trouble_with_ptr_is_no_match(monkeypatch):
    zone = Zone('d.test. TXT "v=spf1 ptr ~all"')

    def ask(name, rdtype):
        if rdtype == "PTR":
            return Answer(name=name, type=rdtype, status="servfail")
        return zone.known(name, rdtype)

    assert check(CLIENT, "mta.d.test", "a@d.test", ask).result == "softfail"


def test_the_explanation_is_the_domains_and_harmless():
    zone = 'd.test. TXT "v=spf1 -all exp=e.test"\ne.test. TXT "\\027[31m%{i} is not ours"'
    assert only(spf(zone), "spf.fail").evidence["explanation"] == f"\\x1b[31m{CLIENT} is not ours"


def test_the_explanation_is_not_asked_for_where_nobody_needs_it():
    zone = Zone(f'd.test. TXT "v=spf1 ip4:{CLIENT} -all exp=e.test"')
    asked = []

    def ask(name, rdtype):
        asked.append(name)
        return zone.known(name, rdtype)

    check(CLIENT, "mta.d.test", "a@d.test", ask)
    assert "e.test" not in asked


@pytest.mark.parametrize(
    ("identity", "domain"),
    [
        ("a@d.test", "d.test"),
        ('"x@y"@d.test', "d.test"),
        ("a@D.test.", "D.test."),
        ("a@bücher.test", "xn--bcher-kva.test"),
        ("a@localhost", ""),
        ("a@[192.0.2.1]", ""),
        ("a@b..test", ""),
        ("", ""),
        ("mta d.test", ""),
    ],
)
def test_the_domain_of_an_identity(identity, domain):
    assert domain_of(identity) == domain


def test_a_quoted_at_sign_does_not_move_the_domain():
    result = spf(f'd.test. TXT "v=spf1 ip4:{CLIENT} -all"', mail_from='"x@other.test"@d.test')
    assert (result.result, result.domain) == ("pass", "d.test")


def test_all_first_questions_are_asked_together():
    with pytest.raises(NeedAnswer) as need:
        check(CLIENT, "mta.d.test", "a@d.test", Answers())
    assert set(need.value.questions) == {("d.test", "TXT"), ("mta.d.test", "TXT")}


HOSTILE = {
    "label": "v=spf1 a:" + "a" * 60_000,
    "macros": "v=spf1 exp=" + "%{d}." * 12_000,
    "dots": "v=spf1 x=" + "." * 60_000,
    "terms": "v=spf1 " + "ip4:1.1.1.1 " * 5_000,
    "labels": "v=spf1 a:" + ".".join("a" * 60 for _ in range(900)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_record_costs_little(kind):
    def ask(name, rdtype):
        records = (HOSTILE[kind],) if rdtype == "TXT" else ()
        return Answer(name=name, type=rdtype, status="ok" if records else "nodata", records=records)

    start = time.process_time()
    assert check(CLIENT, "mta.d.test", "a@d.test", ask).result == "permerror"
    assert time.process_time() - start < 0.25


def test_terms_end_at_all():
    found = terms("v=spf1 A/24 -mx:h.test redirect=r.test ~ALL ip4:192.0.2.1 junk:: ")
    assert [(t.qualifier, t.name, t.target) for t in found] == [
        ("+", "a", ""),
        ("-", "mx", "h.test"),
        ("~", "all", ""),
    ]
