"""The catalogue is an interface: every code is there, and says what it has to."""

from __future__ import annotations

import re

import pytest

from monitor.findings.catalogue import CATALOGUE, finding

TEXT = """
spf.pass spf.neutral spf.softfail spf.fail spf.none spf.temperror spf.permerror
spf.mx-not-sender spf.too-many-lookups spf.void-lookups spf.multiple-records spf.plus-all
spf.ptr-used spf.record-syntax
dkim.none dkim.pass dkim.fail-body dkim.fail-signature dkim.malformed dkim.no-key
dkim.key-revoked dkim.key-malformed dkim.expired dkim.temperror dkim.key-short dkim.key-1024
dkim.key-unprotected dkim.sha1 dkim.length-tag dkim.testing dkim.from-unsigned
dkim.author-domain dkim.third-party dkim.atps dkim.too-many-signatures
dmarc.pass dmarc.fail dmarc.none dmarc.temperror dmarc.permerror dmarc.spf-failed-dkim-saved
dmarc.list-broke-it dmarc.policy-none dmarc.report-unauthorised dmarc.record-syntax
arc.pass arc.fail arc.none
report.dmarc report.tls report.arf report.loop report.refused
retry.after-permanent retry.immediate retry.too-soon retry.rapid-fire retry.gave-up
retry.host-rotation retry.rotation-no-delay retry.disciplined
greylist.deferred greylist.too-early greylist.passed greylist.known greylist.auto-allowed
greylist.timer-reset
conduct.data-after-no-recipients conduct.ignored-rejection conduct.ignored-shutdown
conduct.early-talker conduct.unannounced-pipelining conduct.no-quit conduct.bad-sequence
conduct.unknown-commands conduct.not-smtp conduct.bare-newline conduct.smuggling
conduct.line-too-long conduct.null-byte conduct.8bit-unannounced conduct.helo-syntax
conduct.helo-mismatch conduct.helo-is-us
tls.ok tls.none tls.no-shared-cipher tls.handshake-failed tls.plaintext-fallback
tls.old-protocol tls.weak-cipher tls.mta-sts-would-refuse tls.starttls-injection
route.recipient-not-ours route.recipient-no-mx route.recipient-null-mx route.sender-no-mx
route.sender-null-mx route.sender-unreachable rdns.none rdns.mismatch
list.banned list.allowed
relay.upstream-down relay.upstream-timeout relay.check-failed relay.too-large relay.limit
relay.commit-unknown relay.accepted-unacknowledged
"""
PUBLISHED = tuple(TEXT.split())


def test_every_published_code_is_in_the_catalogue():
    assert set(PUBLISHED) <= set(CATALOGUE)


def test_no_code_is_unlisted():
    assert set(CATALOGUE) <= set(PUBLISHED)


@pytest.mark.parametrize("code", PUBLISHED)
def test_entry_is_complete(code):
    entry = CATALOGUE[code]
    assert entry.title
    assert re.fullmatch(r"RFC \d+ [\d.]+", entry.reference)
    assert len(entry.title) <= 60


@pytest.mark.parametrize("code", PUBLISHED)
def test_advice_is_one_sentence_where_something_is_wrong(code):
    entry = CATALOGUE[code]
    if entry.severity == "good":
        assert entry.advice == ""
    elif entry.severity in ("notice", "warning", "error"):
        assert entry.advice.endswith(".")
        assert len(entry.advice) <= 100


@pytest.mark.parametrize("code", PUBLISHED)
def test_meaning_tells_the_operator_something_else_than_the_advice(code):
    entry = CATALOGUE[code]
    assert entry.meaning.endswith((".", "?"))
    assert 20 <= len(entry.meaning) <= 160
    assert entry.meaning != entry.advice


def test_finding_takes_severity_from_the_catalogue_unless_told():
    assert finding("spf.fail").severity == "error"
    told = finding("spf.fail", "why", severity="notice", ip="192.0.2.1")
    assert (told.severity, told.detail, told.evidence) == ("notice", "why", {"ip": "192.0.2.1"})


def test_an_unknown_code_is_refused():
    with pytest.raises(KeyError):
        finding("spf.unheard-of")
