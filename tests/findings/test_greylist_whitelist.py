"""postgrey's whitelist files."""

from __future__ import annotations

import pytest
from conversation import World

from monitor.config import ConfigError, Greylist
from monitor.findings.greylist.whitelist import Whitelist, load

CLIENTS = r"""
# big senders
debian.org   # and all below it
66.216.126.174
192.0.2
198.51.100.0/25
2001:db8::/32
/^ms-smtp.*\.rr\.com$/
"""
RECIPIENTS = "postmaster@\nloud@here.example\nopen.example\n/^list-/\n"


@pytest.mark.parametrize(
    ("ip", "name", "listed"),
    [
        ("203.0.113.1", "mail.debian.org", True),
        ("203.0.113.1", "notdebian.org", False),
        ("203.0.113.1", None, False),
        ("66.216.126.174", None, True),
        ("66.216.126.175", None, False),
        ("192.0.2.77", None, True),
        ("198.51.100.5", None, True),
        ("198.51.100.200", None, False),
        ("2001:db8::1", None, True),
        ("203.0.113.1", "ms-smtp-01.texas.rr.com", True),
    ],
)
def test_clients(ip, name, listed):
    assert Whitelist(CLIENTS).has_client(ip, name) is listed


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("postmaster@any.example", True),
        ("Loud@Here.example", True),
        ("quiet@here.example", False),
        ("x@sub.open.example", True),
        ("list-a@here.example", True),
    ],
)
def test_recipients(address, listed):
    assert Whitelist(recipients=RECIPIENTS).has_recipient(address) is listed


@pytest.mark.parametrize("line", ["/((/", "192.0.2.0/99", "1.2.3.400", "a b", "/open"])
def test_a_wrong_line_is_named(line, tmp_path):
    file = tmp_path / "clients"
    file.write_text("good.example\n" + line + "\n")
    with pytest.raises(ConfigError, match=r"greylist\.whitelist: .*clients: line 2: "):
        load(Greylist(whitelist=(file,)))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none: No such file"):
        load(Greylist(whitelist=(tmp_path / "none",)))


def test_a_listed_client_is_not_observed(tmp_path):
    file = tmp_path / "clients"
    file.write_text("sender.example\n")
    world = World(greylist={"whitelist": (file,)})
    world.attempt(ptr="mx.sender.example")
    assert world.codes("greylist.") == []
    world.attempt(helo="mx.sender.example")  # a mere claim
    assert world.codes("greylist.") == ["greylist.deferred"]
