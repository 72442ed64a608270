"""A captured session is played again, in order and pace, and its replies are compared."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from capture_sessions import START, session

from monitor import events as ev
from monitor.capture.file import save
from monitor.capture.format import CaptureError
from monitor.capture.resend import Compared, loopback_only, resend
from monitor.capture.script import script
from monitor.commands import resend as command
from monitor.config import ConfigError, Settings

MESSAGE = b"From: a@a.example\r\n\r\n.dot\r\nEnd\r\n"


class Server:
    """Says what it is told to for each verb, and remembers all that it heard."""

    def __init__(self, **replies: bytes) -> None:
        self.replies = {
            "EHLO": b"250 mx\r\n",
            "MAIL": b"250 2.1.0 ok\r\n",
            "RCPT": b"250 2.1.5 ok\r\n",
            "DATA": b"354 go on\r\n",
            "dot": b"250 2.0.0 queued as 17\r\n",
            "QUIT": b"221 bye\r\n",
        } | replies
        self.heard = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx ESMTP\r\n")
        while line := await reader.readline():
            self.heard += line
            verb = line[:4].decode().upper().strip()
            reply = self.replies.get(verb, b"500 what\r\n")
            writer.write(reply)
            if verb == "DATA" and reply.startswith(b"354"):
                content = await reader.readuntil(b"\r\n.\r\n")
                self.heard += content
                writer.write(self.replies["dot"])
            if not reply or reply.startswith(b"221"):
                break
        writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


async def played(server: Server, events: list[ev.AnyEvent], **given: object) -> list[Compared]:
    async with running(server), asyncio.timeout(10):
        given.setdefault("fast", True)
        return await resend(script(events), "127.0.0.1", server.port, **given)  # type: ignore[arg-type]


async def test_the_same_session_gets_the_same_replies() -> None:
    server = Server()
    compared = await played(server, session(body=MESSAGE))
    assert [each.now for each in compared] == [220, 250, 250, 250, 354, 250]
    assert all(each.same for each in compared)  # though the queue id differs
    assert server.heard == (
        b"EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n"
        b"From: a@a.example\r\n\r\n..dot\r\nEnd\r\n.\r\n"
    )


async def test_another_reply_is_shown() -> None:
    compared = await played(Server(RCPT=b"250 2.1.0 other\r\n"), session(body=MESSAGE))
    (different,) = [each for each in compared if not each.same]
    assert (different.after, different.then, different.now_text) == (
        "RCPT TO:<b@b.example>",
        250,
        "2.1.0 other",
    )


async def test_a_message_never_becomes_commands() -> None:
    server, told = Server(DATA=b"503 5.5.1 no\r\n"), []
    compared = await played(server, session(body=MESSAGE), tell=told.append)
    assert server.heard.endswith(b"DATA\r\n")
    assert [(each.then, each.now) for each in compared[-2:]] == [(354, 503), (250, 0)]
    assert "did not take the message" in told[0]


async def test_a_message_that_was_not_captured_is_filled_up() -> None:
    events = [
        msgspec.structs.replace(event, size=5_000) if isinstance(event, ev.Content) else event
        for event in session()
    ]
    server, told = Server(), []
    assert all(each.same for each in await played(server, events, tell=told.append))
    content = server.heard.partition(b"DATA\r\n")[2]
    assert content.startswith(b"From: a@a.example\r\n\r\nxxxx")
    assert 4_900 < len(content) < 5_100
    assert "not captured whole" in told[0]


async def test_a_server_that_parts_is_told() -> None:
    told: list[str] = []
    compared = await played(Server(MAIL=b""), session(body=MESSAGE), tell=told.append)
    assert [each.now for each in compared] == [220, 250, 0, 0, 0, 0]
    assert told == ["stopped: the server closed the connection"]


async def test_pauses_are_those_of_then() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await played(Server(), session(body=MESSAGE), fast=False, sleep=sleep)
    assert slept == pytest.approx([0.1] * 5, abs=0.001)


async def test_pipelined_commands_do_not_wait() -> None:
    events = [
        msgspec.structs.replace(event, pipelined=event.text.startswith(("RCPT", "DATA")))
        if isinstance(event, ev.Command)
        else event
        for event in session(body=MESSAGE)
    ]
    together = asyncio.Event()

    class Slow(Server):
        """Answers MAIL when RCPT and DATA are there too."""

        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mx ESMTP\r\n")
            assert await reader.readline() == b"EHLO a.example\r\n"
            writer.write(b"250 mx\r\n")
            await reader.readuntil(b"DATA\r\n")
            together.set()
            writer.write(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 2.0.0 queued\r\n")
            writer.close()

    compared = await played(Slow(), events)
    assert together.is_set()
    assert all(each.same for each in compared)


@pytest.mark.parametrize("plaintext", [True, False])
async def test_a_server_without_tls_hears_it_in_plaintext_if_it_may(plaintext: bool) -> None:
    plain = session(body=MESSAGE)
    common = {"session": "S1", "at": START + 0.35}
    events = [
        *plain[:4],
        ev.Command(**common, text="STARTTLS", size=8),
        ev.Reply(**common, code=220, lines=("go on",), by="mxtap", phase="ehlo"),
        ev.Secured(**common, side="client", protocol="TLSv1.3", cipher="x"),
        *plain[4:],
    ]
    server, told = Server(), []
    compared = await played(server, events, plaintext=plaintext, tell=told.append)
    assert [each.now for each in compared][2] == 500
    assert "did not take STARTTLS (500)" in told[0]
    assert (b"..dot\r\nEnd\r\n.\r\n" in server.heard) is plaintext
    assert [each.now for each in compared[3:]] == ([250, 250, 354, 250] if plaintext else [0] * 4)


async def test_octets_and_bare_newlines_go_out_as_they_came() -> None:
    events = session(severity=None)[:4]
    events.append(
        ev.Command(session="S1", at=START + 0.4, text=r"NO\xffOP\\", size=6, bare_newline=True)
    )
    events.append(
        ev.Reply(session="S1", at=START, code=500, lines=("what",), by="upstream", phase="ehlo")
    )
    server = Server()
    await played(server, events)
    assert server.heard == b"EHLO a.example\r\nNO\xffOP\\\n"


async def test_nobody_listens() -> None:
    async with running(Server()) as server:
        port = server.port
    with pytest.raises(CaptureError, match="cannot connect"):
        await resend(script(session()), "127.0.0.1", port, fast=True)


async def test_loopback_is_told_from_other_machines() -> None:
    assert await loopback_only("127.0.0.3", 25) == ("127.0.0.3", True)
    assert await loopback_only("::1", 25) == ("::1", True)
    assert await loopback_only("192.0.2.1", 25) == ("192.0.2.1", False)


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    command.configure(parser)
    return parser.parse_args(given)


def test_other_machines_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.mxtap", session())
    args = arguments(str(tmp_path / "a.mxtap"), "--to", "192.0.2.1:25")
    with pytest.raises(ConfigError, match="--yes-really"):
        command.run(args, Settings())


def run_against(server: Server, args: Callable[[str], argparse.Namespace]) -> int:
    async def both() -> int:
        async with running(server):
            given = args(f"127.0.0.1:{server.port}")
            return await asyncio.to_thread(command.run, given, Settings())

    return asyncio.run(both())


def test_the_command_plays_the_session_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.mxtap")
    save(tmp_path / "a.mxtap", [*session(1, body=MESSAGE), *session(2, body=b"Second\r\n")])
    server = Server()
    wanted = lambda to: arguments(path, "--to", to, "--fast", "--session", "S2")  # noqa: E731
    assert run_against(server, wanted) == 0
    assert b"Second" in server.heard
    assert "all as then" in capsys.readouterr().out

    refusing = Server(RCPT=b"550 5.1.1 no\r\n", DATA=b"554 no\r\n")
    assert run_against(refusing, lambda to: arguments(path, "--to", to, "--fast", "--json")) == 1
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["now"] for line in lines if not line["same"]] == [550, 554, 0]

    missing = lambda to: arguments(path, "--to", to, "--session", "S9")  # noqa: E731
    assert run_against(Server(), missing) == 1
    assert "no session S9" in capsys.readouterr().err
