"""A whole relay in this process: what joins its parts."""

from __future__ import annotations

import asyncio
import smtplib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "relay"))

from fakes import Upstream

from monitor import service as service_module
from monitor.config import Settings, load
from monitor.control.client import SocketFeed
from monitor.daemon import heap
from monitor.insight.cards import Report
from monitor.insight.questions import ReportOn
from monitor.service import Service, ServiceError


def settings(state: Path, port: int = 9, **flags: object) -> Settings:
    given = {
        "state": str(state),
        "listen": ["127.0.0.1:0"],
        "upstream": f"127.0.0.1:{port}",
        "dns": {"zone": str(zone(state))},
        **flags,
    }
    return load(environ={}, flags=given)


def zone(state: Path) -> Path:
    file = state.with_suffix(".zone")
    file.write_text("client.test. IN A 127.0.0.1\n")
    return file


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("a@client.test", ["b@home.test"], b"Subject: s\r\n\r\nhello\r\n")


async def page(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    told = (await reader.read()).decode()
    writer.close()
    return told


async def test_metrics_follow_the_mail(tmp_path: Path, unused_tcp_port: int) -> None:
    upstream = Upstream()
    given = settings(
        tmp_path / "state",
        await upstream.start(),
        metrics={"listen": f"127.0.0.1:{unused_tcp_port}"},
    )
    async with Service(given) as service:
        await asyncio.to_thread(send, service.listening[0][1])
        told = (await page(unused_tcp_port)).splitlines()
        assert 'mxtap_transactions_total{by="upstream",verdict="accepted"} 1.0' in told
        assert "mxtap_upstream_up 1.0" in told
        assert "mxtap_spool_bytes 0.0" in told
        assert 'mxtap_upstream_reply_seconds_count{phase="eod"} 1.0' in told
        assert any(line.startswith("process_resident_memory_bytes ") for line in told)
        assert service.alive
        assert service.health.summary().startswith("0 sessions, 1 accepted, 0 deferred, 0 refused")
    with pytest.raises(ConnectionError):
        await page(unused_tcp_port)
    await upstream.stop()


async def test_metrics_that_cannot_be_offered_are_a_reason_not_to_start(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ServiceError, match=r"metrics\.listen"):
        async with Service(settings(tmp_path / "state", metrics={"listen": str(file)})):
            pass


async def test_a_renewed_certificate_is_taken_up_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service_module, "RENEWAL", 0.01)
    state = tmp_path / "state"
    async with Service(settings(state)) as service:
        file = state / "tls" / "cert.pem"
        good = file.read_bytes()
        file.write_text("no certificate")
        await until(lambda: "cert.pem: cannot be used" in service.health.summary())
        assert "the one from before stays in use" in caplog.text
        file.write_bytes(good)
        await until(lambda: "cert.pem" not in service.health.summary())
        assert caplog.text.count("cannot be used") == 1


async def test_memory_is_given_back_while_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[None] = []
    monkeypatch.setattr(heap, "EVERY", 0.01)
    monkeypatch.setattr(heap, "give_back", lambda: times.append(None))
    async with Service(settings(tmp_path / "state")):
        await until(lambda: len(times) > 1)


async def test_a_second_relay_does_not_touch_the_first_ones_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(tmp_path / "state")
    async with Service(given):
        monkeypatch.setattr(service_module, "Store", None)
        with pytest.raises(ServiceError, match="in use"):
            async with Service(given):
                pass


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_past_is_asked_over_the_socket_while_mail_goes_on(tmp_path: Path) -> None:
    upstream = Upstream()
    given = settings(tmp_path / "state", await upstream.start())
    async with Service(given) as service:
        port = service.listening[0][1]
        await asyncio.to_thread(send, port)
        feed = SocketFeed(tmp_path / "state")
        await feed.start()
        asked = asyncio.create_task(feed.study(ReportOn(senders=("client.test",)), Report))
        await asyncio.to_thread(send, port)
        report = await asked
        assert report.senders[0].networks == ("127.0.0.0/24",)
        assert report.senders[0].messages >= 1
        await feed.close()
    await upstream.stop()
