"""If DMARC, SPF or the length of DKIM keys were enforced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from monitor.insight.whatif.scenario import Case, Effect, Kind, Scenario, accepted, has
from monitor.record import Record

__all__ = ["DkimBits", "Dmarc", "Spf"]

Level = Literal["reject", "quarantine"]


class Dmarc(Scenario):
    """The author domain's own policy is honoured, up to ``level``."""

    assumptions = ("A domain with policy none, or without a policy, loses nothing.",)

    def __init__(self, name: str, level: Level) -> None:
        super().__init__(name)
        self.title = (
            "mail that fails DMARC is refused or put aside, as its author's domain asks"
            if level == "reject"
            else "mail that fails DMARC is put aside where its author's domain asks for that"
        )
        self._kinds: dict[str, Kind] = {
            "reject": "lost" if level == "reject" else "quarantined",
            "quarantine": "quarantined",
        }

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        failed = next((f for f in record.findings if f.code == "dmarc.fail"), None)
        if failed is None or not accepted(record):
            return
        kind = self._kinds.get(str(failed.evidence.get("policy")))
        if kind is None:
            self.notes["fail, and the policy asks for nothing"] += 1
            return
        if has(record, "dmarc.list-broke-it"):
            self.notes["broken by a mailing list"] += 1
        yield Effect(case, kind)


class Spf(Scenario):
    """Refused where SPF says fail."""

    title = "mail is refused where SPF says fail"

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        if accepted(record) and has(record, "spf.fail"):
            if has(record, "dmarc.pass"):
                self.notes["of the author all the same, by DKIM"] += 1
            yield Effect(case, "lost")


class DkimBits(Scenario):
    """Refused where no valid signature has a key that is long enough."""

    assumptions = ("Mail without a valid signature is not touched.",)

    def __init__(self, name: str, bits: int) -> None:
        super().__init__(name)
        self.title = f"signed mail is refused where no valid key has {bits} bits"
        self._bits = bits

    def judge(self, record: Record, case: Case) -> Iterable[Effect]:
        """See :class:`Scenario`."""
        valid = [found.evidence for found in record.findings if found.code == "dkim.pass"]
        if valid and accepted(record) and not any(map(self._long, valid)):
            yield Effect(case, "lost")

    def _long(self, evidence: dict[str, Any]) -> bool:
        bits = evidence.get("bits")
        return str(evidence.get("algorithm")).startswith("ed25519") or (
            not isinstance(bits, int) or bits >= self._bits
        )
