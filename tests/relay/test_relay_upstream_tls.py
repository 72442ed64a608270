"""TLS towards the upstream (RFC 3207): all of the session in it, or none of the session."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from certificates import Authority
from fakes import Relay, relaying

from monitor import events as ev

MAIL, RCPT = b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>"
CONTENT = b"Subject: x\r\n\r\nbody\r\n."
QUEUED = b"250 2.0.0 queued\r\n"


def offers_tls(relay: Relay, folder: Path, name: str = "upstream.test") -> None:
    """The upstream has a certificate that nobody knows, and offers STARTTLS."""
    relay.upstream.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    relay.upstream.tls.load_cert_chain(Authority().write(folder, name))
    relay.upstream.keywords.append(b"STARTTLS")
    relay.upstream.answers[b"STARTTLS"] = b"220 2.0.0 go\r\n"


async def test_opportunistic_takes_any_certificate(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"upstream": "opportunistic"}) as relay:
        offers_tls(relay, tmp_path)
        client = await relay.greeted()
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == QUEUED
        secured, *_ = relay.hub.of(ev.Secured)
        assert (secured.side, secured.protocol) == ("upstream", "TLSv1.3")
        lines = relay.upstream.lines
        assert lines.index(b"STARTTLS") < lines.index(b"EHLO client.test") < lines.index(MAIL)


async def test_opportunistic_goes_without(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"upstream": "opportunistic"}) as relay:
        client = await relay.greeted()
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == QUEUED
        assert b"STARTTLS" not in relay.upstream.lines


async def test_require_takes_a_certificate_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relaying(tmp_path, tls={"upstream": "require"}) as relay:
        offers_tls(relay, tmp_path, "localhost")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
        port = relay.settings.upstream.rpartition(":")[2]
        by_name = relay.settings.model_copy(update={"upstream": f"localhost:{port}"})
        client = await relay.client()
        assert (await client.rest()).startswith(b"421 "), "it is not for an address"
        relay.context.settings = by_name
        client = await relay.greeted()
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == QUEUED


async def test_require_takes_no_unknown_certificate(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"upstream": "require"}) as relay:
        offers_tls(relay, tmp_path)
        client = await relay.client()
        assert (await client.rest()).startswith(b"421 4.3.2 mxtap: ")
        assert relay.upstream.lines[-1] == b"STARTTLS"


async def test_require_does_not_go_without(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"upstream": "require"}) as relay:
        client = await relay.client()
        assert (await client.rest()).startswith(b"421 4.3.2 mxtap: ")
        assert MAIL not in relay.upstream.lines


@pytest.mark.parametrize("wanted", ["opportunistic", "require"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"220 2.0.0 go\r\n250 2.1.0 injected\r\n", id="a reply behind it"),
        pytest.param(b"220 2.0.0 go\r\n250", id="half of one"),
        pytest.param(b"454 4.7.0 not now\r\n", id="refused"),
        pytest.param(b"", id="closed"),
    ],
)
async def test_what_stands_behind_starttls_is_not_taken_for_a_reply(
    tmp_path: Path, wanted: str, said: bytes
) -> None:
    """In plaintext somebody between may have put it there."""
    async with relaying(tmp_path, tls={"upstream": wanted}) as relay:
        offers_tls(relay, tmp_path)
        relay.upstream.answers[b"STARTTLS"] = said
        client = await relay.client()
        assert (await client.rest()).startswith(b"421 4.3.2 mxtap: ")
        assert relay.upstream.lines[-1] == b"STARTTLS"
