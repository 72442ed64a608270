"""Local validation over nsd, with unbound as the second opinion on the same zones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dns.dnssec
import dns.zone
import pytest
from harness_dns import nsd, unbound
from signed_zones import ds, pair, sign, zone_of

from monitor.dns.anchors import load_anchors
from monitor.dns.resolver import LiveResolver

KEY = "rsa2048._domainkey"
ZONES = ("signed", "bare", "strange", "expired", "broken")
NOW = time.time()
TIMES = {"inception": NOW - 3_600, "expiration": NOW + 86_400}
PAST = {"inception": NOW - 10 * 86_400, "expiration": NOW - 3 * 86_400}  # past all leniency


class Servers(NamedTuple):
    nsd: int
    unbound: int
    anchors: Path


@pytest.fixture(scope="module")
def servers(needs, tmp_path_factory) -> Iterator[Servers]:
    needs("nsd", "unbound")
    folder = tmp_path_factory.mktemp("dnssec")
    anchor = write_zones(folder)
    (folder / "anchors").write_text(f". DS {anchor}\n")
    files = {".": "root.zone", **{f"{name}.example": f"{name}.zone" for name in ZONES}}
    with nsd(folder, files) as authority, unbound(folder, authority, anchor) as validator:
        yield Servers(authority, validator, folder / "anchors")


def write_zones(folder: Path) -> str:
    """The root and the zones below it; each keeps the promise of its name."""
    root, keys = pair("RSASHA256"), {name: pair("ECDSAP256SHA256") for name in ZONES}
    records = "ns.example. A 127.0.0.1\n"
    for name in ZONES:
        own = f"{name}.example"
        zone = zone_of(own, f'{KEY}.{own}. TXT "k"\nalias.{own}. CNAME {KEY}.signed.example.\n')
        records += f"{own}. NS ns.example.\n"
        if name != "bare":
            sign(zone, [keys[name]], **(PAST if name == "expired" else TIMES))
            key = pair() if name == "strange" else keys[name]
            records += ds(own, key[1])
        text = zone.to_text(relativize=False)
        if name == "broken":
            text = text.replace('"k"', '"K"')
        (folder / f"{name}.zone").write_text(text)
    top = zone_of(".", records)
    sign(top, [root], **TIMES)
    top.to_file(str(folder / "root.zone"), relativize=False)
    return dns.dnssec.make_ds(".", root[1], "SHA256").to_text()


@pytest.mark.parametrize("label", [KEY, "alias"])
@pytest.mark.parametrize("name", ZONES)
async def test_it_says_what_unbound_says(servers: Servers, name: str, label: str) -> None:
    local = LiveResolver([("127.0.0.1", servers.nsd)], anchors=load_anchors(servers.anchors))
    trusted = LiveResolver([("127.0.0.1", servers.unbound)])
    ours, theirs = [await r.answer(f"{label}.{name}.example", "TXT") for r in (local, trusted)]
    whole = name == "signed" or (name == "broken" and label == "alias")
    # To a validating resolver a signature that is wrong is a failure.
    assert theirs.status == ("ok" if whole or name == "bare" else "servfail")
    assert ours.status == "ok"
    assert ours.secure is (theirs.secure or False)
    assert ours.secure is whole


async def test_behind_a_resolver_that_validates_too(servers: Servers) -> None:
    both = LiveResolver([("127.0.0.1", servers.unbound)], anchors=load_anchors(servers.anchors))
    assert (await both.answer(f"{KEY}.signed.example", "TXT")).secure is True
    assert (await both.answer(f"{KEY}.bare.example", "TXT")).secure is False
    assert (await both.answer(f"{KEY}.broken.example", "TXT")).status == "servfail"


async def test_with_the_roots_own_anchors_it_knows_nothing_of_this_root(servers: Servers) -> None:
    lost = LiveResolver([("127.0.0.1", servers.nsd)], anchors=load_anchors())
    answer = await lost.answer(f"{KEY}.signed.example", "TXT")
    assert (answer.status, answer.secure) == ("ok", None)
