"""check_host() of RFC 7208 4, by pyspf, over answers in hand.

pyspf reads and matches records. What it asks the DNS, how it counts that, and what of it
does not stand up to a hostile record is replaced here.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec
import spf as pyspf

from monitor.findings.answers import Answer, Ask, ask_all
from monitor.findings.spf.fixed import FIXED, Valid, forms, valid
from monitor.findings.spf.lookup import domain_of, is_name, record_of, records_in
from monitor.text import printable, unescape

__all__ = ["MAX_LOOKUPS", "Evaluation", "Result", "evaluate"]

Result = Literal["pass", "neutral", "softfail", "fail", "none", "temperror", "permerror"]

MAX_LOOKUPS = 10  # RFC 7208 4.6.4, as are the next three
MAX_VOID_LOOKUPS = 2
MAX_MX = 10
MAX_PTR = 10
MAX_TERM = 512  # octets; pyspf's expressions are quadratic in them
MAX_RECORD = 8_192  # octets, and of all records of an evaluation:
MAX_RECORDS = 32_768

_PERSONAL = re.compile(r"%\{[ls]", re.IGNORECASE)  # RFC 7208 7.2: sender and local part


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one identity, and how it came about. Text is printable."""

    result: Result
    domain: str
    record: str = ""
    mechanism: str = ""  # the term that matched; "" where none did (the default result)
    lookups: int = 0
    void_lookups: int = 0
    missing: tuple[str, ...] = ()  # names that the record uses and that do not exist
    problem: str = ""  # why it is temperror or permerror
    fault: str = ""  # the code of the finding about the record that a permerror comes from
    explanation: str = ""  # of the domain's own (exp=), where the result is fail
    personal: bool = False  # another local part could have come to another result


class _Explanation(NamedTuple):
    """An exp= that is looked up only when it is needed."""

    spec: str
    domain: str


def evaluate(ip: str, sender: str, helo: str, ask: Ask) -> Evaluation:
    """The result for ``sender``, or for the HELO identity where it is "" (RFC 7208 2.3, 2.4).

    Raises NeedAnswer.
    """
    domain = domain_of(sender or helo)
    if not domain:
        return Evaluation(result="none", domain="")
    answer = ask(domain, "TXT")
    if not answer.failed and not records_in(answer):
        return Evaluation(result="none", domain=_plain(domain))
    local = sender.rpartition("@")[0] or "postmaster"
    return _Query(ip, local, domain, helo, ask).evaluation()


class _Query(pyspf.query):  # type: ignore[misc]
    """A pyspf query that asks nobody by itself."""

    def __init__(self, ip: str, local: str, domain: str, helo: str, ask: Ask) -> None:
        super().__init__(ip, f"{local}@{domain}", helo)
        self.l, self.o, self.d = local, domain, domain  # pyspf splits at the first "@"
        self.t = "0"  # a replay has to give the same explanation
        self._ask = ask
        self._domain = domain
        self._family = socket.AF_INET6 if self.v == "ip6" else socket.AF_INET
        self._address = int(self.ipaddr)
        self._record = ""
        self._octets = 0
        self._fault = "spf.record-syntax"
        self._personal = False
        self._exists: set[str] = set()
        self._missing: dict[str, None] = {}

    def evaluation(self) -> Evaluation:
        """Evaluate, as far as the answers go. Raises NeedAnswer."""
        try:
            result, _, text = self.check()
        except ValueError as error:  # pyspf met text that it cannot encode
            result, text, self.prob = "permerror", "", str(error)
        failed = result in ("permerror", "temperror")
        return Evaluation(
            result=result,
            domain=_plain(self._domain),
            record=printable(self._record, 1_000),
            mechanism=printable(self.mechanism or "", 200),
            lookups=self.lookups,
            void_lookups=self.void_lookups,
            missing=tuple(self._missing),
            problem=printable(str(self.perm_error or self.prob), 300) if failed else "",
            fault=self._fault if result == "permerror" else "",
            explanation=self._explain(text) if result == "fail" else "",
            personal=self._personal,
        )

    def set_ip(self, i: str) -> None:
        # As pyspf does, and parsed once.
        self.iplist = False
        self.ipaddr, self.c, self.i = forms(i)
        self.A, self.v, self.cidrmax = (
            ("A", "in-addr", 32) if self.ipaddr.version == 4 else ("AAAA", "ip6", 128)
        )

    # What the DNS says

    def dns(
        self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False
    ) -> list[Any]:
        if not is_name(name):
            return []
        answer = self._ask(name, qtype)
        if answer.failed:
            raise pyspf.TempError(f"{answer.status} for {qtype} of {answer.name}")
        if not answer.records and not ignore_void:
            self._void(answer)
        if qtype == "MX":
            pairs = (record.split(" ", 1) for record in answer.records)
            return [(int(preference), host) for preference, host in pairs]
        return list(answer.records)

    def _void(self, answer: Answer) -> None:
        meant = answer.name in self._exists or answer.type == "PTR"
        if answer.status == "nxdomain" and not meant:
            self._missing[answer.name] = None
        self.void_lookups += 1
        if self.void_lookups > MAX_VOID_LOOKUPS:
            self._fault = "spf.void-lookups"
            raise pyspf.PermError(f"more than {MAX_VOID_LOOKUPS} void lookups")

    def dns_spf(self, domain: str) -> str | None:
        if not is_name(domain):
            return None
        records = record_of(domain, self._ask)
        top, self._record = not self._record, self._record or "".join(records[:1])
        if len(records) > 1:
            self._fault = "spf.multiple-records"
            raise pyspf.PermError(f"{len(records)} SPF records at {domain}")
        record = unescape(records[0]) if records else b""
        if not records and not top:
            self._fault = ""  # an include or redirect that leads nowhere is no syntax error
        self._octets += len(record)
        if len(record) > MAX_RECORD or self._octets > MAX_RECORDS:
            raise pyspf.PermError(f"SPF record of more than {MAX_RECORD} octets")
        try:
            return record.decode("ascii") if records else None
        except UnicodeDecodeError:
            raise pyspf.PermError(f"SPF record of {domain} is not ASCII") from None

    def dns_mx(self, domainname: str) -> list[str]:
        hosts = sorted(self.dns(domainname, "MX"))
        if len(hosts) > MAX_MX:
            self._fault = "spf.too-many-lookups"
            raise pyspf.PermError(f"more than {MAX_MX} MX hosts")
        addresses: list[str] = []
        for answer in self._addresses([host for _, host in hosts if host != "."]):
            if answer.failed:
                raise pyspf.TempError(f"{answer.status} for {self.A} of {answer.name}")
            addresses += answer.records
        return addresses

    def validated_ptrs(self) -> list[str]:
        # RFC 7208 5.5: DNS errors here mean no match, and ten names are enough.
        try:
            names = self.dns_ptr(self.i)[:MAX_PTR]
        except pyspf.TempError:
            return []
        answers = self._addresses(names)
        return [answer.name for answer in answers if self.cidrmatch(answer.records, self.cidrmax)]

    def _addresses(self, names: Iterable[str]) -> list[Answer]:
        return ask_all(self._ask, [(name, self.A) for name in names if is_name(name)])

    def check_lookups(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            self._fault = "spf.too-many-lookups"
            raise pyspf.PermError(f"more than {MAX_LOOKUPS} DNS lookups")

    # What the record says

    def validate_mechanism(self, mech: str) -> Valid:
        if len(mech) > MAX_TERM:
            raise pyspf.PermError("term too long", mech[:40])
        if FIXED.fullmatch(mech):
            return valid(mech)
        term: Valid = super().validate_mechanism(mech)
        if term[1] == "exists":
            self._exists.add(term[2].lower())  # made to be void for most clients
        return term

    def expand_domain(self, arg: str) -> str:
        if len(arg) > MAX_TERM:
            raise pyspf.PermError("domain too long", arg[:40])
        return str(super().expand_domain(arg))

    def expand(self, s: str, stripdot: bool = True) -> str:
        if "%" not in s and len(s) < 254:
            return s.removesuffix(".") if stripdot else s
        if len(s) > MAX_TERM:
            raise pyspf.PermError("text with macros too long", s[:40])
        if _PERSONAL.search(s):
            self._personal = True
        return str(super().expand(s, stripdot))

    def cidrmatch(self, ipaddrs: Iterable[str], n: int) -> bool:
        shift = self.cidrmax - n
        client = self._address >> shift
        return any(self._number(text) >> shift == client for text in ipaddrs)

    def _number(self, address: str) -> int:
        return int.from_bytes(socket.inet_pton(self._family, address), "big")

    def get_explanation(self, spec: str) -> _Explanation:
        # pyspf fetches it whatever the result, in a try that would swallow NeedAnswer.
        return _Explanation(spec, self.d)

    def _explain(self, text: object) -> str:
        if not isinstance(text, _Explanation):
            return ""
        self.d = text.domain
        try:
            records = self.dns(text.spec, "TXT", ignore_void=True)
            said = unescape(records[0]).decode("ascii") if len(records) == 1 else ""
            return printable(self.expand(said, stripdot=False), 500)
        except (pyspf.PermError, pyspf.TempError, ValueError):  # RFC 7208 6.2: as if not given
            return ""


def _plain(domain: str) -> str:
    return domain.rstrip(".").lower()
