"""This machine: names, resolver, clock, disk, state folder, relay, and settings that clash."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.config import Settings
from monitor.control.protocol import Status
from monitor.dns.zone import Zone
from monitor.doctor import contradictions, machine
from monitor.doctor.machine import Folder, Machine
from monitor.findings.answers import Answer

NOW = 1_800_000_000.0
GIB = 1 << 30


def told(name: str, settings: Settings | None = None, **seen: Any) -> list[tuple[str, str]]:
    facts = Machine(now=NOW, **seen)
    checks = machine.judge(facts, settings or Settings())
    return [(check.state, check.seen) for check in checks if check.name == name]


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ({}, "skipped"),
        ({"web": NOW + 30}, "ok"),
        ({"web": NOW - 90}, "warning"),
        ({"newest": NOW + 7_200, "web": NOW}, "error"),
        ({"newest": NOW - 7_200, "web": NOW}, "ok"),
    ],
)
def test_clock(seen: dict[str, float], state: str) -> None:
    assert [s for s, _ in told("clock", **seen)] == [state]


def folders(*modes: int, owner: int = 7) -> tuple[Folder, ...]:
    paths = ("/s", "/s/mxtap.db", "/s/captures")
    return tuple(Folder(path=p, mode=m, owner=owner) for p, m in zip(paths, modes, strict=False))


def test_the_state_folder() -> None:
    name = "state folder"
    assert told(name)[0][0] == "skipped"
    assert told(name, folders=folders(0o700, 0o644))[0][0] == "ok"  # nobody gets that far
    assert told(name, folders=folders(0o755, 0o600, 0o700))[0][0] == "notice"
    [(state, seen)] = told(name, folders=folders(0o755, 0o640, 0o700))
    assert (state, "/s/mxtap.db 0640" in seen, "captures" in seen) == ("error", True, False)
    mixed = (*folders(0o700), Folder(path="/s/mxtap.db", mode=0o600, owner=0))
    assert told(name, folders=mixed) == [("warning", "of another owner: /s/mxtap.db")]


@pytest.mark.parametrize(
    ("free", "mode", "state"),
    [
        (10 * GIB, "headers", "ok"),
        (2 * GIB + 1, "headers", "warning"),
        (2 * GIB + 1, "off", "ok"),
        (10 << 20, "off", "error"),
    ],
)
def test_disk(free: int, mode: str, state: str) -> None:
    settings = Settings(capture={"mode": mode})
    assert [s for s, _ in told("disk", settings, free=free)] == [state]


def test_what_a_running_relay_says_of_itself() -> None:
    status = Status(relay="r", version="1", started=0, now=NOW, problems=("disk is full",))
    assert told("relay", status=status) == [("error", "disk is full")]
    fine = Status(relay="r", version="1", started=0, now=NOW, listening=("127.0.0.1:25",))
    assert told("relay", status=fine)[0][0] == "ok"
    assert told("relay")[0][0] == "skipped"


def root(status: str = "ok", secure: bool | None = True) -> Answer:
    return Answer(name="", type="SOA", status=status, secure=secure)


@pytest.mark.parametrize(
    ("answer", "dns", "state"),
    [
        (root(), {}, "ok"),
        (root(secure=None), {}, "notice"),
        (root(secure=None), {"dnssec": "local"}, "warning"),
        (root("timeout", None), {}, "error"),
        (root(), {"zone": "/zone"}, "skipped"),
    ],
)
def test_resolver(answer: Answer, dns: dict[str, str], state: str) -> None:
    assert machine.check_resolver(Settings(dns=dns), answer).state == state


ZONE = Zone(
    "mx.our.test. A 127.0.0.1\n"
    "1.0.0.127.in-addr.arpa. PTR mx.our.test.\n"
    "2.0.0.127.in-addr.arpa. PTR mx.our.test.\n"
    "4.0.0.127.in-addr.arpa. CNAME 4.0.0.127.in-addr.arpa.\n"
)


@pytest.mark.parametrize(
    ("ip", "state", "word"),
    [
        ("127.0.0.1", "ok", "mx.our.test"),
        ("127.0.0.2", "warning", "leads to 127.0.0.1"),
        ("127.0.0.3", "warning", "no PTR"),
        ("127.0.0.4", "warning", "no answer"),
    ],
)
def test_ptr(ip: str, state: str, word: str) -> None:
    check = machine.check_address(ip, ZONE.known)
    assert (check.state, word in check.seen) == (state, True)


@pytest.mark.parametrize(
    ("name", "state"), [("mx.our.test", "ok"), ("gone.our.test", "warning"), ("mail", "warning")]
)
def test_name(name: str, state: str) -> None:
    [check] = machine.check_name(name, ZONE.known)
    assert check.state == state


def test_addresses_that_clients_are_spoken_to_from() -> None:
    listen = (
        "0.0.0.0:25",
        "[::]:25",
        "127.0.0.1:2525",
        "192.0.2.7:25",
        "[2001:db8::7]:25",
        "mx:25",
    )
    assert machine.speaks_to(Settings(listen=listen)) == ("192.0.2.7", "2001:db8::7")


SOUND = {"local_domains": ["our.test"], "upstream": "127.0.0.1:10025"}


@pytest.mark.parametrize(
    ("more", "state", "name"),
    [
        ({}, "ok", "together"),
        ({"local_domains": []}, "notice", "local_domains"),
        ({"identity": "none", "listen": ["0.0.0.0:25"]}, "error", "identity"),
        ({"listen": ["127.0.0.1:10025"]}, "error", "upstream"),
        ({"proxy_from": ["0.0.0.0/0"]}, "error", "proxy_from"),
        ({"limits": {"message_size": 1 << 32}}, "error", "limits"),
        ({"limits": {"upstream_dot": 60}}, "warning", "limits"),
        ({"limits": {"command_timeout": 60}}, "notice", "limits"),
        ({"limits": {"session_timeout": 60}}, "warning", "limits"),
        ({"conduct": {"bare_newline": "pass"}}, "error", "conduct"),
        ({"conduct": {"bare_newline": "fix"}}, "notice", "conduct"),
        ({"conduct": {"greet_delay": 200}}, "error", "conduct"),
        ({"dns": {"timeout": 9}}, "notice", "checks"),
        ({"dns": {"trust_ad": True, "server": "192.0.2.53:53"}}, "warning", "dns"),
        ({"greylist": {"retry_window": 30}}, "error", "greylist"),
        ({"greylist": {"mode": "enforce", "remember": 3_600}}, "warning", "greylist"),
        ({"capture": {"mode": "full", "disk_floor": 1 << 20}}, "warning", "capture"),
        (
            {"capture": {"mode": "full", "disk_floor": 4 * GIB, "keep_days": 0}},
            "warning",
            "capture",
        ),
        ({"tls": {"minimum": "TLSv1"}}, "notice", "tls"),
    ],
)
def test_settings_that_contradict_each_other(more: dict[str, Any], state: str, name: str) -> None:
    checks = list(contradictions.judge(Settings(**(SOUND | more))))
    assert [(check.state, check.name) for check in checks] == [(state, name)]


def test_greylisting_in_two_places() -> None:
    both = Settings(**SOUND, greylist={"mode": "enforce"})
    assert [c.name for c in contradictions.judge(both, upstream_greylists=True)] == ["greylist"]
    watching = Settings(**SOUND, greylist={"mode": "observe"})
    assert [c.name for c in contradictions.judge(watching, True)] == ["together"]
