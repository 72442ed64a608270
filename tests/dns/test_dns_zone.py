"""Zone files: names of any domain, and nothing else exists."""

from __future__ import annotations

import pytest

from monitor.dns.zone import Zone, ZoneError

TEXT = """
$TTL 300
example.test.        A     192.0.2.1
example.test.        A     192.0.2.2
example.test.        MX    10 Mail.Example.TEST.
example.test.        TXT   "v=spf1 " "-all" ; two strings of one record
www.example.test.    CNAME host.other.test.
host.other.test. 60  AAAA  2001:db8::1
dangling.test.       CNAME nowhere.test.
loop-a.test.         CNAME loop-b.test.
loop-b.test.         CNAME loop-a.test.
1.2.0.192.in-addr.arpa. PTR Host.Example.test.
null.test.           MX    0 .
odd.test.            TXT   "back\\\\slash \\255"
*.wild.test.         TXT   "any"
b.deep.wild.test.    A     192.0.2.9
"""


@pytest.fixture(scope="module")
def zone() -> Zone:
    return Zone(TEXT)


async def test_records_are_in_presentation_form(zone):
    addresses = await zone.answer("Example.TEST.", "A")
    assert (addresses.status, addresses.name) == ("ok", "example.test")
    assert set(addresses.records) == {"192.0.2.1", "192.0.2.2"}
    assert addresses.ttl == 300
    assert zone.known("example.test", "MX").records == ("10 mail.example.test",)
    assert zone.known("1.2.0.192.in-addr.arpa", "PTR").records == ("host.example.test",)
    assert zone.known("null.test", "MX").records == ("0 .",)


def test_strings_of_a_txt_record_are_joined_and_escaped(zone):
    assert zone.known("example.test", "TXT").records == ("v=spf1 -all",)
    assert zone.known("odd.test", "TXT").records == ("back\\\\slash \\xff",)


def test_an_alias_is_followed_to_its_last_name(zone):
    answer = zone.known("www.example.test", "AAAA")
    assert answer.records == ("2001:db8::1",)
    assert (answer.name, answer.canonical) == ("www.example.test", "host.other.test")
    assert zone.known("www.example.test", "CNAME").records == ("host.other.test",)


@pytest.mark.parametrize(
    ("name", "rdtype", "status"),
    [
        ("example.test", "AAAA", "nodata"),
        ("absent.test", "A", "nxdomain"),
        ("www.example.test", "A", "nodata"),
        ("dangling.test", "A", "nxdomain"),
        ("loop-a.test", "A", "servfail"),
        ("in-addr.arpa", "PTR", "nodata"),  # an empty non-terminal (RFC 8020)
        ("deep.wild.test", "TXT", "nodata"),  # exists, hence no wildcard (RFC 4592 2.2.2)
        ("c.deep.wild.test", "TXT", "nxdomain"),
        ("", "A", "nodata"),
        ("x" * 64 + ".test", "A", "nxdomain"),
        ("a..test", "A", "nxdomain"),
        ("\udcff.test", "A", "nxdomain"),
    ],
)
def test_what_is_not_there(zone, name, rdtype, status):
    answer = zone.known(name, rdtype)
    assert (answer.status, answer.records) == (status, ())


def test_a_wildcard_stands_for_names_that_do_not_exist(zone):
    assert zone.known("x.wild.test", "TXT").records == ("any",)
    assert zone.known("x.y.wild.test", "TXT").records == ("any",)
    assert zone.known("x.wild.test", "A").status == "nodata"
    assert zone.known("wild.test", "TXT").status == "nodata"


@pytest.mark.parametrize(
    "text",
    [
        "example.test. A 192.0.2.1\nbroken.test. A not-an-address\n",
        "example.test. A 192.0.2.1\nexample.test. BOGUS x\n",
        'example.test. A 192.0.2.1\nexample.test. TXT "open\n',
        "example.test. A 192.0.2.1\nexample.test. CNAME other.test.\n",
        "; nothing yet\n$INCLUDE /etc/passwd\n",
    ],
)
def test_a_broken_file_names_itself_and_the_line(text, tmp_path):
    path = tmp_path / "broken.zone"
    path.write_text(text)
    with pytest.raises(ZoneError, match=r"broken\.zone:2"):
        Zone.load(path)


def test_an_unreadable_file_names_itself(tmp_path):
    with pytest.raises(ZoneError, match=r"absent\.zone: cannot be read: No such file"):
        Zone.load(tmp_path / "absent.zone")
    binary = tmp_path / "binary.zone"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ZoneError, match="not UTF-8"):
        Zone.load(binary)


def test_a_directive_says_whose_answers_are_signed():
    zone = Zone(
        "; mxtap: signed example.test other.test.\n"
        ";mxtap: unsigned Sub.Example.test\n"
        "www.example.test.      A     192.0.2.1\n"
        "a.sub.example.test.    A     192.0.2.1\n"
        "far.example.test.      CNAME www.other.test.\n"
        "www.other.test.        A     192.0.2.1\n"
        "half.example.test.     CNAME a.sub.example.test.\n"
        "out.example.test.      CNAME silent.test.\n"
        "silent.test.           A     192.0.2.1 ; mxtap: signed is a remark here\n"
    )
    secure = {
        "www.example.test": True,
        "absent.example.test": True,
        "a.sub.example.test": False,
        "far.example.test": True,
        "half.example.test": False,  # as secure as the weakest name of the chain
        "out.example.test": None,
        "silent.test": None,
    }
    assert {name: zone.known(name, "A").secure for name in secure} == secure


@pytest.mark.parametrize("line", ["; mxtap: sign example.test", "; mxtap: signed"])
def test_a_wrong_directive_names_the_line(line):
    with pytest.raises(ZoneError, match=r"zone:2: .*signed or unsigned, and names"):
        Zone("example.test. A 192.0.2.1\n" + line)
