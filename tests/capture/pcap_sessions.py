"""SMTP over TCP as packets, for the tests of packet captures."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dpkt

START = 1_772_366_400.0
SYN, ACK, FIN, RST = 2, 16, 1, 4

Packet = tuple[float, bytes]


@dataclass
class Talk:
    """Makes the packets of one connection."""

    client: str = "192.0.2.7"
    server: str = "198.51.100.25"
    port: int = 25
    client_port: int = 40_000
    at: float = START
    first: tuple[int, int] = (1_000, 4_294_967_000)  # the server's numbers wrap early
    packets: list[Packet] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = {"C": self.first[0], "S": self.first[1]}

    def open(self) -> Talk:
        """The three-way handshake."""
        self._put("C", b"", SYN)
        self._put("S", b"", SYN | ACK)
        self._put("C", b"", ACK)
        return self

    def say(self, who: str, *parts: bytes) -> Talk:
        """Each part in a segment of its own."""
        for part in parts:
            self._put(who, part, ACK)
        return self

    def close(self, *order: str) -> Talk:
        """FINs, in this order."""
        for who in order or ("S", "C"):
            self._put(who, b"", FIN | ACK)
        return self

    def reset(self, who: str) -> Talk:
        self._put(who, b"", RST)
        return self

    def lose(self, number: int) -> Talk:
        """Take a packet out."""
        del self.packets[number]
        return self

    def _put(self, who: str, data: bytes, flags: int) -> None:
        other = "S" if who == "C" else "C"
        ends = {"C": (self.client, self.client_port), "S": (self.server, self.port)}
        tcp = dpkt.tcp.TCP(
            sport=ends[who][1],
            dport=ends[other][1],
            seq=self._next[who] % 2**32,
            ack=self._next[other] % 2**32 if flags & ACK else 0,
            flags=flags,
            data=data,
        )
        self.packets.append((self.at, frame(ends[who][0], ends[other][0], tcp)))
        self._next[who] += len(data) + bool(flags & (SYN | FIN))
        self.at += 0.01


def frame(source: str, target: str, tcp: Any) -> bytes:
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if src.version == 4:
        ip = dpkt.ip.IP(src=src.packed, dst=dst.packed, p=6, data=tcp, ttl=64)
        ip.len = len(ip)
        return bytes(dpkt.ethernet.Ethernet(data=ip, type=0x0800))
    ip6 = dpkt.ip6.IP6(src=src.packed, dst=dst.packed, nxt=6, data=tcp, hlim=64)
    ip6.plen = len(tcp)
    return bytes(dpkt.ethernet.Ethernet(data=ip6, type=0x86DD))


def mail(talk: Talk) -> Talk:
    """A whole session with one message."""
    talk.open().say("S", b"220 mx ESMTP\r\n")
    talk.say("C", b"EHLO out.example\r\n").say("S", b"250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
    talk.say("C", b"MAIL FROM:<a@a.example> SIZE=99\r\n").say("S", b"250 2.1.0 ok\r\n")
    talk.say("C", b"RCPT TO:<b@b.example>\r\n").say("S", b"250 2.1.5 ok\r\n")
    talk.say("C", b"DATA\r\n").say("S", b"354 go on\r\n")
    talk.say("C", b"From: a@a.example\r\nSubject: Hi\r\n\r\n", b"..dot\r\nend\r\n.\r\n")
    talk.say("S", b"250 2.0.0 queued as 1\r\n")
    return talk.say("C", b"QUIT\r\n").say("S", b"221 2.0.0 bye\r\n").close()


def write(path: Path, packets: list[Packet], *, ng: bool = False) -> Path:
    with path.open("wb") as file:
        writer = dpkt.pcapng.Writer(file) if ng else dpkt.pcap.Writer(file, nano=False)
        for at, packet in packets:
            writer.writepkt(packet, ts=at)
    return path
