"""No spelling of a name dodges a ban, and none opens a door (property tests)."""

from __future__ import annotations

import ipaddress
import time
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.policy.canonical import canonical, mailbox
from monitor.policy.entry import Entry, Kind, ListName
from monitor.policy.lists import Lists
from monitor.policy.ruling import Stage, Verified
from monitor.relay import paths
from monitor.relay.identity import canonical_ip
from monitor.text import printable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda label: label[2:4] != "--"
)
DOMAIN = st.lists(LABEL, min_size=2, max_size=5).map(".".join)
ATOM = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*/=?^_`{|}~-.", min_size=1, max_size=12)
IPV4 = st.ip_addresses(v=4)
IPV6 = st.ip_addresses(v=6).filter(lambda ip: ip.ipv4_mapped is None)


def lists(name: ListName, kind: Kind, value: str) -> Lists:
    entry = Entry(id=1, list=name, kind=kind, value=canonical(kind, value), created=NOW)
    return Lists([entry])


def stage(ip: str = "192.0.2.7", **more: Any) -> Stage:
    return Stage(session="s", at=NOW.timestamp(), phase="mail", ip=ip, **more)


def said(path: bytes) -> str:
    """The address that a MAIL command with this path speaks of, as the relay hears it."""
    verb, argument = paths.command(b"MAIL FROM:" + path)
    return paths.path(verb, argument).address


@st.composite
def cased(draw: st.DrawFn, text: str) -> str:
    """``text`` in any mixture of capital letters."""
    return "".join(draw(st.sampled_from((c.lower(), c.upper()))) for c in text)


@st.composite
def spellings(draw: st.DrawFn, local: str, domain: str) -> bytes:
    """A path of RFC 5321 that leads to ``local@domain``."""
    local = draw(cased(local))
    if draw(st.booleans()):
        local = '"' + "".join(draw(st.sampled_from((c, "\\" + c))) for c in local) + '"'
    domain = draw(cased(domain)) + draw(st.sampled_from(("", ".")))
    route = draw(st.sampled_from(("", "@relay.test:", "@a.test,@B.test:")))
    bare = not route and draw(st.booleans())
    address = f"{route}{local}@{domain}"
    return address.encode() if bare else f"<{address}>".encode()


@given(st.data(), ATOM, DOMAIN)
def test_a_banned_sender_in_every_spelling(data: st.DataObject, local: str, domain: str) -> None:
    ban = lists("ban", "sender", f"{local}@{domain}")
    assert ban.match(stage(mail_from=said(data.draw(spellings(local, domain)))))
    assert not ban.match(stage(mail_from=f"{local}x@{domain}"))
    assert not ban.match(stage(mail_from=f"{local}@x{domain}"))


@given(st.data(), ATOM, ATOM, DOMAIN)
def test_a_sub_address_is_the_mailbox_to_a_ban(
    data: st.DataObject, local: str, tag: str, domain: str
) -> None:
    path = data.draw(spellings(f"{local}+{tag}", domain))
    assert lists("ban", "sender", f"{local}@{domain}").match(stage(mail_from=said(path)))
    assert lists("ban", "sender", f"{local}+{tag}@{domain}").match(stage(mail_from=said(path)))
    other = stage(mail_from=f"{local}@{domain}")
    assert not lists("ban", "sender", f"{local}+{tag}@{domain}").match(other)


@pytest.mark.parametrize(
    ("address", "main"),
    [
        ("a+b@x.test", "a@x.test"),
        ("a+b+c@x.test", "a@x.test"),
        ('"a b+c"@x.test', '"a b"@x.test'),
        ('"a\\"+c"@x.test', '"a\\""@x.test'),
        ("+a@x.test", "+a@x.test"),
        ("a@x.test", "a@x.test"),
        ("<>", "<>"),
    ],
)
def test_the_mailbox_of_an_address(address: str, main: str) -> None:
    assert mailbox(address) == canonical("sender", main) == main


@given(st.data(), ATOM, DOMAIN, st.binary(max_size=40))
def test_whatever_stands_in_front_of_a_banned_domain(
    data: st.DataObject, local: str, domain: str, front: bytes
) -> None:
    """Labels that are none, too many of them, or too long: a parent's ban holds."""
    ban = lists("ban", "domain", domain)
    front = b"".join(bytes([c]) for c in front if c > 0x20 and c not in b'<>()[]\\,;:@"\x7f')
    try:
        address = said(b"<a@" + front + b"." + data.draw(cased(domain)).encode() + b">")
    except paths.PathError:
        return
    assert ban.match(stage(mail_from=address))


@pytest.mark.parametrize(
    "front", ["a." * 40, "a." * 120, "x" * 70 + ".", "-x.", "x-.", ".", "é" * 80 + "."]
)
def test_no_depth_and_no_length_dodges(front: str) -> None:
    ban = lists("ban", "domain", "bad.example")
    assert ban.match(stage(mail_from=f"a@{front}bad.example"))
    assert not ban.match(stage(mail_from=f"a@{front}notbad.example"))


def test_many_labels_take_little_time() -> None:
    ban = lists("ban", "domain", "bad.example")
    address = "a@" + "é." * 400 + "bad.example"
    before = time.process_time()
    for _ in range(20):
        assert ban.match(stage(mail_from=address))
    assert (time.process_time() - before) / 20 < 0.02


@pytest.mark.parametrize("kind", ["domain", "helo", "sender", "dkim"])
@pytest.mark.parametrize(
    "spelling",
    [
        "bücher.example",
        "BÜCHER.Example.",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE",
        "bu\u0308cher.example",
        "bücher\u3002example",
        "\uff42\u00fccher\uff0eexample",
        "b\u00adücher.example",
    ],
)
def test_u_labels_and_a_labels_are_one_domain(kind: Kind, spelling: str) -> None:
    at = "a@" if kind == "sender" else ""
    ban = lists("ban", kind, at + "bücher.example")
    heard = said(f"<a@{spelling}>".encode())
    told: dict[str, Any] = {
        "domain": {"mail_from": heard},
        "sender": {"mail_from": heard},
        "helo": {"helo": printable(spelling.encode())},
        "dkim": {"verified": Verified(dkim=(spelling,))},
    }
    assert ban.match(stage(**told[kind]))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("local", ["é", "É", "straße", "STRASSE"])
def test_accents_and_capitals_of_a_local_part(form: Any, local: str) -> None:
    other = {"é": "É", "É": "é", "straße": "STRASSE", "STRASSE": "straße"}[local]
    ban = lists("ban", "sender", f"{other}@example.org")
    assert ban.match(stage(mail_from=f"{unicodedata.normalize(form, local)}@example.org"))


@given(IPV4, st.sampled_from(("{}", "::ffff:{}", "::FFFF:{}", "::ffff:{hex}", "0:0:0:0:0:ffff:{}")))
def test_every_form_of_an_ipv4_address(ip: ipaddress.IPv4Address, form: str) -> None:
    spelt = form.format(ip, hex=f"{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}")
    for known in (str(ip), spelt):
        ban = lists("ban", "ip", known)
        assert ban.match(stage(spelt))
        assert ban.match(stage(canonical_ip(spelt)))
        neighbour = ipaddress.ip_address(int(ip) ^ 1)
        assert not ban.match(stage(str(neighbour)))
    assert lists("ban", "net", f"{ip}/24").match(stage(spelt))
    assert lists("ban", "net", f"::ffff:{ip}/120").match(stage(str(ip)))


@given(IPV6, st.integers(0, 2**64 - 1), st.sampled_from(("", "%eth0")))
def test_an_ipv6_ban_is_of_the_whole_64(ip: ipaddress.IPv6Address, host: int, scope: str) -> None:
    ban = lists("ban", "ip", str(ip) + scope)
    neighbour = ipaddress.IPv6Address(int(ip) >> 64 << 64 | host)
    if neighbour.ipv4_mapped is None:
        assert ban.match(stage(str(neighbour)))
        assert ban.match(stage(neighbour.exploded.upper()))
    assert not ban.match(stage(str(ipaddress.IPv6Address(int(ip) ^ 1 << 64))))


@given(IPV6, st.integers(1, 128))
def test_an_ipv6_range_of_any_length(ip: ipaddress.IPv6Address, length: int) -> None:
    ban = lists("ban", "net", f"{ip}/{length}")
    assert ban.match(stage(str(ip)))
    outside = ipaddress.IPv6Address(int(ip) ^ 1 << (128 - length))
    if outside.ipv4_mapped is None:
        assert not ban.match(stage(str(outside)))


def test_the_null_reverse_path_is_a_key_of_its_own() -> None:
    assert lists("ban", "sender", "<>").match(stage(mail_from=said(b"<>")))
    assert not lists("ban", "sender", "<>").match(stage(mail_from="a@b.test"))
    assert not lists("ban", "sender", "<>").match(stage())
    assert not lists("ban", "domain", "b.test").match(stage(mail_from=""))


@given(st.data(), ATOM, DOMAIN, DOMAIN)
def test_a_claim_in_no_spelling_opens_a_door(
    data: st.DataObject, local: str, domain: str, elsewhere: str
) -> None:
    path = data.draw(spellings(local, domain))
    claims = [
        Verified(),
        Verified(author=domain),
        Verified(spf=domain, dkim=(domain,), author=domain),
        Verified(dmarc=f"not{domain}", author=f"not{domain}"),
    ]
    for kind, value in (("domain", domain), ("sender", f"{local}@{domain}")):
        allow = lists("allow", kind, value)
        assert not allow.match(stage(mail_from=said(path), helo=domain, name=elsewhere))
        for claim in claims:
            assert not allow.match(stage(mail_from=said(path), verified=claim))
        proved = Verified(dmarc=domain, author=domain)
        assert allow.match(stage(mail_from=said(path), verified=proved))
    tagged = stage(mail_from=f"{local}+x@{domain}", verified=Verified(dmarc=domain, author=domain))
    assert not lists("allow", "sender", f"{local}@{domain}").match(tagged)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_claim_breaks_the_match(mail_from: str, helo: str) -> None:
    for kind, value in (("domain", "x.test"), ("sender", "a@x.test"), ("helo", "x.test")):
        for name in ("ban", "allow"):
            lists(name, kind, value).match(
                stage(mail_from=mail_from, helo=helo, verified=Verified(author=mail_from))
            )
