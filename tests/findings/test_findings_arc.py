"""ARC: the public validation suite through our path, and chains that are sealed here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import dkim
import pytest
import yaml
from mail_signing import MESSAGE, Zone, pem, record, rsa_key

from monitor.findings import arc
from monitor.findings.answers import Answer, Answers, Ask, NeedAnswer
from monitor.findings.dkim.body import digests
from monitor.findings.message import body_offset, scan

SUITE = Path(__file__).parents[3] / "shared" / "suites" / "arc-draft-validation-tests.yml"

# Case: why we differ from it.
_TERMINATED = "the draft left it open; RFC 8617 5.2 step 2: the chain fails where a seal says so"
EXCEPTIONS = {
    "cv_fail_i1_as_cv_fail": _TERMINATED,
    "cv_fail_i2_as2_fail": _TERMINATED,
    "cv_fail_i2_as1_fail": _TERMINATED,
}


def verdict(message: bytes, ask: Ask) -> arc.Verdict:
    header = scan(message)
    chain = arc.read(header)
    start = body_offset(message)
    body = message[start:] if start >= 0 else b""
    return arc.verify(chain, header, digests([body], chain.wants), ask)


def suite() -> list[Any]:
    if not SUITE.exists():
        if os.environ.get("MXTAP_REQUIRE_REAL") == "1":
            raise RuntimeError(f"{SUITE} is missing")
        return [pytest.param({}, {}, marks=pytest.mark.skip("the suite is not here"), id="none")]
    return [
        pytest.param(test, document["txt-records"], id=name)
        for document in yaml.load_all(SUITE.read_text(), yaml.CSafeLoader)
        for name, test in document["tests"].items()
    ]


@pytest.mark.parametrize(("test", "records"), suite())
def test_validation_suite(
    test: dict[str, str], records: dict[str, str], request: pytest.FixtureRequest
) -> None:
    message = re.sub(r"\r?\n", "\r\n", test["message"]).encode()
    expected = (test["cv"] or "").strip().lower()
    if request.node.callspec.id in EXCEPTIONS:
        assert expected == ""
        expected = "fail"
    assert verdict(message, Zone(*records.items())).status == expected


AAR = b"Authentication-Results: %s; spf=pass smtp.mailfrom=author.example; arc=%s\r\n"
ZONE = [(f"s._domainkey.h{n}.test", record(rsa_key())) for n in range(1, 5)]


def seal(message: bytes, handler: int) -> bytes:
    """Seal with dkimpy, as h1.test, h2.test and so on."""
    name = f"h{handler}.test".encode()
    message = AAR % (name, b"none" if handler == 1 else b"pass") + message
    fields = dkim.arc_sign(
        message,
        b"s",
        name,
        pem(rsa_key()),
        name,
        include_headers=[b"from", b"subject"],
    )
    assert fields
    return b"".join(fields) + message


@pytest.fixture(scope="module")
def chain() -> bytes:
    return seal(seal(seal(MESSAGE, 1), 2), 3)


def test_a_chain_of_three_passes(chain: bytes) -> None:
    found = verdict(chain, Zone(*ZONE))
    assert found == arc.Verdict("pass", "", ("h1.test", "h2.test", "h3.test"))
    assert arc.judge(found).code == "arc.pass"
    assert arc.judge(found).evidence["sealers"] == ["h1.test", "h2.test", "h3.test"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Bye.", b"Bye!"),
        (b"two   words", b"other words"),
        (b"i=2; h2.test", b"i=2; h9.test"),
        (b"i=2; h2.test", b"i=7; h2.test"),
        (b"i=2; h2.test", b"h2.test"),
        (b"cv=pass", b"cv=fail"),
    ],
)
def test_a_changed_chain_fails(chain: bytes, old: bytes, new: bytes) -> None:
    assert old in chain
    found = verdict(chain.replace(old, new), Zone(*ZONE))
    assert found.status == "fail"
    assert arc.judge(found).code == "arc.fail"
    assert found.detail


def test_only_the_latest_message_signature_counts(chain: bytes) -> None:
    changed = seal(chain + b"footer\r\n", 4)
    assert verdict(changed, Zone(*ZONE)).status == "pass"


def test_all_keys_are_asked_for_at_once(chain: bytes) -> None:
    with pytest.raises(NeedAnswer) as need:
        verdict(chain, Answers())
    assert {name for name, _ in need.value.questions} == {name for name, _ in ZONE[:3]}


def test_a_missing_answer_is_no_charge(chain: bytes) -> None:
    zone = Zone(*ZONE[1:])
    zone.add(Answer(name=ZONE[0][0], type="TXT", status="timeout"))
    assert arc.judge(verdict(chain, zone)).severity == "info"


def test_no_chain() -> None:
    assert arc.judge(verdict(MESSAGE, Answers())).code == "arc.none"


def test_chains_are_bounded() -> None:
    many = b"".join(
        b"%s: i=%d; x\r\n" % (name, n)
        for n in range(1, 60)
        for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
    )
    assert arc.read(scan(many + MESSAGE)).fault
    long = b"ARC-Seal: i=1; " + b"x" * arc.MAX_BYTES + b"\r\n"
    assert arc.read(scan(long + MESSAGE)).fault == "the header is too long"
