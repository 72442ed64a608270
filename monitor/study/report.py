"""Report cards, of all senders or of some."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.findings.pools import network
from monitor.insight.cards import Card, Report
from monitor.insight.grading import Grading
from monitor.insight.questions import StudyError
from monitor.insight.sender import senders
from monitor.study.past import Past

__all__ = ["report"]


def report(past: Past, since: float, names: Sequence[str] = ()) -> Report:
    """The cards of all senders, the worst first; with ``names`` those of these, in that order.

    A name may be a sender's, that of one of its hosts or addresses, or one that mail was sent
    in: then the card is that of the host which did so most. Raises StudyError for one that
    sent nothing.
    """
    wanted = [canonical(name) for name in names]
    hosts: dict[str, Counter[str]] = {name: Counter() for name in wanted}
    grading = Grading(since, past.until)
    for record in past.records(since):
        grading.add(record)
        claimed = (record.mail_from or "").rpartition("@")[2].lower()
        if claimed in hosts:
            hosts[claimed][senders(record).host.name] += 1
    told = grading.report()
    if not wanted:
        return told
    by_name = {card.sender: card for card in told.senders}
    cards = tuple(_find(name, by_name, hosts[name]) for name in wanted)
    return msgspec.structs.replace(told, senders=cards)


def _find(name: str, by_name: Mapping[str, Card], hosts: Counter[str]) -> Card:
    for each in (name, network(name), registered(name), *(host for host, _ in hosts.most_common())):
        if each in by_name:
            return by_name[each]
    near = difflib.get_close_matches(name, by_name, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise StudyError(f"{name} sent nothing in this time{hint}")
