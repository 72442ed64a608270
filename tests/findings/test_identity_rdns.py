"""The client's PTR name, and whether it leads back."""

from __future__ import annotations

import pytest

from monitor.dns.zone import Zone
from monitor.findings.answers import Answer, Answers, NeedAnswer
from monitor.findings.identity import check

PTR = "5.2.0.192.in-addr.arpa. PTR"


def codes(who):
    return [f.code for f in who.findings]


def test_a_confirmed_name():
    who = check("192.0.2.5", Zone(f"{PTR} Mta.test.\nmta.test. A 192.0.2.5").known)
    assert (who.name, who.confirmed, codes(who)) == ("mta.test", True, [])


def test_a_confirmed_name_in_ipv6():
    pointer = "5" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa."
    who = check("2001:db8::5", Zone(f"{pointer} PTR mta.test.\nmta.test. AAAA 2001:DB8:0::5").known)
    assert who.confirmed


def test_no_name_at_all():
    who = check("192.0.2.5", Zone("").known)
    assert (who.name, who.confirmed, codes(who)) == (None, False, ["rdns.none"])


@pytest.mark.parametrize("forward", ["mta.test. A 192.0.2.6", "mta.test. AAAA ::1", ""])
def test_a_name_that_leads_elsewhere(forward):
    who = check("192.0.2.5", Zone(f"{PTR} mta.test.\n{forward}").known)
    assert (who.name, who.confirmed, codes(who)) == ("mta.test", False, ["rdns.mismatch"])
    assert who.findings[0].evidence["names"] == ["mta.test"]


def test_one_name_of_several_is_enough():
    who = check("192.0.2.5", Zone(f"{PTR} a.test.\n{PTR} b.test.\nb.test. A 192.0.2.5").known)
    assert (who.name, who.confirmed) == ("b.test", True)


def test_ten_names_are_looked_at_and_asked_together():
    names = tuple(f"n{i}.test" for i in range(50))
    pointer = Answer(name="5.2.0.192.in-addr.arpa", type="PTR", status="ok", records=names)
    with pytest.raises(NeedAnswer) as need:
        check("192.0.2.5", Answers([pointer]))
    assert need.value.questions == tuple((name, "A") for name in names[:10])


def test_dns_trouble_is_no_charge():
    def ask(name, rdtype):
        return Answer(name=name, type=rdtype, status="servfail")

    assert check("192.0.2.5", ask).temporary
    pointer = Answer(name="5.2.0.192.in-addr.arpa", type="PTR", status="ok", records=("m.test",))
    who = check("192.0.2.5", lambda n, t: pointer if t == "PTR" else ask(n, t))
    assert (who.name, who.confirmed, who.temporary, codes(who)) == ("m.test", False, True, [])
