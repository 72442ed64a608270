"""Which resolver the settings choose."""

from __future__ import annotations

import pytest

from monitor.config import ConfigError, load
from monitor.dns.choose import open_resolver
from monitor.dns.recorded import Recorded
from monitor.dns.resolver import LiveResolver
from monitor.dns.zone import Zone, ZoneError
from monitor.findings.answers import Answer


def choose(**dns):
    return open_resolver(load(environ={}, flags={"dns": dns}))


def test_a_zone_file_is_all_there_is(tmp_path):
    path = tmp_path / "zone"
    path.write_text("a.test. A 192.0.2.1\n")
    chosen = choose(zone=path, server="127.0.0.1:53")
    assert isinstance(chosen, Zone)
    with pytest.raises(ZoneError):
        choose(zone=tmp_path / "absent")


def test_a_server_is_given_by_its_address():
    assert isinstance(choose(server="[::1]:5353"), LiveResolver)
    with pytest.raises(ConfigError, match=r"dns\.server = 'ns\.test:53'"):
        choose(server="ns.test:53")


def test_else_the_machine_chooses():
    assert isinstance(choose(), LiveResolver)


async def test_recorded_answers_and_nothing_else():
    known = Answer(name="a.test", type="A", status="ok", records=("192.0.2.1",))
    resolver = Recorded([known])
    assert resolver.known("A.test.", "A") is known
    assert (await resolver.answer("a.test", "AAAA")).status == "timeout"


def test_wrong_anchors_are_told_where_they_are_used(tmp_path):
    path = tmp_path / "anchors"
    path.write_text("a.test. A 192.0.2.1\n")
    assert isinstance(choose(anchors=path), LiveResolver)
    with pytest.raises(ConfigError, match=r"dns\.anchors = .*anchors: must hold DS"):
        choose(anchors=path, dnssec="local")
    assert isinstance(choose(dnssec="local"), LiveResolver)
