"""What a hostile client tries; each line is a trap that a naive proxy falls into."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from pathlib import Path

import pytest
from fakes import relaying

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.findings.disciplines import default
from monitor.findings.memory import Bounded


async def test_encoded_words_cannot_inject_an_envelope(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>")
        line = b"RCPT TO:<=?utf-8?q?a=0d=0aDATA=0d=0a?=@x.test>"
        await client.say(line)
        assert b"DATA" not in relay.upstream.lines
        assert all(b"\r" not in x for x in relay.upstream.lines)


@pytest.mark.parametrize(
    "line",
    [
        b"XCLIENT ADDR=127.0.0.1",
        b"XFORWARD ADDR=127.0.0.1",
        b"AUTH PLAIN AAAA",
        b"BDAT 5 LAST",
        b"BURL imap://x",
        b"FOO bar",
    ],
)
async def test_verbs_that_could_speak_for_mxtap_never_go_up(tmp_path: Path, line: bytes) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        assert (await client.say(line))[:1] == b"5"
        assert line not in relay.upstream.lines


async def test_what_cannot_be_carried_is_not_offered(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords += [b"AUTH PLAIN LOGIN", b"AUTH=PLAIN", b"BURL", b"BINARYMIME"]
        relay.upstream.keywords += [b"XFORWARD NAME ADDR", b"X-NEW", b"CHUNKING", b"LIMITS"]
        client = await relay.client()
        await client.reply()
        offered = (await client.say(b"EHLO client.test")).splitlines()[1:]
        assert sorted(line[4:].split(b" ")[0] for line in offered) == [
            b"8BITMIME", b"DSN", b"PIPELINING", b"SIZE", b"STARTTLS",
        ]  # fmt: skip


async def test_the_null_reverse_path_is_the_empty_address(tmp_path: Path) -> None:
    """aiosmtpd gives the text ``<>``."""
    async with relaying(tmp_path) as relay:
        asked: list[str | None] = []
        relay.hub.ruler, passes = (
            lambda stage: (asked.append(stage.mail_from), passes(stage))[1],
            relay.hub.ruler,
        )
        client = await relay.greeted()
        for line in (b"MAIL FROM:<>", b"RSET", b"mail from: <> SIZE=10"):
            assert (await client.say(line)).startswith(b"250")
            assert relay.upstream.lines[-1] == line
        assert [mail.address for mail in relay.hub.of(ev.Mail)] == ["", ""]
        assert set(asked[2:]) == {""}, "behind connect and EHLO"


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\n"])
async def test_only_crlf_dot_crlf_ends_data(tmp_path: Path, end: bytes) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
        smuggled = b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<b@home.test>\r\nDATA\r\nevil"
        answer = await client.say(b"Subject: x\r\n\r\nbody" + end + smuggled + b"\r\n.")
        assert answer.startswith(b"550 5.5.2")
        assert relay.upstream.messages == []
        assert not any(b"evil" in x for x in relay.upstream.lines)
        content = relay.hub.of(ev.Content)[0]
        assert content.bare_newlines > 0


@pytest.mark.parametrize(
    ("policy", "code"), [("refuse", b"550 5.5.2"), ("fix", b"550 5.5.2"), ("pass", b"250")]
)
async def test_nulls_around_a_dot_are_an_end_to_who_drops_them(
    tmp_path: Path, policy: str, code: bytes
) -> None:
    async with relaying(tmp_path, conduct={"bare_newline": policy}) as relay:
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
        answer = await client.say(b"body\r\n\0.\r\nMAIL FROM:<evil@client.test>\r\n.")
        assert answer.startswith(code)
        assert len(relay.upstream.messages) == (1 if policy == "pass" else 0)
        assert relay.hub.of(ev.Content)[0].lookalike.startswith("\\x0d\\x0a.")


async def test_bytes_behind_starttls_end_the_session(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        client.writer.write(b"STARTTLS\r\nMAIL FROM:<evil@client.test>\r\n")
        assert await client.rest() == b""
        await relay.settled()
        assembler = Assembler(default(relay.settings, Bounded()))
        told = [found for event in relay.hub.events for found in assembler.feed(event)[0]]
        codes = [f.code for event in told if isinstance(event, ev.Found) for f in event.findings]
        assert codes.count("tls.starttls-injection") == 1  # not by relay and discipline both
        assert not any(b"evil" in x for x in relay.upstream.lines)


async def test_a_failed_handshake_tells_what_was_offered(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}) as relay:
        client = await relay.greeted()
        await client.say(b"STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with asyncio.timeout(5):
                await client.writer.start_tls(context)
        await relay.settled()
        failed = relay.hub.of(ev.TlsFailed)[0]
        assert failed.reason == "NO_SHARED_CIPHER"
        assert failed.offered_ciphers == ("ECDHE-RSA-AES128-GCM-SHA256",)
        assert failed.offered_protocols == ("TLSv1.2",)
        assert "ECDHE-ECDSA-AES256-GCM-SHA384" in failed.accepted_ciphers
        assert relay.hub.of(ev.Closed)[0].how == "tls"


def send_over_tls(port: int) -> bytes:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.ehlo()
        assert not client.has_extn("STARTTLS")
        assert client.docmd("STARTTLS")[0] == 503
        client.sendmail("a@client.test", ["b@home.test"], "Subject: x\r\n\r\n")
        return client.noop()[1]


async def test_starttls_then_mail_and_no_second_starttls(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        await asyncio.to_thread(send_over_tls, relay.listener.addresses[0][1])
        assert len(relay.upstream.messages) == 1
        secured = relay.hub.of(ev.Secured)[0]
        assert secured.protocol == "TLSv1.3"
        assert secured.cipher in (secured.offered_ciphers or ())


async def test_a_command_in_the_handshakes_last_packet_is_heard(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(b"STARTTLS")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl._create_unverified_context().wrap_bio(incoming, outgoing)
        async with asyncio.timeout(5):
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    client.writer.write(outgoing.read())
                    incoming.write(await client.reader.read(65_536))
            tls.write(b"EHLO client.test\r\n")
            client.writer.write(outgoing.read())
            answer = b""
            while not answer.endswith(b"\r\n"):
                incoming.write(await client.reader.read(65_536))
                try:
                    answer += tls.read()
                except ssl.SSLWantReadError:
                    continue
        assert answer.startswith(b"250-upstream.test")


async def test_an_endless_line_is_refused_and_skipped(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        answer = await client.say(b"MAIL FROM:<" + b"a" * 1_000_000 + b">")
        assert answer.startswith(b"500 5.5.2")
        assert (await client.say(b"NOOP")).startswith(b"250")


async def test_an_rcpt_answered_354_is_451_and_leaves_the_upstream(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.answers[b"RCPT"] = b"354 go ahead\r\n"
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>")
        assert (await client.say(b"RCPT TO:<b@home.test>")).startswith(b"451 ")


@pytest.mark.parametrize(
    "reply",
    [b"250 \x1b[31mred\r\n", b"250 ok\r\n250 twice\r\n", b"250-x\r\n" * 10_000, b"x" * 9000],
)
async def test_upstream_replies_are_bounded_and_made_printable(
    tmp_path: Path, reply: bytes
) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.answers[b"VRFY"] = reply
        client = await relay.greeted()
        answer = await client.say(b"VRFY x")
        assert b"\x1b" not in answer
        assert answer.startswith(b"451 ") or answer == b"250 ?[31mred\r\n"


async def test_data_without_recipients_is_the_upstreams_to_refuse(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.answers[b"RCPT"] = b"550 5.1.1 unknown\r\n"
        relay.upstream.answers[b"DATA"] = b"554 5.5.1 no valid recipients\r\n"
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>")
        assert await client.say(b"DATA") == b"554 5.5.1 no valid recipients\r\n"
        await client.say(b"QUIT")
        await relay.settled()
        verdict = relay.hub.of(ev.Ended)[0].verdict
        assert (verdict.code, verdict.phase) == (550, "rcpt")


async def test_a_client_banned_in_mid_session_hears_it_at_its_next_command(tmp_path: Path) -> None:
    from monitor.policy.ruling import Ruling

    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        relay.hub.ruler = lambda stage: Ruling(action="reject", code=550, text="5.7.1 banned")
        for line in (b"NOOP", b"MAIL FROM:<a@client.test>", b"FOO"):
            assert await client.say(line) == b"550 5.7.1 mxtap: banned\r\n"
        assert b"MAIL FROM:<a@client.test>" not in relay.upstream.lines
