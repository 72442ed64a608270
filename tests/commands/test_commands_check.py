"""``mxtap check``: one message, as text and as the event contract has it."""

from __future__ import annotations

import io
import json

import pytest

from monitor import cli
from monitor.findings.catalogue import CATALOGUE

ZONE = """
d.test. TXT "v=spf1 -all"
_dmarc.d.test. TXT "v=DMARC1; p=reject"
5.2.0.192.in-addr.arpa. PTR mta.d.test.
mta.d.test. A 192.0.2.5
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "zone").write_text(ZONE)
    (tmp_path / "m.eml").write_bytes(
        b"From: A <a@d.test>\nSubject: =?utf-8?q?caf=C3=A9?=\nMessage-ID: <1@d.test>\n\nhi\n"
    )
    return tmp_path


def call(files, *more, message="m.eml", ip="192.0.2.5", helo="mta.d.test", mail_from="a@d.test"):
    name = message if message == "-" else str(files / message)
    client = ["--ip", ip, "--helo", helo, "--mail-from", mail_from]
    here = ["--dns-zone", str(files / "zone"), "--state", str(files / "state")]
    return cli.main(["check", name, *client, *here, *more])


def test_json_is_an_object_of_the_event_contract(files, capsys):
    assert call(files, "--rcpt", "b@r.test", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["v"] == 1
    assert record["client"]["name"] == "mta.d.test"
    assert record["mail_from"] == "a@d.test"
    assert record["rcpts"][0]["address"] == "b@r.test"
    assert record["message"]["subject"] == "café"
    assert record["message"]["message_id"] == "<1@d.test>"
    assert set(record["verdict"]) == {"code", "reply", "phase", "by"}
    found = {f["code"]: f for f in record["findings"]}
    assert {"spf.fail", "dkim.none", "dmarc.fail"} <= set(found)
    assert found["spf.fail"]["evidence"]["record"] == "v=spf1 -all"


def test_senders_and_recipients_are_looked_up_as_in_the_relay(files, capsys, monkeypatch):
    monkeypatch.setenv("MXTAP_LOCAL_DOMAINS", "home.r.test")
    assert call(files, "--rcpt", "<b@r.test>", "--rcpt", "b@home.r.test", "--json") == 0
    found = {f["code"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert found["route.sender-unreachable"]["evidence"]["domain"] == "d.test"
    assert found["route.recipient-not-ours"]["evidence"]["resembles"] == "home.r.test"
    assert "route.recipient-no-mx" in found


def test_text_tells_the_worst_first_with_evidence_and_advice(files, capsys):
    assert call(files) == 0
    text = capsys.readouterr().out
    assert text.startswith("error    ")
    assert "spf.fail: SPF fail" in text
    assert "record: v=spf1 -all" in text
    assert CATALOGUE["spf.fail"].advice in text


def test_the_message_may_come_from_the_standard_input(files, capsys, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO((files / "m.eml").read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert call(files, "--json", message="-") == 0
    assert json.loads(capsys.readouterr().out)["message"]["from"] == "A <a@d.test>"


def test_the_null_reverse_path_is_written_in_both_ways(files, capsys):
    for written in ("", "<>"):
        assert call(files, "--json", mail_from=written) == 0
        record = json.loads(capsys.readouterr().out)
        assert record["mail_from"] == ""
        (spf,) = [f for f in record["findings"] if f["code"].startswith("spf.")]
        assert spf["evidence"]["identity"] == "helo"


def test_line_ends_are_made_those_of_the_wire(files, capsys):
    sizes = []
    for end in (b"\n", b"\r\n", b"\r"):
        (files / "m.eml").write_bytes(end.join([b"From: a@d.test", b"", b"hi", b""]))
        assert call(files, "--json") == 0
        sizes.append(json.loads(capsys.readouterr().out)["message"]["size"])
    assert len(set(sizes)) == 1


def test_a_greeting_that_is_no_host_name_is_told(files, capsys):
    assert call(files, "--json", helo="foo") == 0
    assert '"conduct.helo-syntax"' in capsys.readouterr().out


def test_nothing_of_the_message_reaches_the_terminal_raw(files, capsys):
    (files / "m.eml").write_bytes(b"From: \x1b[31m <a@d.test>\nSubject: \xe2\x80\xae\n\n\x1b[2J")
    assert call(files, helo="\x1b[31m.test", mail_from="\x1b]0;x\x07@d.test") == 0
    assert call(files, "--json", helo="\x1b[31m.test", mail_from="\x1b]0;x\x07@d.test") == 0
    out = capsys.readouterr().out
    assert not any(c in out for c in "\x1b\x07\u202e")


def test_a_missing_file_fails(files, capsys):
    assert call(files, message="absent.eml") == 1
    assert "absent.eml: No such file" in capsys.readouterr().err


def test_a_broken_zone_is_wrong_usage(files, capsys):
    (files / "zone").write_text("d.test. A nonsense\n")
    assert call(files) == 2
    assert "zone:1: " in capsys.readouterr().err


@pytest.mark.parametrize("ip", ["192.0.2", "host.test", ""])
def test_a_wrong_address_is_wrong_usage(files, capsys, ip):
    with pytest.raises(SystemExit) as left:
        call(files, ip=ip)
    assert left.value.code == 2
    assert "is not an IP address" in capsys.readouterr().err
