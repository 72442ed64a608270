"""Rates, senders, waits and suggestions."""

from __future__ import annotations

import gc
import sys
from datetime import timedelta

import msgspec
import pytest
from ui_fakes import NOW, record

from monitor.findings.catalogue import finding
from monitor.record import Message, Record
from monitor.ui.durations import ago, parse_lifetime
from monitor.ui.state.attempts import attempts_of
from monitor.ui.state.rates import KEPT, Rates
from monitor.ui.state.senders import Senders, organisation
from monitor.ui.state.suggest import suggest


def test_rates_count_by_second_and_kind() -> None:
    rates = Rates()
    for i in (0, 0, 4, 6):
        rates.add(record(i, ended=NOW, started=NOW - timedelta(milliseconds=100)))
    rates.add(record(0, ended=NOW - timedelta(seconds=2), started=NOW - timedelta(seconds=3)))
    now = NOW.timestamp()
    assert rates.series("all", now, 4) == [0, 1, 0, 4]
    assert rates.series("accepted", now, 2) == [0, 2]
    assert rates.series("deferred", now, 1) == [1]
    assert rates.series("refused", now, 1) == [1]
    assert rates.series("all", now, 2, seconds=2) == [1, 4]
    assert rates.mean(now, 1) == [100.0]
    assert rates.slowest(now, 3) == [1_000, 0, 100]


def test_rates_forget() -> None:
    rates = Rates()
    for second in range(KEPT + 50):
        rates.add(record(0, ended=NOW + timedelta(seconds=second)))
    assert sum(rates.series("all", NOW.timestamp() + KEPT + 49, KEPT + 50)) == KEPT


def test_senders_are_told_by_their_domain_or_name_or_address() -> None:
    assert organisation(record(0)) == ("good.example", 'from:"@good.example"')
    null = record(0, mail_from="")
    assert organisation(null)[0] == "mail.good.example"
    nameless = record(0, mail_from=None, client=type(null.client)(ip="192.0.2.9", port=1))
    assert organisation(nameless) == ("192.0.2.9", "ip:192.0.2.9")


def test_senders_are_counted() -> None:
    senders = Senders()
    for i in (0, 4, 12):
        senders.add(record(i))
    busiest = senders.busiest()[0]
    assert (busiest.name, busiest.volume, busiest.outcomes["deferred"]) == ("rapid.example", 2, 2)
    assert busiest.codes["retry.rapid-fire"] == 2
    assert busiest.worst["error"] == 2


def test_suggestions() -> None:
    assert suggest(record(0)) == {
        "ip": "192.0.2.10", "net": "192.0.2.0/24", "helo": "mail.good.example",
        "sender": "a@good.example", "domain": "good.example", "dkim": "good.example",
    }  # fmt: skip
    assert suggest(record(7))["net"] == "2001:db8::/64"
    null = record(0, mail_from="", message=Message(size=1, from_="Mailer <m@author.example>"))
    assert suggest(null)["sender"] == "<>"
    assert suggest(null)["domain"] == "author.example"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("for good", None), ("2h", 7_200), ("30 m", 1_800), ("1d 12h", 129_600)],
)
def test_lifetimes(text: str, seconds: float | None) -> None:
    assert parse_lifetime(text) == seconds


@pytest.mark.parametrize("text", ["2", "h", "2x", "-2h", "0h", "2h later"])
def test_wrong_lifetimes(text: str) -> None:
    with pytest.raises(ValueError, match="how long"):
        parse_lifetime(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (59, "59s"), (90, "90s"), (7_200, "2h"), (200_000, "2d")]
)
def test_spans(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_the_evidence_of_a_finding_leads_to_the_other_attempts() -> None:
    tried = [{"session": "s1", "at": 1.0}, {"session": "s2", "at": 2.0}]
    found = (
        finding("retry.too-soon", attempts=tried[:1]),
        finding("retry.rapid-fire", attempts=tried),
        finding("spf.pass", attempts=["nonsense", {"session": 7}, None]),
        finding("dkim.pass", attempts="nonsense"),
    )
    assert attempts_of(record(4, findings=found)) == ["s1", "s2"]
    assert attempts_of(record(4)) == []


def test_records_are_nothing_to_the_garbage_collector() -> None:
    """Thousands are kept, and going through them would hold up the keys."""
    told = msgspec.json.encode(record(3))
    gc.collect()
    before = len(gc.get_objects())
    kept = [msgspec.json.decode(told, type=Record) for _ in range(200)]
    gc.collect()
    tuples = 2 if sys.version_info >= (3, 14) else 0  # that C filled stay in sight there
    assert len(gc.get_objects()) - before < (tuples + 1) * len(kept)
