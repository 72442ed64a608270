"""The RFC 7208 conformance suite, through our own path: our resolver, settling, and pyspf."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.checks.settle import Inquiry
from monitor.findings.answers import Answer, canonical
from monitor.findings.spf.evaluate import Evaluation, evaluate
from monitor.text import escape

SUITE = Path(__file__).parents[3] / "shared" / "suites" / "rfc7208-tests.yml"

# Cases in which we differ from every result that the suite allows, and why.
EXCEPTIONS: dict[str, str] = {}


class SuiteZone:
    """The suite's zone, that has nothing at hand: each question takes NeedAnswer."""

    def __init__(self, data: dict[str, list[Any]]) -> None:
        self._zone = {canonical(str(name)): entries for name, entries in data.items()}

    def left(self, questions) -> float:
        return 0.0

    def known(self, name: str, rdtype: str) -> None:
        return None

    async def answer(self, name: str, rdtype: str) -> Answer:
        at = canonical(name)
        for _ in range(10):
            entries = self._zone.get(at)
            if entries is None:
                return Answer(name=canonical(name), type=rdtype, status="nxdomain")
            records = _records(entries, rdtype)
            if records:
                return Answer(name=canonical(name), type=rdtype, status="ok", records=records)
            if "TIMEOUT" in entries:
                return Answer(name=canonical(name), type=rdtype, status="timeout")
            alias = [e["CNAME"] for e in entries if isinstance(e, dict) and "CNAME" in e]
            if not alias:
                return Answer(name=canonical(name), type=rdtype, status="nodata")
            at = canonical(alias[0])
        return Answer(name=canonical(name), type=rdtype, status="servfail")


def _records(entries: list[Any], rdtype: str) -> tuple[str, ...]:
    """The suite's drivers copy SPF (type 99) records to TXT where there are no TXT of its own."""
    pairs = [next(iter(e.items())) for e in entries if isinstance(e, dict)]
    found = [value for kind, value in pairs if kind == rdtype]
    if rdtype == "TXT" and not found:
        found = [value for kind, value in pairs if kind == "SPF"]
    return tuple(_form(rdtype, value) for value in found if value != "NONE")


def _form(rdtype: str, value: Any) -> str:
    if rdtype == "TXT":
        strings = value if isinstance(value, list) else [value]
        return escape("".join(strings).encode("latin-1"))
    if rdtype == "MX":
        return f"{value[0]} {canonical(value[1]) or '.'}"
    return canonical(value) if rdtype == "PTR" else str(value)


def _cases() -> list[Any]:
    if not SUITE.exists():
        return []
    found = []
    for section in yaml.safe_load_all(SUITE.read_text("utf-8")):
        zone = SuiteZone(section["zonedata"])
        for name, test in section["tests"].items():
            found.append(pytest.param(zone, test, id=name))
    return found


def _evaluate(zone: SuiteZone, test: dict[str, Any]) -> Evaluation:
    async def settle() -> Evaluation:
        deadline = asyncio.get_running_loop().time() + 60
        inquiry = Inquiry(zone, questions=1_000, deadline=deadline)
        return await inquiry.settle(
            lambda ask: evaluate(test["host"], test["mailfrom"] or "", test["helo"], ask)
        )

    return asyncio.run(settle())


def test_the_suite_is_there(require):
    require(SUITE.exists(), f"{SUITE.name} is not there")
    assert len(_cases()) > 190


@pytest.mark.parametrize(("zone", "test"), _cases())
def test_case(zone, test, request):
    allowed = test["result"] if isinstance(test["result"], list) else [test["result"]]
    evaluation = _evaluate(zone, test)
    name = request.node.callspec.id
    if name in EXCEPTIONS:
        assert evaluation.result not in allowed, f"{name} passes now: take it off the list"
        pytest.skip(EXCEPTIONS[name])
    assert evaluation.result in allowed, evaluation
    wanted = test.get("explanation")
    if wanted and evaluation.result == "fail":
        assert evaluation.explanation == ("" if wanted == "DEFAULT" else wanted)
