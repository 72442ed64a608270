"""Validation from the anchor down, over trees of zones that the tests sign."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import dns.dnssec
import dns.message
import dns.name
import dns.rdata
import dns.rdataset
import dns.zone
import pytest
from signed_zones import Pair, Tree, ds, pair, sign, zone_of

from monitor.dns import validate
from monitor.dns.anchors import AnchorError, load_anchors
from monitor.dns.validate import Validator

NOW = 1_800_000_000.0
DAY = 86_400
TIMES = {"inception": NOW - DAY, "expiration": NOW + DAY}
HOST = "mail.sub.example.test."


@dataclasses.dataclass
class World:
    """The root, test. and example.test. signed; a record of example.test. is asked for."""

    tree: Tree
    keys: dict[str, Pair]
    now: float = NOW

    def __post_init__(self) -> None:
        anchor = dns.dnssec.make_ds(".", self.keys["."][1], "SHA256")
        anchors = {dns.name.root: dns.rdataset.from_rdata(0, anchor)}
        self.validator = Validator(self.tree.fetch, anchors, lambda: self.now)

    async def secure(self, name: str = HOST, rdtype: str = "TXT") -> bool | None:
        parsed = dns.name.from_text(name)
        response = await self.tree.fetch(parsed, rdtype)
        self.tree.asked.clear()
        assert response is not None
        return await self.validator.secure(response, parsed, rdtype)

    def sign(self, records: Any, signer: str, zone: dns.zone.Zone, key: Pair) -> None:
        """Sign ``records`` of ``zone`` in the name of ``signer``, in place of what was there."""
        name = dns.name.from_text(signer)
        made = dns.dnssec.sign(records, key[0], name, key[1], **TIMES)
        with zone.writer() as writer:
            writer.replace(records.name, dns.rdataset.from_rdata(300, made))


def world(
    *,
    algorithms: tuple[str, str, str] = ("ED25519", "ED25519", "ED25519"),
    times: dict[str, dict[str, Any]] | None = None,
    delegation: str | None = None,
    records: str = "",
    zone_keys: list[Pair] | None = None,
) -> World:
    """``delegation`` replaces the DS of example.test., "" leaves it out."""
    names = (".", "test", "example.test")
    keys = {name: pair(algorithm) for name, algorithm in zip(names, algorithms, strict=True)}
    below = ds("example.test", keys["example.test"][1]) if delegation is None else delegation
    delegated = "example.test. NS ns.example.\n"
    zones = {
        ".": zone_of(".", "test. NS ns.example.\n" + ds("test", keys["test"][1])),
        "test": zone_of("test", delegated + below + "apart.test. NS ns.example.\n"),
        "example.test": zone_of("example.test", f'{HOST} TXT "signed"\n' + records),
    }
    for name, zone in zones.items():
        signing = (zone_keys or [keys[name]]) if name == "example.test" else [keys[name]]
        sign(zone, signing, **(times or {}).get(name, TIMES))
    apart = zone_of("apart.test", 'mail.apart.test. TXT "not signed"\n')
    return World(Tree(*zones.values(), apart), keys)


@pytest.mark.parametrize(
    "algorithms",
    [
        ("ED25519", "ED25519", "ED25519"),
        ("RSASHA256", "ECDSAP256SHA256", "RSASHA512"),
    ],
)
async def test_a_chain_from_the_anchor_is_secure(algorithms) -> None:
    assert await world(algorithms=algorithms).secure() is True


async def test_a_zone_without_a_ds_is_not() -> None:
    assert await world().secure("mail.apart.test.") is False
    assert await world(delegation="").secure() is False


async def test_a_key_that_no_ds_names_is_not() -> None:
    stranger = ds("example.test", pair()[1])
    assert await world(delegation=stranger).secure() is False


async def test_a_key_signing_and_a_zone_signing_key() -> None:
    key, other = pair(), pair(flags=256)
    both = world(zone_keys=[key, other], delegation=ds("example.test", key[1]))
    assert await both.secure() is True
    # The DS must name a key that signs the keys, and only those with the flag sign zones.
    assert await world(zone_keys=[other], delegation=ds("example.test", key[1])).secure() is False


@pytest.mark.parametrize(
    ("zone", "times"),
    [
        ("example.test", {"inception": NOW - 2 * DAY, "expiration": NOW - 1}),
        ("test", {"inception": NOW - 2 * DAY, "expiration": NOW - 1}),
        ("example.test", {"inception": NOW + 1, "expiration": NOW + DAY}),
    ],
)
async def test_signatures_out_of_their_time_are_not(zone: str, times: dict[str, Any]) -> None:
    assert await world(times={zone: times}).secure() is False
    late = world()
    late.now += 2 * DAY
    assert await late.secure() is None  # nor is the anchor's own zone


async def test_a_changed_record_or_a_missing_signature_is_not() -> None:
    changed = world()
    zone = changed.tree.zones[dns.name.from_text("example.test")]
    with zone.writer() as writer:
        rdata = dns.rdata.from_text("IN", "TXT", '"forged"')
        writer.replace(dns.name.from_text(HOST), 300, rdata)
    assert await changed.secure() is False
    bare = world()
    with bare.tree.zones[dns.name.from_text("example.test")].writer() as writer:
        writer.delete(dns.name.from_text(HOST), "RRSIG", "TXT")
    assert await bare.secure() is False


async def test_a_neighbours_signature_is_not() -> None:
    """A zone signs what is its own: a signer must stand above the record."""
    private, public = pair()
    evil, host = dns.name.from_text("evil.test."), dns.name.from_text(HOST)
    here = world()
    test = here.tree.zones[dns.name.from_text("test")]
    with test.writer() as writer:
        writer.add(evil, 300, dns.dnssec.make_ds(evil, public, "SHA256"))
    records = test.find_rrset(evil, "DS")
    here.sign(records, "test", test, here.keys["test"])
    own = zone_of("evil.test", 'evil.test. TXT "own"\n')
    sign(own, [(private, public)], **TIMES)
    here.tree.zones[evil] = own
    assert await here.secure("evil.test.") is True
    example = here.tree.zones[dns.name.from_text("example.test")]
    here.sign(example.find_rrset(host, "TXT"), "evil.test", example, (private, public))
    assert await here.secure() is False


async def test_a_ds_set_that_its_own_zone_signs_is_not() -> None:
    here = world()
    test = here.tree.zones[dns.name.from_text("test")]
    records = test.find_rrset("example.test.", "DS")
    here.sign(records, "example.test", test, here.keys["example.test"])
    async with asyncio.timeout(5):
        assert await here.secure() is False


async def test_every_alias_on_the_way_counts() -> None:
    aliases = f"near.example.test. CNAME {HOST}\nfar.example.test. CNAME mail.apart.test.\n"
    aliases += "off.example.test. CNAME gone.example.test.\n"
    here = world(records=aliases)
    assert await here.secure("near.example.test.") is True
    assert await here.secure("far.example.test.") is False
    assert await here.secure("off.example.test.") is None


async def test_what_is_denied_or_from_a_wildcard_is_unknown() -> None:
    here = world(records='*.wild.example.test. TXT "any"\n')
    assert await here.secure("absent.example.test.") is None
    wild, host = (dns.name.from_text(f"{label}.wild.example.test.") for label in ("*", "x"))
    literal = await here.tree.fetch(wild, "TXT")
    assert literal
    text = literal.to_text().replace("*.wild", "x.wild")
    assert await here.validator.secure(dns.message.from_text(text), host, "TXT") is None


async def test_a_resolver_that_passes_no_signatures_says_nothing() -> None:
    here = world()
    here.tree.unsigned = True
    assert await here.secure() is None
    assert await here.secure("mail.apart.test.") is None


async def test_another_root_says_nothing() -> None:
    here = world()
    here.keys["."] = pair()
    here.__post_init__()
    assert await here.secure() is None


@pytest.mark.parametrize("rdtype", ["DS", "DNSKEY"])
async def test_silence_is_unknown_and_asked_again_later(rdtype: str) -> None:
    here = world()
    here.tree.silent.add(rdtype)
    assert await here.secure() is None
    here.tree.silent.clear()
    assert await here.secure() is None
    here.now += validate.FAILURE_AGE + 1
    assert await here.secure() is True


async def test_keys_are_remembered_and_asked_for_once() -> None:
    here = world()
    answers = await asyncio.gather(*(here.secure() for _ in range(5)))
    assert answers == [True] * 5
    assert await here.secure() is True
    assert here.tree.asked == []
    here.now += 301  # their TTL
    assert await here.secure() is True
    assert sorted(set(here.tree.asked)) == sorted(here.tree.asked)  # each once more
    assert len(here.tree.asked) == 5


async def test_many_keys_with_one_tag_are_not_all_tried(monkeypatch) -> None:
    """KeyTrap (CVE-2023-50387): the work of a record set is bounded, whatever a zone holds."""
    here = world()
    tried = []

    def count(*args: Any) -> bool:
        tried.append(args)
        return False

    assert await here.secure() is True
    monkeypatch.setattr(validate, "_valid", count)
    monkeypatch.setattr(dns.dnssec, "key_id", lambda key: 1)
    keys = tuple(pair()[1] for _ in range(16))
    response = await here.tree.fetch(dns.name.from_text(HOST), "TXT")
    assert response
    records, signed = response.answer
    same = [s.replace(key_tag=1, algorithm=15, expiration=int(NOW) + n) for n, s in
            enumerate(list(signed) * 8)]  # fmt: skip
    assert here.validator._verify(records, same, keys) is None
    assert len(tried) == validate.MAX_TRIES


async def test_too_many_keys_are_not_looked_at() -> None:
    keys = [pair(flags=256) for _ in range(validate.MAX_KEYS)]
    first = pair()
    crowded = world(zone_keys=[first, *keys], delegation=ds("example.test", first[1]))
    assert await crowded.secure() is None


def test_a_key_that_is_slow_to_use_is_not_used() -> None:
    _, key = pair("RSASHA256")
    assert validate._bounded(key)
    modulus = key.key[4:]
    slow = key.replace(key=bytes([64]) + b"\xff" * 64 + modulus)
    assert not validate._bounded(slow)
    assert not validate._bounded(key.replace(key=b"\x03\x01\x00\x01" + b"\xff" * 1_024))


async def test_a_deep_zone_ends_the_walk() -> None:
    here = world()
    name = dns.name.from_text(".".join("abcdefghijkl") + ".test.")
    deep = zone_of(name.to_text(omit_final_dot=True), f'{name} TXT "deep"\n')
    sign(deep, [pair()], **TIMES)
    here.tree.zones[name] = deep
    assert await here.secure(name.to_text()) is None
    assert here.tree.asked == [(".", "DNSKEY")]


def test_anchors_come_from_a_file_or_are_the_roots(tmp_path) -> None:
    assert {found.key_tag for found in load_anchors()[dns.name.root]} == {20326, 38696}
    path = tmp_path / "anchors"
    path.write_text("; ours\n" + ds("example.test", pair()[1]))
    assert list(load_anchors(path)) == [dns.name.from_text("example.test")]
    for text in ("", "example.test. A 192.0.2.1\n", "example.test. DS nonsense\n"):
        path.write_text(text)
        with pytest.raises(AnchorError):
            load_anchors(path)
    with pytest.raises(AnchorError, match="No such file"):
        load_anchors(tmp_path / "absent")
