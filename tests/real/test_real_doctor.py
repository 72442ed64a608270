"""The doctor in front of a real Postfix, a validating unbound over nsd, and a relay as MX."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import dns.dnssec
import pytest
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness_dns import nsd, unbound
from harness_postfix import Postfix
from harness_relay import mxtap, relaying
from signed_zones import ds, pair, sign, zone_of

from monitor.config import Settings
from monitor.dns.choose import open_resolver
from monitor.doctor.check import Check
from monitor.doctor.gather import TOTAL, Doctor

DOMAIN, MX, WEB = "our.example", "mx.our.example", "mta-sts.our.example"
POLICY = f"version: STSv1\nmode: enforce\nmx: {MX}\nmax_age: 2419200\n".encode()
RECORDS = f"""
{DOMAIN}. MX 10 {MX}.
{DOMAIN}. TXT "v=spf1 mx -all"
{MX}. A 127.0.0.1
{WEB}. A 127.0.0.1
_dmarc.{DOMAIN}. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{DOMAIN}"
_mta-sts.{DOMAIN}. TXT "v=STSv1; id=20260101"
_smtp._tls.{DOMAIN}. TXT "v=TLSRPTv1; rua=mailto:tls@{DOMAIN}"
"""


class World(NamedTuple):
    folder: Path
    resolver: int
    certificate: Path


@pytest.fixture(scope="module")
def world(needs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """DNS, with a TLSA record of the certificate that the relay will show."""
    needs("nsd", "unbound")
    folder = tmp_path_factory.mktemp("doctor")
    authority = Authority()
    certificate = authority.write(folder, MX)
    authority.write(folder, WEB)
    leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tlsa = f"_25._tcp.{MX}. TLSA 3 1 1 {hashlib.sha256(spki).hexdigest()}\n"
    keys, root = pair("ECDSAP256SHA256"), pair("RSASHA256")
    own = zone_of(DOMAIN, RECORDS + tlsa)
    sign(own, [keys])
    own.to_file(str(folder / "own.zone"), relativize=False)
    pointer = "1.0.0.127.in-addr.arpa. PTR mx.our.example.\n"
    top = zone_of(
        ".", f"ns.example. A 127.0.0.1\n{DOMAIN}. NS ns.example.\n{pointer}" + ds(DOMAIN, keys[1])
    )
    sign(top, [root])
    top.to_file(str(folder / "root.zone"), relativize=False)
    anchor = dns.dnssec.make_ds(".", root[1], "SHA256").to_text()
    zones = {".": "root.zone", DOMAIN: "own.zone"}
    with nsd(folder, zones) as port, unbound(folder, port, anchor) as resolver:
        yield World(folder, resolver, certificate)


@asynccontextmanager
async def website(folder: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{WEB}.pem")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + time.strftime(
            "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime()
        )
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def settings_of(world: World, state: Path, upstream: int, **more: object) -> Settings:
    return Settings(
        state=state,
        name=MX,
        upstream=f"127.0.0.1:{upstream}",
        local_domains=(DOMAIN,),
        report_addresses=(f"dmarc@{DOMAIN}",),
        dns={"server": f"127.0.0.1:{world.resolver}"},
        tls={"certificate": world.certificate},
        **more,
    )


async def examine(settings: Settings, world: World, smtp: int) -> dict[tuple[str, str], Check]:
    async with website(world.folder) as https:
        doctor = Doctor(settings, open_resolver(settings), https=https, smtp=smtp)
        checks = await doctor.examine()
    found = {(check.about, check.name): check for check in checks}
    assert len(found) == len(checks), "two checks of one name"
    return found


async def test_a_machine_that_is_ready(
    world: World, postfix: Postfix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.folder / "root.pem"))
    settings = settings_of(world, tmp_path / "state", postfix.port)
    options = ("--name", MX, "--set", f"tls.certificate={world.certificate}")
    with relaying(tmp_path / "state", postfix.port, *options) as relay:
        before = time.monotonic()
        found = await examine(settings, world, relay.port)
        assert time.monotonic() - before < TOTAL
    bad = {key: check for key, check in found.items() if check.state not in ("ok", "skipped")}
    assert bad == {}
    assert found["upstream", "identity"].seen.startswith("takes XCLIENT: 220 mx.sink.test")
    good = [
        ("upstream", "open relay"), ("upstream", "trust"), ("this machine", "resolver"),
        ("this machine", "PTR of 127.0.0.1"), ("this machine", "clock"), ("this machine", "relay"),
        ("this machine", "state folder"), ("certificate", "names"), (DOMAIN, "SPF"),
        (DOMAIN, "MTA-STS"), (DOMAIN, "TLS-RPT"), (DOMAIN, "DANE"), (DOMAIN, "DMARC"),
    ]  # fmt: skip
    assert [found[key].state for key in good] == ["ok"] * len(good)
    assert "DNSSEC" in found["this machine", "resolver"].seen


async def test_another_certificate_than_the_tlsa_record_and_the_policy_want(
    world: World, postfix: Postfix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.folder / "root.pem"))
    settings = settings_of(world, tmp_path / "state", postfix.port)
    with relaying(tmp_path / "state", postfix.port, "--name", MX) as relay:  # self-signed
        found = await examine(settings, world, relay.port)
    assert found[DOMAIN, "DANE"].state == "error"
    assert found[DOMAIN, "MTA-STS"].state == "error"
    assert "self-signed" in found[DOMAIN, "MTA-STS"].seen


async def test_a_careless_postfix_and_an_mx_that_is_not_there(
    world: World, postfix: Postfix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(world.folder / "root.pem"))
    settings = settings_of(world, tmp_path / "state", postfix.naive)
    found = await examine(settings, world, 1)
    assert found["upstream", "identity"].state == "warning"
    assert found["upstream", "trust"].state == "error"
    assert found[DOMAIN, "DANE"].state == "skipped"
    assert postfix.queued() == 0


def test_the_command_tells_and_fails_where_something_is_wrong(
    world: World, postfix: Postfix, tmp_path: Path
) -> None:
    config = tmp_path / "mxtap.toml"
    config.write_text(
        f'name = "{MX}"\nstate = "{tmp_path / "state"}"\nupstream = "127.0.0.1:{postfix.port}"\n'
        f'local_domains = ["sink.test"]\n[dns]\nserver = "127.0.0.1:{world.resolver}"\n'
    )
    before = time.monotonic()
    done = mxtap("doctor", "-c", str(config), "--json")
    assert time.monotonic() - before < TOTAL + 3
    told = {(check["about"], check["name"]): check for check in json.loads(done.stdout)}
    assert told["upstream", "identity"]["state"] == "ok"
    assert told["sink.test", "name"]["state"] == "error"
    assert done.returncode == 1
    text = mxtap("doctor", "-c", str(config)).stdout
    assert "sink.test\n  ERROR    name" in text
    assert "\x1b" not in text
    assert not (tmp_path / "state").exists()
