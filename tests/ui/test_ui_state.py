"""Rates, senders, waits and suggestions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ui_fakes import NOW, record

from monitor.events import Verdict
from monitor.record import Message, Recipient
from monitor.ui.durations import ago, parse_lifetime
from monitor.ui.state.rates import KEPT, Rates
from monitor.ui.state.senders import Senders, organisation
from monitor.ui.state.suggest import suggest
from monitor.ui.state.waiting import Waiting


def test_rates_count_by_second_and_kind() -> None:
    rates = Rates()
    for i in (0, 0, 4, 6):
        rates.add(record(i, ended=NOW, started=NOW - timedelta(milliseconds=100)))
    rates.add(record(0, ended=NOW - timedelta(seconds=2)))
    now = NOW.timestamp()
    assert rates.series("all", now, 4) == [0, 1, 0, 4]
    assert rates.series("accepted", now, 2) == [0, 2]
    assert rates.series("deferred", now, 1) == [1]
    assert rates.series("refused", now, 1) == [1]
    assert rates.series("all", now, 2, seconds=2) == [1, 4]
    assert rates.latency(now, 1) == [100.0]


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


OK = Verdict(code=250, reply="2.0.0 Ok", phase="eod", by="upstream")


def test_a_wait_begins_with_4xx_and_ends_with_2xx_or_5xx() -> None:
    waiting = Waiting()
    waiting.add(record(4))
    waiting.add(record(12))
    [wait] = waiting.longest()
    assert (wait.mail_from, wait.rcpt, wait.count, wait.code) == (
        "bulk@rapid.example", "z@home.example", 2, 450,
    )  # fmt: skip
    assert (wait.since, wait.last) == (record(4).ended, record(12).ended)
    rcpt = Recipient("z@home.example", 250, "2.1.5 Ok")
    waiting.add(record(20, rcpts=(rcpt,), verdict=OK))
    assert not waiting.longest()


def test_a_message_deferred_after_data_waits_too() -> None:
    waiting = Waiting()
    later = Verdict(code=451, reply="4.3.0 Try later", phase="eod", by="upstream")
    waiting.add(record(0, verdict=later))
    assert waiting.longest()[0].reply == "4.3.0 Try later"


def test_an_accepted_recipient_without_a_message_is_no_delivery() -> None:
    waiting = Waiting()
    waiting.add(record(4))
    rcpt = Recipient("z@home.example", 250, "2.1.5 Ok")
    gone = Verdict(code=250, reply="2.1.5 Ok", phase="rcpt", by="upstream")
    waiting.add(record(12, rcpts=(rcpt,), verdict=gone))
    assert len(waiting.longest()) == 1


def test_a_retry_from_the_same_network_is_the_same_wait() -> None:
    waiting = Waiting()
    waiting.add(record(4))
    other = type(record(4).client)(ip="203.0.113.250", port=1)
    waiting.add(record(12, client=other))
    assert waiting.longest()[0].count == 2


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
