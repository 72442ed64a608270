"""Packets become the relay's own events, whatever happened to the segments on the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pcap_sessions import START, Talk, mail, write

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.capture.format import CaptureError
from monitor.capture.pcap import pcap_events
from monitor.capture.sources import disciplines, open_reel
from monitor.config import Settings
from monitor.record import Record

MESSAGE = b"From: a@a.example\r\nSubject: Hi\r\n\r\n.dot\r\nend\r\n"


def heard(path: Path) -> tuple[list[ev.AnyEvent], list[str]]:
    notes: list[str] = []
    return list(pcap_events(path, notes.append)), notes


def of(tmp_path: Path, *talks: Talk, shuffle: int | None = None) -> list[ev.AnyEvent]:
    packets = sorted(packet for talk in talks for packet in talk.packets)
    if shuffle is not None:
        random.Random(shuffle).shuffle(packets)
    events, _ = heard(write(tmp_path / "a.pcap", packets))
    return events


def records(events: list[ev.AnyEvent]) -> list[Record]:
    assembler = Assembler(disciplines(Settings(name="mx")))
    made = [output for event in events for output in assembler.feed(event)[1]]
    return [output for output in made if isinstance(output, Record)]


def codes(events: list[ev.AnyEvent]) -> set[str]:
    return {f.code for record in records(events) for f in record.findings}


def content(events: list[ev.AnyEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, ev.Body))


@pytest.mark.parametrize("ng", [False, True])
@pytest.mark.parametrize(
    ("client", "server"), [("192.0.2.7", "198.51.100.25"), ("2001:db8::7", "2001:db8::25")]
)
def test_a_session_is_told_as_the_relay_tells_it(
    tmp_path: Path, ng: bool, client: str, server: str
) -> None:
    path = write(tmp_path / "a", mail(Talk(client, server)).packets, ng=ng)
    events, notes = heard(path)
    assert notes == []
    assert [type(event).__name__ for event in events] == [
        *("Opened", "Reply", "Command", "Reply", "Command", "Reply", "Mail"),
        *("Command", "Reply", "Rcpt", "Command", "Reply", "Content", "Body", "Body"),
        *("Reply", "Ended", "Command", "Reply", "Closed"),
    ]
    (record,) = records(events)
    assert (record.client.ip, record.client.helo, record.mail_from) == (
        client,
        "out.example",
        "a@a.example",
    )
    assert [(r.address, r.code) for r in record.rcpts] == [("b@b.example", 250)]
    assert record.message is not None
    assert (record.message.subject, record.message.size) == ("Hi", len(MESSAGE))
    assert (record.verdict.code, record.verdict.phase, record.state) == (250, "eod", "accepted")
    assert content(events) == MESSAGE
    assert events[-1].how == "quit"  # type: ignore[union-attr]
    assert "tls.none" in codes(events)
    assert not {c for c in codes(events) if c.startswith("conduct.")} - {"conduct.helo-mismatch"}


@pytest.mark.parametrize("seed", range(8))
def test_segments_out_of_order_and_twice(tmp_path: Path, seed: int) -> None:
    packets = mail(Talk()).packets
    straight = of(tmp_path, mail(Talk()))
    mixed = random.Random(seed)
    late = packets[:3]  # the handshake first, then each packet a little away from its place
    rest = sorted(
        ((n + mixed.uniform(0, 0.9), p) for n, p in enumerate(packets[3:] * 2)), key=lambda x: x[0]
    )
    events, _ = heard(write(tmp_path / "b.pcap", late + [p for _, p in rest]))
    assert [type(e) for e in events] == [type(e) for e in straight]
    assert content(events) == MESSAGE


def test_a_segment_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    talk = mail(Talk())
    packets = talk.packets
    packets[13], packets[14] = packets[14], packets[13]  # the two parts of the message
    assert content(of(tmp_path, talk)) == MESSAGE


@pytest.mark.parametrize(("number", "octets"), [(12, 34), (13, 15)])
def test_a_lost_segment_of_the_message_is_told_and_costs_no_more(
    tmp_path: Path, number: int, octets: int
) -> None:
    talk = mail(Talk()).lose(number)
    events, notes = heard(write(tmp_path / "a.pcap", talk.packets))
    assert notes == [f"{octets} octets of the sessions were not captured"]
    assert content(events) == b""
    (record,) = records(events)
    assert (record.mail_from, record.verdict.code) == ("a@a.example", 250)
    assert not codes(events) & {"conduct.bad-sequence", "conduct.unknown-commands"}


@pytest.mark.parametrize("number", [5, 9])
def test_a_lost_reply_costs_no_more(tmp_path: Path, number: int) -> None:
    talk = mail(Talk()).lose(number)
    events, notes = heard(write(tmp_path / "a.pcap", talk.packets))
    assert len(notes) == 1
    (record,) = records(events)
    assert (record.mail_from, record.verdict.code) == ("a@a.example", 250)


def test_other_ports_are_known_by_the_banner(tmp_path: Path) -> None:
    http = Talk(port=8080, client_port=50_000).open()
    http.say("C", b"GET / HTTP/1.1\r\n\r\n").say("S", b"HTTP/1.1 200 OK\r\n\r\n").close()
    events = of(tmp_path, mail(Talk(port=11_025)), http)
    assert {event.session for event in events} == {events[0].session}
    assert len(records(events)) == 1


def test_an_early_talker_is_known_by_the_banner_behind_it(tmp_path: Path) -> None:
    talk = Talk(port=11_025).open().say("C", b"EHLO a.example\r\n", b"NOOP\r\n")
    talk.say("S", b"220 mx\r\n", b"250 mx\r\n250 ok\r\n").close("C", "S")
    assert "conduct.early-talker" in codes(of(tmp_path, talk))


def test_sessions_that_began_before_are_left_out(tmp_path: Path) -> None:
    talk = mail(Talk())
    events, notes = heard(write(tmp_path / "a.pcap", talk.packets[6:]))
    assert events == []
    assert notes == ["1 sessions began before the capture did, and are left out"]


def test_a_banner_begins_a_session_without_its_handshake(tmp_path: Path) -> None:
    talk = mail(Talk())
    talk.packets = talk.packets[3:]
    assert len(records(of(tmp_path, talk))) == 1


def test_sessions_that_go_on_are_nobody_s_fault(tmp_path: Path) -> None:
    talk = mail(Talk())
    talk.packets = talk.packets[:10]
    events = of(tmp_path, talk)
    assert isinstance(events[-1], ev.Closed)
    assert events[-1].how == "shutdown"
    assert "conduct.no-quit" not in codes(events)


def test_pipelining_is_seen(tmp_path: Path) -> None:
    talk = Talk().open().say("S", b"220 mx\r\n").say("C", b"EHLO a.example\r\n")
    talk.say("S", b"250-mx\r\n250 PIPELINING\r\n")
    talk.say("C", b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
    talk.say("S", b"250 ok\r\n550 no\r\n554 no\r\n").say("C", b"QUIT\r\n").say("S", b"221 bye\r\n")
    events = of(tmp_path, talk.close())
    commands = [event for event in events if isinstance(event, ev.Command)]
    assert [c.pipelined for c in commands] == [False, False, True, True, False]
    (record,) = records(events)
    assert (record.rcpts[0].code, record.verdict.code, record.verdict.phase) == (550, 550, "rcpt")
    assert "conduct.unannounced-pipelining" not in codes(events)


def test_faults_of_conduct_are_found(tmp_path: Path) -> None:
    talk = Talk().open().say("C", b"EHLO a.example\r\n").say("S", b"220 mx\r\n", b"250 mx\r\n")
    talk.say("C", b"BOGUS\n").say("S", b"500 what\r\n")
    found = codes(of(tmp_path, talk.close("C", "S")))
    assert {"conduct.early-talker", "conduct.unannounced-pipelining"} & found
    assert {"conduct.unknown-commands", "conduct.bare-newline"} & found


def test_a_client_may_close_its_side_and_hear_the_last_reply(tmp_path: Path) -> None:
    talk = Talk().open().say("S", b"220 mx\r\n").say("C", b"EHLO a.example\r\n")
    talk.say("S", b"250 mx\r\n").say("C", b"MAIL FROM:<a@a.example>\r\n").say("S", b"250 ok\r\n")
    talk.say("C", b"RCPT TO:<b@b.example>\r\n").say("S", b"250 ok\r\n").say("C", b"DATA\r\n")
    talk.say("S", b"354 go\r\n").say("C", b"x: y\r\n\r\nz\r\n.\r\nQUIT\r\n").close("C")
    talk.say("S", b"250 2.0.0 queued\r\n221 bye\r\n").close("S")
    events = of(tmp_path, talk)
    (record,) = records(events)
    assert record.state == "accepted"
    assert events[-1].how == "quit"  # type: ignore[union-attr]


def test_a_session_of_chunks(tmp_path: Path) -> None:
    talk = Talk().open().say("S", b"220 mx\r\n").say("C", b"EHLO a.example\r\n")
    talk.say("S", b"250-mx\r\n250 CHUNKING\r\n").say("C", b"MAIL FROM:<>\r\n")
    talk.say("S", b"250 ok\r\n").say("C", b"RCPT TO:<b@b.example>\r\n").say("S", b"250 ok\r\n")
    talk.say("C", b"BDAT 11\r\nX: y\r\n\r\n.do").say("S", b"250 more\r\n")
    talk.say("C", b"BDAT 5 LAST\r\nt\r\n.\r").say("S", b"250 2.0.0 queued\r\n")
    events = of(tmp_path, talk.say("C", b"QUIT\r\n").say("S", b"221 bye\r\n").close())
    (record,) = records(events)
    assert record.state == "accepted"
    assert content(events).startswith(b"X: y\r\n\r\n.dot\r\n")


def test_credentials_are_not_told(tmp_path: Path) -> None:
    talk = Talk(port=587).open().say("S", b"220 mx\r\n").say("C", b"EHLO a.example\r\n")
    talk.say("S", b"250 AUTH PLAIN LOGIN\r\n").say("C", b"AUTH PLAIN AHNlY3JldA==\r\n")
    talk.say("S", b"535 no\r\n").say("C", b"AUTH LOGIN\r\n").say("S", b"334 VXNlcg==\r\n")
    talk.say("C", b"c2VjcmV0\r\n").say("S", b"334 UGFzcw==\r\n").say("C", b"aHVudGVy\r\n")
    talk.say("S", b"235 ok\r\n").say("C", b"QUIT\r\n").say("S", b"221 bye\r\n").close()
    texts = [event.text for event in of(tmp_path, talk) if isinstance(event, ev.Command)]
    assert texts == [
        "EHLO a.example",
        "AUTH PLAIN (hidden)",
        "AUTH LOGIN",
        "(answer to AUTH)",
        "(answer to AUTH)",
        "QUIT",
    ]


def record_of(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + b"\x03\x03" + len(body).to_bytes(2, "big") + body


def hello(kind: int, suites: bytes, extensions: bytes = b"") -> bytes:
    listed = (
        len(suites).to_bytes(2, "big") + suites + b"\x01\x00" if kind == 1 else suites + b"\x00"
    )
    body = b"\x03\x03" + bytes(32) + b"\x00" + listed + len(extensions).to_bytes(2, "big")
    body += extensions
    return record_of(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def secured(*after: tuple[str, bytes]) -> Talk:
    talk = Talk().open().say("S", b"220 mx\r\n").say("C", b"EHLO a.example\r\n")
    talk.say("S", b"250-mx\r\n250 STARTTLS\r\n").say("C", b"STARTTLS\r\n").say("S", b"220 go\r\n")
    talk.say("C", hello(1, b"\x13\x01\xc0\x2f"))
    for who, octets in after:
        talk.say(who, octets)
    return talk.close("C", "S")


def test_what_is_encrypted_is_opaque_and_nobody_s_fault(tmp_path: Path) -> None:
    tls13 = b"\x00\x2b\x00\x02\x03\x04"
    talk = secured(
        ("S", hello(2, b"\x13\x01", tls13)),
        ("C", record_of(23, bytes(60))),
        ("S", record_of(23, b"250 this is not a reply\r\n")),
    )
    events = of(tmp_path, talk)
    (tls,) = (event for event in events if isinstance(event, ev.Secured))
    assert (tls.protocol, tls.cipher) == ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    assert tls.cipher in tls.offered_ciphers
    assert "tls.ok" in codes(events)
    assert "conduct.no-quit" not in codes(events)


@pytest.mark.parametrize("numbers", [[8], [7, 8], [7, 8, 9], [9], [10]])
def test_a_handshake_with_holes_puts_no_fault_to_anybody(
    tmp_path: Path, numbers: list[int]
) -> None:
    talk = secured(
        ("S", hello(2, b"\x13\x01", b"\x00\x2b\x00\x02\x03\x04")),
        ("C", record_of(23, bytes(60))),
        ("S", record_of(23, bytes(200))),
        ("C", record_of(23, b"\n\n" + bytes(2_000))),
        ("S", record_of(23, bytes(200))),
    )
    for number in reversed(numbers):
        talk.lose(number)
    assert codes(of(tmp_path, talk)) <= {"tls.ok", "conduct.helo-mismatch"}


def test_a_handshake_that_fails_is_told_with_its_alert(tmp_path: Path) -> None:
    events = of(tmp_path, secured(("S", record_of(21, b"\x02\x28"))))
    (failed,) = (event for event in events if isinstance(event, ev.TlsFailed))
    assert failed.alert == "handshake failure"
    assert failed.offered_ciphers == ("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
    assert codes(events) & {"tls.handshake-failed", "tls.no-shared-cipher"}
    assert events[-1].how == "tls"  # type: ignore[union-attr]


def test_hostile_packets_cost_no_other(tmp_path: Path) -> None:
    noise = random.Random(5)
    packets = mail(Talk()).packets
    for n in range(300):
        frame = bytearray(noise.choice(packets)[1])
        for _ in range(noise.randint(1, 8)):
            frame[noise.randrange(len(frame))] = noise.randrange(256)
        packets.append((START + 50 + n, bytes(frame[: noise.randint(1, len(frame))])))
    events, _ = heard(write(tmp_path / "a.pcap", packets))
    assert records(events)[0].verdict.code == 250


@pytest.mark.parametrize("ng", [False, True])
def test_a_file_cut_off_is_shown_as_far_as_it_goes(tmp_path: Path, ng: bool) -> None:
    path = write(tmp_path / "a.pcap", mail(Talk()).packets, ng=ng)
    octets = path.read_bytes()
    for length in range(30, len(octets), 37):
        path.write_bytes(octets[:length])
        try:
            heard(path)
        except CaptureError:
            assert ng
            assert length < 100


def test_packets_are_replayed_like_a_capture(tmp_path: Path) -> None:
    write(
        tmp_path / "a.pcap",
        [*mail(Talk()).packets, *mail(Talk(client_port=4, at=START + 9)).packets],
    )
    reel = open_reel([tmp_path / "a.pcap"], Settings())
    try:
        found = {
            f.code for event in reel.events() if isinstance(event, ev.Found) for f in event.findings
        }
        assert "tls.none" in found
        assert (reel.transactions, reel.problems) == (2, [])
        assert len(records(list(reel.events()))) == 2
    finally:
        reel.close()
