"""TCP segments from pcap and pcapng files."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dpkt  # type: ignore[import-untyped]

from monitor.capture.format import CaptureError

MAGICS = (
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x0a\x0d\x0d\x0a",
)

Tell = Callable[[str], None]
Endpoint = tuple[str, int]


class Segment(NamedTuple):
    """One TCP segment. ``at`` is seconds since the epoch."""

    at: float
    source: Endpoint
    target: Endpoint
    seq: int
    ack: int | None
    syn: bool
    fin: bool
    rst: bool
    data: bytes


def is_pcap(path: Path) -> bool:
    """True when the file begins like a capture of packets."""
    try:
        with path.open("rb") as file:
            return file.read(4) in MAGICS
    except OSError:
        return False


def segments(path: Path, tell: Tell) -> Iterator[Segment]:
    """The TCP segments of a file, as they were captured. Raises CaptureError.

    ``tell`` hears of what was left out: a damaged end, fragments, unknown link layers.
    """
    with path.open("rb") as file:
        try:
            reader: Any = dpkt.pcap.UniversalReader(file)
            unwrap = _LINKS.get(reader.datalink())
        except Exception as error:  # dpkt lets any exception of its parsing through
            raise CaptureError(f"{path} is no capture of packets: {error}") from None
        if unwrap is None:
            raise CaptureError(f"{path}: link layer {reader.datalink()} is not supported")
        broken = fragments = 0
        for at, frame in _frames(reader, tell):
            try:
                packet = unwrap(frame)
                if _fragmented(packet):
                    fragments += 1
                elif (segment := _segment(at, packet)) is not None:
                    yield segment
            except Exception:  # as above: a broken packet costs no other
                broken += 1
    if broken:
        tell(f"{broken} packets could not be understood")
    if fragments:
        tell(f"{fragments} IP fragments were left out")


def _frames(reader: Any, tell: Tell) -> Iterator[tuple[float, bytes]]:
    frames = iter(reader)
    while True:
        try:
            at, frame = next(frames)
        except StopIteration:
            return
        except Exception:  # as above
            tell("the file is cut off or damaged; what is before that is shown")
            return
        yield float(at), frame


def _ethernet(frame: bytes) -> Any:
    return dpkt.ethernet.Ethernet(frame).data


def _loopback(frame: bytes) -> Any:
    return dpkt.loopback.Loopback(frame).data


def _cooked(frame: bytes) -> Any:
    return dpkt.sll.SLL(frame).data


def _cooked2(frame: bytes) -> Any:
    return dpkt.sll2.SLL2(frame).data


def _raw(frame: bytes) -> Any:
    return dpkt.ip6.IP6(frame) if frame[:1] >= b"\x60" else dpkt.ip.IP(frame)


# By link type as the files give it: https://www.tcpdump.org/linktypes.html
_LINKS: dict[int, Callable[[bytes], Any]] = {
    0: _loopback,
    1: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked2,
}


def _fragmented(packet: Any) -> bool:
    if isinstance(packet, dpkt.ip.IP):
        return bool(packet.mf or packet.offset)
    return isinstance(packet, dpkt.ip6.IP6) and dpkt.ip.IP_PROTO_FRAGMENT in packet.extension_hdrs


def _segment(at: float, packet: Any) -> Segment | None:
    if not isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6):
        return None
    tcp = packet.data
    if not isinstance(tcp, dpkt.tcp.TCP):
        return None
    flags = tcp.flags
    return Segment(
        at,
        (_address(packet.src), tcp.sport),
        (_address(packet.dst), tcp.dport),
        tcp.seq,
        tcp.ack if flags & dpkt.tcp.TH_ACK else None,
        bool(flags & dpkt.tcp.TH_SYN),
        bool(flags & dpkt.tcp.TH_FIN),
        bool(flags & dpkt.tcp.TH_RST),
        bytes(tcp.data),
    )


def _address(octets: bytes) -> str:
    address = ipaddress.ip_address(octets)
    return str(getattr(address, "ipv4_mapped", None) or address)
