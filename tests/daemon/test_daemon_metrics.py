"""Metrics: what is counted, in how many series, and who may read the page."""

from __future__ import annotations

import asyncio
import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor import events as ev
from monitor.config import ConfigError, load
from monitor.daemon import exporter as exporter_module
from monitor.daemon.exporter import Exporter, ExporterError
from monitor.daemon.metrics import Metrics
from monitor.findings.catalogue import finding

S: dict[str, Any] = {"session": "s", "at": 1.0}


def values(metrics: Metrics) -> dict[str, float]:
    """Every sample of ours that is not 0, by its name and labels."""
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            if sample.name.startswith("mxtap_") and sample.value:
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def ended(code: int, state: Any = "none", by: ev.Speaker = "upstream") -> ev.Ended:
    verdict = ev.Verdict(code=code, reply="", phase="eod", by=by)
    return ev.Ended(**S, transaction="s-1", verdict=verdict, state=state)


def test_events_are_counted() -> None:
    metrics = Metrics()
    metrics.watch({"sessions_open": ("Sessions", lambda: 7)})
    for event in (
        ended(250, "accepted"),
        ended(250, "accepted-unacknowledged"),
        ended(451, "unknown", "mxtap"),
        ended(450),
        ended(550, "refused", "mxtap"),
        ended(250),
        ev.Closed(**S, how="quit"),
        ev.Asked(**S, name="hostile.test", type="TXT", status="timeout"),
        ev.Content(**S, transaction="s-1", size=1_000, sha256=""),
        ev.Reply(**S, code=250, lines=(), by="upstream", phase="eod", took=0.2),
        ev.Reply(**S, code=221, lines=(), by="upstream", phase="eod", took=0.1),
        ev.Reply(**S, code=550, lines=(), by="mxtap", phase="rcpt"),
        ev.Found(
            **S,
            about="s",
            findings=(
                finding("tls.none"),
                finding("relay.limit", limit="limits.sessions"),
                finding("relay.too-large"),
            ),
        ),
    ):
        metrics([event])
    told = values(metrics)
    assert {k: v for k, v in told.items() if "bucket" not in k and "info" not in k} == {
        "mxtap_transactions_total{by=upstream,verdict=accepted}": 2,
        "mxtap_transactions_total{by=mxtap,verdict=unknown}": 1,
        "mxtap_transactions_total{by=upstream,verdict=deferred}": 1,
        "mxtap_transactions_total{by=mxtap,verdict=refused}": 1,
        "mxtap_transactions_total{by=upstream,verdict=abandoned}": 1,
        "mxtap_sessions_total{end=quit}": 1,
        "mxtap_sessions_open": 7,
        "mxtap_dns_answers_total{status=timeout}": 1,
        "mxtap_received_bytes_total": 1_000,
        "mxtap_findings_total{code=tls.none}": 1,
        "mxtap_findings_total{code=relay.limit}": 1,
        "mxtap_findings_total{code=relay.too-large}": 1,
        "mxtap_limits_total{limit=limits.sessions}": 1,
        "mxtap_limits_total{limit=limits.message_size}": 1,
        "mxtap_upstream_reply_seconds_count{phase=eod}": 1,
        "mxtap_upstream_reply_seconds_sum{phase=eod}": 0.2,
    }
    assert told["mxtap_upstream_reply_seconds_bucket{le=0.25,phase=eod}"] == 1
    assert "mxtap_upstream_reply_seconds_bucket{le=0.1,phase=eod}" not in told


def test_no_client_makes_new_series() -> None:
    metrics = Metrics()
    for number in range(1_000):
        name = f"hostile-{number}"
        strange = ev.Finding(code=name, severity="info", title=name)
        for found in (strange, finding("relay.limit", limit=name), finding("relay.limit")):
            metrics([ev.Found(session=name, at=1.0, about=name, findings=(found,))])
        metrics([ev.Asked(**S, name=name, type="TXT", status="ok")])
    page = metrics.render().decode()
    assert "hostile" not in page
    assert len(page.splitlines()) < 100
    told = values(metrics)
    assert told["mxtap_findings_total{code=other}"] == 1_000
    assert told["mxtap_limits_total{limit=other}"] == 2_000


@pytest.mark.parametrize("listen", ["0.0.0.0:9925", "[::]:9925", "192.0.2.1:9925", "mx.test:9925"])
def test_it_is_for_this_machine_unless_asked(listen: str) -> None:
    with pytest.raises(ConfigError, match=r"metrics.listen = .*metrics.exposed = true"):
        load(environ={}, flags={"metrics": {"listen": listen}})
    load(environ={}, flags={"metrics": {"listen": listen, "exposed": True}})


@pytest.mark.parametrize("listen", ["", "127.0.0.1:0", "[::1]:9925", "localhost:1", "/run/m.sock"])
def test_this_machine_is_fine(listen: str) -> None:
    assert load(environ={}, flags={"metrics": {"listen": listen}}).metrics.listen == listen


async def get(exporter: Exporter, request: bytes = b"GET /metrics HTTP/1.1\r\n\r\n") -> bytes:
    reader, writer = await asyncio.open_connection(*exporter.address)
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def serving(render: Callable[[], bytes] = lambda: b"page\n") -> Exporter:
    exporter = Exporter(render)
    await exporter.start("127.0.0.1:0")
    return exporter


def fails() -> bytes:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200", b"page\n"),
        (b"GET /metrics?name=x HTTP/1.0\r\n\r\n", b"200", b"page\n"),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"200", b""),
        (b"GET / HTTP/1.1\r\n\r\n", b"404", b"see /metrics\n"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"405", b"GET only\n"),
        (b"\r\n\r\n", b"405", b"GET only\n"),
    ],
)
async def test_one_page_and_nothing_else(request_: bytes, status: bytes, body: bytes) -> None:
    exporter = await serving()
    head, _, told = (await get(exporter, request_)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert told == body
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length
    assert int(length[1]) == (5 if status == b"200" else len(body))
    await exporter.stop()


async def test_a_fault_says_nothing_of_itself() -> None:
    exporter = await serving(fails)
    answer = await get(exporter)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"bug" not in answer
    await exporter.stop()


async def test_the_idle_and_the_endless_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter_module, "PATIENCE", 0.05)
    exporter = await serving()
    assert await get(exporter, b"GET /met") == b""
    assert await get(exporter, b"x" * 1_000_000) == b""
    assert (await get(exporter)).startswith(b"HTTP/1.1 200")
    await exporter.stop()


async def test_too_many_at_once_are_turned_away() -> None:
    exporter = await serving()
    idle = [
        await asyncio.open_connection(*exporter.address) for _ in range(exporter_module.MAX_CLIENTS)
    ]
    assert await get(exporter) == b""
    for _, writer in idle:
        writer.close()
    async with asyncio.timeout(5):
        while not (await get(exporter)).startswith(b"HTTP/1.1 200"):
            await asyncio.sleep(0)
    await exporter.stop()


async def test_a_unix_socket_is_for_user_and_group(tmp_path: Path) -> None:
    path = tmp_path / "metrics.sock"
    for _ in range(2):  # the second takes the place of what a crash left over
        left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        left.bind(str(path))
        left.close()
        exporter = Exporter(lambda: b"page\n")
        await exporter.start(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"page\n")
        writer.close()
        await exporter.stop()
        assert not path.exists()


async def test_an_address_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a socket")
    other = await serving()
    taken = f"127.0.0.1:{other.address[1]}"
    for listen in (str(file), taken):
        with pytest.raises(ExporterError, match=rf"metrics.listen = {re.escape(listen)}: "):
            await Exporter(lambda: b"").start(listen)
    assert file.read_text() == "not a socket"
    await other.stop()
