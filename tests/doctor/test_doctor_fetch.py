"""The policy file over HTTPS: verified, bounded, in time, never from elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from certificates import Authority

from monitor.doctor import fetch as fetching
from monitor.doctor.fetch import MAX_POLICY, PATH, fetch, read
from monitor.doctor.transport import Published

HOST = "mta-sts.our.test"
POLICY = b"version: STSv1\nmode: none\nmax_age: 1\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    Authority().write(folder, HOST)
    return folder


@asynccontextmanager
async def website(folder: Path, serve: Serve) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on loopback; its port, and what it was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{HOST}.pem")
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await serve(writer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def get(
    folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, *, host: str = HOST
) -> Published:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "root.pem"))
    async with website(folder, serve) as (port, asked):
        found = await fetch(host, ["127.0.0.1"], port)
    assert all(line.startswith(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}".encode()) for line in asked)
    return found


async def test_a_policy_from_a_site_that_is_what_it_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE[:20])
        await writer.drain()
        writer.write(WHOLE[20:])

    found = await get(folder, serve, monkeypatch)
    assert (found.fault, found.text, found.kind) == ("", POLICY.decode(), "text/plain")


async def test_a_certificate_of_another_name_or_of_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE)

    wrong = await get(folder, serve, monkeypatch, host="mta-sts.other.test")
    assert "certificate of mta-sts.other.test" in wrong.fault
    (folder / "none.pem").write_bytes(Authority().root)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "none.pem"))
    async with website(folder, serve) as (port, _):
        assert "certificate of" in (await fetch(HOST, ["127.0.0.1"], port)).fault


async def test_a_site_that_drips_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.3)
    over = asyncio.Event()

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await over.wait()

    clock = asyncio.get_running_loop().time
    before = clock()
    try:
        found = await get(folder, serve, monkeypatch)
    finally:
        over.set()
    assert "in time" in found.fault
    assert clock() - before < 3


async def test_endless_content_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        with contextlib.suppress(ConnectionError, RuntimeError):
            for _ in range(2_000):
                writer.write(b"x" * 65_536)
                await writer.drain()

    assert "more than 64 KiB" in (await get(folder, serve, monkeypatch)).fault


async def test_without_an_address_or_a_server() -> None:
    assert "no address" in (await fetch(HOST, [])).fault
    assert "127.0.0.1" in (await fetch(HOST, ["127.0.0.1"], 1)).fault


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (WHOLE, ""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ""),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n", "301"),
        (b"HTTP/1.1 404 Gone\r\n\r\n", "404"),
        (WHOLE[:-5], "IncompleteRead"),
        (b"", "not a whole"),
        (b"SSH-2.0-x\r\n", "not a whole"),
        (OK + b"\r\n" + b"x" * (MAX_POLICY + 1), "more than"),
    ],
)
def test_responses(response: bytes, fault: str) -> None:
    found = read(response)
    assert fault in found.fault
    assert bool(found.fault) == bool(fault)


def test_the_web_servers_clock() -> None:
    dated = read(OK + b"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
    assert dated.date == 1_800_000_000
    assert read(OK + b"Date: yesterday\r\n\r\n").date is None
