"""The client's connection: who does not read, does not go on, or says too much at once."""

from __future__ import annotations

import asyncio
import dis
import inspect
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from fakes import Relay, relaying

from monitor import events as ev
from monitor.relay import channel, converse, proxy, receiving
from monitor.relay.channel import Channel
from monitor.relay.data import DataParser
from monitor.relay.wire import Wire

MAIL, RCPT = b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>"
EVIL = b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<b@home.test>\r\nDATA\r\nevil\r\n.\r\n"
LONG = b"".join(b"250-" + b"x" * 2_000 + b"\r\n" for _ in range(99)) + b"250 ok\r\n"


def heard_evil(relay: Relay) -> bool:
    return any(b"evil" in line for line in relay.upstream.lines)


async def test_no_attribute_of_the_base_classes_is_taken() -> None:
    """Twice the same private name, and pausing to read would pause to write."""
    theirs = vars(SMTP(object(), loop=asyncio.get_running_loop())).keys() | set(dir(SMTP))
    ours = {
        instruction.argval
        for method in (vars(Channel) | vars(Wire)).values()
        if inspect.isfunction(method)
        for instruction in dis.get_instructions(method)
        if instruction.opname == "STORE_ATTR"
    }
    assert ours & theirs <= {"_handler_coroutine", "loop"}


async def test_who_never_reads_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``close`` would wait for the buffer to be written, for ever."""
    monkeypatch.setattr(Wire.send, "__defaults__", (0.2,))
    async with relaying(tmp_path, limits={"commands": 1_000}) as relay:
        relay.upstream.answers[b"HELP"] = LONG
        client = await relay.greeted()
        client.reader._limit = 1  # type: ignore[attr-defined]
        client.writer.write(b"HELP\r\n" * 80)
        await asyncio.sleep(0)
        [session] = relay.listener.wires
        await relay.settled()
        assert session.gone
        assert session._socket.get_write_buffer_size() == 0


async def test_who_does_not_take_the_last_reply_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "CLOSE_DEADLINE", 0.2)
    monkeypatch.setattr(Wire.send, "__defaults__", (0.1,))
    monkeypatch.setattr(Wire, "drained", lambda self, timeout: asyncio.sleep(0))
    async with relaying(tmp_path) as relay:
        relay.upstream.answers[b"HELP"] = LONG
        client = await relay.greeted()
        client.reader._limit = 1  # type: ignore[attr-defined]
        [session] = relay.listener.wires
        client.writer.write(b"HELP\r\n" * 60 + b"QUIT\r\n")
        await relay.settled()
        assert not session.gone
        async with asyncio.timeout(3):
            while not session.gone:
                await asyncio.sleep(0.01)


async def test_a_handshake_has_its_time(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls={"handshake_timeout": 0.1}) as relay:
        client = await relay.greeted()
        assert (await client.say(b"STARTTLS")).startswith(b"220")
        client.writer.write(b"\x16\x03\x01\x02\x00")  # the start of a ClientHello
        assert await client.rest() == b""
        await relay.settled()
        assert relay.hub.of(ev.TlsFailed)
        assert relay.hub.of(ev.Closed)[0].how == "tls"


async def test_who_is_known_stays_so_under_tls(tmp_path: Path) -> None:
    """aiosmtpd makes a new session there, and forgets what the PROXY header said."""
    async with relaying(tmp_path, proxy_from=["127.0.0.5"]) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        client = await relay.client("127.0.0.5")
        client.writer.write(proxy.header("192.0.2.9", 4711, "127.0.0.1", 25))
        await client.reply()
        await client.say(b"EHLO client.test", b"STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await client.writer.start_tls(context)
        await client.say(b"EHLO client.test", MAIL, RCPT)
        told = [line for line in relay.upstream.lines if line.startswith(b"XCLIENT")]
        assert told
        assert all(b"ADDR=192.0.2.9" in line for line in told)
        client.close()


async def test_a_large_message_under_tls_and_what_is_pipelined_behind_it(tmp_path: Path) -> None:
    """Reading pauses and goes on there, too."""
    lines = b"".join(b"%d..\r\n" % n for n in range(60_000))
    async with relaying(tmp_path, limits={"spool_memory": 100_000}) as relay:
        client = await relay.greeted()
        await client.say(b"STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await client.writer.start_tls(context)
        for _ in range(2):
            await client.say(b"EHLO client.test", MAIL, RCPT, b"DATA")
            client.writer.write(lines + b".\r\n" + b"NOOP\r\n" * 300)
            assert await client.reply() == b"250 2.0.0 queued\r\n"
            for _ in range(300):
                assert (await client.reply()).startswith(b"250 ")
        assert relay.upstream.messages == [lines, lines]
        client.close()


async def test_who_pours_is_read_in_turn_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pour, the loop waits for one large piece and no more."""
    loop: Any = asyncio.get_running_loop()
    turns, fed = 0, []
    run_once, feed = loop._run_once, DataParser.feed

    def one_turn() -> None:
        nonlocal turns
        turns += 1
        run_once()

    def counted(self: DataParser, chunk: bytes) -> tuple[bytes, bytes | None]:
        if len(chunk) > receiving.LARGE:
            fed.append(turns)
        return feed(self, chunk)

    monkeypatch.setattr(loop, "_run_once", one_turn)
    monkeypatch.setattr(DataParser, "feed", counted)
    body = b"x" * 98 + b"\r\n"
    async with relaying(tmp_path) as relay:
        clients = [await relay.greeted() for _ in range(5)]
        for client in clients:
            await client.say(MAIL, RCPT, b"DATA")
        for client in clients:
            client.writer.write(body * 20_000 + b".\r\n")
        for client in clients:
            assert (await client.reply()).startswith(b"250 ")
            client.close()
        assert relay.upstream.messages == [body * 20_000] * 5
    assert len(fed) == len(set(fed)) > 10


async def test_nothing_behind_quit_is_heard(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        client.writer.write(b"QUIT\r\n" + EVIL)
        assert await client.rest() == b"221 2.0.0 bye\r\n"
        await relay.settled()
        assert not heard_evil(relay)
        assert relay.upstream.messages == []


async def test_another_ehlo_allows_no_longer_lines(tmp_path: Path) -> None:
    """In aiosmtpd each EHLO adds to what MAIL may take."""
    async with relaying(tmp_path, limits={"command_line": 600}) as relay:
        client = await relay.greeted()
        for _ in range(5):
            await client.say(b"EHLO client.test")
        line = b"MAIL FROM:<a@client.test> X=" + b"y" * 600
        assert (await client.say(line)).startswith(b"500 ")
        assert line not in relay.upstream.lines


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO evil.test\r\n",
        b"PROXY TCP4 192.0.2.1 127.0.0.1 99 25 \r\n" + EVIL,
        b"PROXY TCP4 " + b"1" * 200,
        b"PROXY TCP4 localhost 127.0.0.1 99 25\r\n",
        b"PROXY TCP4 192.0.2.1 127.0.0.1 99999 25\r\n",
        proxy.SIGNATURE + b"\x11\x11\0\x0c" + b"\0" * 12,
        proxy.SIGNATURE + b"\x21\x31\0\x0c" + b"\0" * 12,
        proxy.SIGNATURE + b"\x21\x11\0\x04" + b"\0" * 4,
        proxy.SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
async def test_a_trusted_proxy_that_says_rubbish_is_not_served(
    tmp_path: Path, header: bytes
) -> None:
    async with relaying(tmp_path, proxy_from=["127.0.0.5"]) as relay:
        client = await relay.client("127.0.0.5")
        client.writer.write(header)
        assert await client.rest() == b""
        await relay.settled()
        assert relay.upstream.connections == 0


async def test_a_trusted_proxy_that_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converse, "PROXY_TIMEOUT", 0.05)
    async with relaying(tmp_path, proxy_from=["127.0.0.5"]) as relay:
        client = await relay.client("127.0.0.5")
        client.writer.write(b"PROX")
        assert (await client.rest()).startswith(b"421 4.4.2 ")
        await relay.settled()
        assert relay.upstream.connections == 0


async def test_a_slow_message_keeps_the_upstream_awake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "KEEP_AWAKE", 0.02)
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        async with asyncio.timeout(5):
            while relay.upstream.lines.count(b"NOOP") < 2:
                client.writer.write(b"x")
                await asyncio.sleep(0.01)
        assert (await client.say(b"\r\n.")).startswith(b"250")
        assert len(relay.upstream.messages) == 1


async def test_an_upstream_that_dies_meanwhile_is_451(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "KEEP_AWAKE", 0.02)
    async with relaying(tmp_path) as relay:
        relay.upstream.answers[b"NOOP"] = b""
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        async with asyncio.timeout(5):
            while b"NOOP" not in relay.upstream.lines:
                await asyncio.sleep(0.01)
        assert (await client.say(b"x\r\n.")).startswith(b"451 ")
        assert relay.upstream.messages == []
        assert relay.hub.of(ev.Ended)[0].state == "none"
