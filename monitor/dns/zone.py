"""Answers from a file: an RFC 1035 master file that holds names of any domain.

It is read with the origin ``.`` and needs no SOA. What is not in it does not exist. A line
``; mxtap: signed NAME…`` says that answers about these names and all below them come as
validated by DNSSEC, ``; mxtap: unsigned NAME…`` that they do not; the nearest one counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.zone
import dns.zonefile

from monitor.dns.form import MAX_CHAIN, from_name, presentation, to_name
from monitor.findings.answers import Answer, Question, canonical

__all__ = ["Zone", "ZoneError"]

DEFAULT_TTL = 3_600  # seconds, for records before the first stated TTL
_DIRECTIVE = re.compile(r"[ \t]*;[ \t]*mxtap:(.*)")
_Node = dict[str, tuple[tuple[str, ...], int]]  # by type: the records and their TTL


class ZoneError(Exception):
    """A zone file cannot be used; the text names the file and the line."""


class Zone:
    """A resolver over one zone file. Without a directive ``Answer.secure`` is None."""

    def __init__(self, text: str, source: str = "zone") -> None:
        """Read ``text``; ``source`` names it in errors. Raises ZoneError."""
        self._nodes = _read(text, source)
        self._signed = _directives(text, source)
        self._inner = {
            parent for name in self._nodes for parent in _parents(name) if parent not in self._nodes
        }

    @classmethod
    def load(cls, path: Path) -> Zone:
        """The zone in the file ``path``. Raises ZoneError."""
        try:
            return cls(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise ZoneError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ZoneError(f"{path}: is not UTF-8 text") from None

    async def answer(self, name: str, rdtype: str) -> Answer:
        """The answer of the file."""
        return self.known(name, rdtype)

    def known(self, name: str, rdtype: str) -> Answer:
        """The answer of the file, CNAMEs followed. A loop of them is a ``servfail``."""
        asked = at = canonical(name)
        chain: list[str] = []
        while len(chain) < MAX_CHAIN:
            chain.append(at)
            node = self._node(at)
            records, ttl = (node or {}).get(rdtype, ((), 0))
            alias = None if records or node is None else node.get("CNAME")
            if alias is None:
                return Answer(
                    name=asked,
                    type=rdtype,
                    status="ok" if records else "nxdomain" if node is None else "nodata",
                    records=records,
                    canonical=at,
                    secure=self._secure(chain),
                    ttl=ttl,
                )
            at = alias[0][0]
        return Answer(name=asked, type=rdtype, status="servfail", canonical=at)

    def left(self, questions: Iterable[Question]) -> float:
        """For ever: the file is read once."""
        return math.inf

    def _secure(self, chain: list[str]) -> bool | None:
        """True where every name of the chain is signed, False where one is known not to be."""
        states = [
            next((self._signed[n] for n in (at, *_parents(at), "") if n in self._signed), None)
            for at in chain
        ]
        return False if False in states else None if None in states else True

    def _node(self, name: str) -> _Node | None:
        """What stands at ``name``: its own records, none (an inner name), or a wildcard's."""
        if (node := self._nodes.get(name)) is not None:
            return node
        if name in self._inner or name == "":
            return {}
        if "\\" in name or not name.isascii():
            parsed = to_name(name)
            same = from_name(parsed) if parsed else name
            if same != name:
                return self._node(same)
        for encloser in (*_parents(name), ""):  # RFC 4592 3.3.1: the closest one that exists
            if encloser == "" or encloser in self._nodes or encloser in self._inner:
                return self._nodes.get(f"*.{encloser}".rstrip("."))
        return None


def _parents(name: str) -> list[str]:
    """The names above ``name``, the nearest first, without the root."""
    labels = name.split(".")
    return [".".join(labels[i:]) for i in range(1, len(labels))]


def _directives(text: str, source: str) -> dict[str, bool]:
    signed: dict[str, bool] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if told := _DIRECTIVE.fullmatch(line):
            words = told[1].split()
            if len(words) < 2 or words[0] not in ("signed", "unsigned"):
                reason = "mxtap: is followed by signed or unsigned, and names"
                raise ZoneError(f"{source}:{number}: {reason}")
            signed.update((canonical(name), words[0] == "signed") for name in words[1:])
    return signed


class _Tokenizer(dns.tokenizer.Tokenizer):
    """Knows where a record starts; dnspython tells where it stopped reading."""

    started = 1

    def get(self, want_leading: bool = False, want_comment: bool = False) -> dns.tokenizer.Token:
        if want_leading:
            self.started = self.line_number
        return super().get(want_leading, want_comment)


def _read(text: str, source: str) -> dict[str, _Node]:
    zone = dns.zone.Zone(dns.name.root, relativize=False)
    tokenizer = _Tokenizer(text, source)
    try:
        with zone.writer(True) as transaction:
            dns.zonefile.Reader(
                tokenizer,
                dns.rdataclass.IN,
                transaction,
                allow_include=False,
                default_ttl=DEFAULT_TTL,
            ).read()
    except (dns.exception.DNSException, ValueError) as error:
        reason = re.sub(rf"^{re.escape(source)}:\d+: ", "", str(error)) or type(error).__name__
        raise ZoneError(f"{source}:{tokenizer.started}: {reason}") from None
    nodes: dict[str, _Node] = {}
    for name, rdatasets in zone.nodes.items():
        node = nodes.setdefault(from_name(name).removesuffix("."), {})
        for rdataset in rdatasets:
            records = tuple(presentation(rdata) for rdata in rdataset)
            node[dns.rdatatype.to_text(rdataset.rdtype)] = records, rdataset.ttl
    return nodes
