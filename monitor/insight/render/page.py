"""Report cards as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

from monitor.insight.cards import Card, Point, Report, SubjectCard
from monitor.insight.render.markup import Html, join, raw, tag
from monitor.insight.render.plots import distribution, trend
from monitor.insight.render.words import LABELS, costliest, letter, number, reason, share, when
from monitor.insight.rules import SUBJECTS, Subject

__all__ = ["to_html"]

STYLE = raw("""
:root { color-scheme: light dark; --soft: #8884; --good: #2a7d4f; --fair: #a36a00; --bad: #b3261e }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin: 0 }
h3 { font-size: 1rem; margin: .8rem 0 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--soft) }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums }
.g { display: inline-block; min-width: 1.5em; text-align: center; font-weight: 700; color: #fff;
  border-radius: .25em; background: #777; print-color-adjust: exact }
.gA, .gB { background: var(--good); fill: var(--good) }
.gC, .gD { background: var(--fair); fill: var(--fair) }
.gF { background: var(--bad); fill: var(--bad) }
.card { border: 1px solid var(--soft); border-radius: .5em; padding: 1rem; margin: 1rem 0;
  break-inside: avoid-page }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }
.soft { opacity: .75 } .id { font: .85em ui-monospace, monospace; overflow-wrap: anywhere }
ul { margin: .2rem 0; padding-left: 1.2rem }
svg { max-width: 100%; height: auto } svg text { font: 12px system-ui; fill: currentColor }
svg .small { font-size: 8px; opacity: .7 } svg .level { stroke: var(--soft) }
svg .run { fill: none; stroke: currentColor; stroke-width: 1.5 } svg .dot { fill: currentColor }
svg .bar { fill: #777 } svg .gA, svg .gB { fill: var(--good) }
svg .gC, svg .gD { fill: var(--fair) } svg .gF { fill: var(--bad) }
@media print { body { margin: 0; font-size: 11px } a { color: inherit; text-decoration: none } }
""")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(report: Report, limit: int, *, beside: bool = False) -> str:
    """The page: an overview, the ``limit`` worst cards, the table of the grades.

    ``beside`` puts two cards beside each other.
    """
    shown = report.senders[:limit]
    cards = [_card(number, card) for number, card in enumerate(shown)]
    title = "Report cards of senders"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width"),
        tag("title", title),
        tag("style", STYLE),
    )
    body = tag(
        "body",
        tag("h1", title),
        tag(
            "p",
            f"{when(report.since)} to {when(report.until)} UTC, {report.records:,} records, "
            f"{len(report.senders):,} senders, the worst first.",
            f" The {len(shown):,} worst are shown." if len(shown) < len(report.senders) else "",
        ),
        distribution(report.senders),
        _overview(shown),
        tag("div", *cards, class_="pair") if beside else join(*cards),
        _table(report),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def _overview(cards: tuple[Card, ...]) -> Html:
    heads = [tag("th", "Sender"), tag("th", "Records", class_="n"), tag("th", "Grade")]
    heads += [tag("th", LABELS[subject]) for subject in SUBJECTS]
    heads.append(tag("th", "What costs most"))
    rows = []
    for number_, card in enumerate(cards):
        worst = next((point.title for point in costliest(card) if point.lost), "")
        cells = [
            tag("td", tag("a", card.sender, href=f"#s{number_}")),
            tag("td", f"{card.records:,}", class_="n"),
            tag("td", _grade(card)),
        ]
        cells += [tag("td", _grade(card.subjects[subject])) for subject in SUBJECTS]
        rows.append(tag("tr", *cells, tag("td", worst)))
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))


def _grade(card: Card | SubjectCard) -> Html:
    return tag("span", letter(card), class_=f"g g{card.grade or ''}")


def _card(number_: int, card: Card) -> Html:
    return tag(
        "section",
        tag("h2", _grade(card), " ", card.sender),
        tag(
            "p",
            f"{number(card.score)} of 100; known by {card.proof}; {card.records:,} records from "
            f"{when(card.first)} to {when(card.last)} UTC: {card.messages:,} accepted, "
            f"{card.deferred:,} deferred, {card.refused:,} refused; from "
            f"{', '.join(card.networks)}.",
            class_="soft",
        ),
        trend(card.trend),
        *(_subject(subject, card.subjects[subject]) for subject in SUBJECTS),
        class_="card",
        id=f"s{number_}",
    )


def _subject(subject: Subject, card: SubjectCard) -> Html:
    told = f" {number(card.score)} of 100," if card.grade else ""
    head = tag(
        "h3",
        _grade(card),
        f" {LABELS[subject]}",
        tag("span", f"{told} {reason(subject, card)}", class_="soft"),
    )
    return join(head, tag("ul", *(_point(point, card) for point in card.points)))


def _point(point: Point, card: SubjectCard) -> Html:
    seen = ", ".join(f"{e.at:%Y-%m-%d %H:%M:%S} {e.transaction}" for e in point.evidence)
    return tag(
        "li",
        tag("b", f"-{point.lost:g}" if point.counted else "0"),
        f" {point.title} ({point.code}, {share(point, card)}). {point.advice} ",
        tag("span", point.reference, class_="soft"),
        tag("div", f"For example: {seen}", class_="id soft"),
    )


def _table(report: Report) -> Html:
    letters = ", ".join(f"{grade} from {least:g}" for grade, least in report.grades)
    rows = [
        tag(
            "tr",
            tag("td", LABELS[rule.subject]),
            tag("td", rule.code),
            tag("td", rule.least),
            tag("td", f"not beside {rule.unless}" if rule.unless else ""),
            tag("td", str(rule.points), class_="n"),
        )
        for rule in report.rules
    ]
    return join(
        tag("h2", "How grades are made"),
        tag(
            "p",
            "A subject has 100 points; each fault takes its points times the share of the cases "
            f"that show it. What is left gives the grade: {letters}. Without {report.enough} cases "
            "there is no grade. A fault of retries counts where "
            f"{report.agree} deliveries and half of all agree on it. The grade of a sender is that "
            "of the middle between the mean of its subjects and the worst of them.",
        ),
        tag(
            "table",
            tag(
                "thead",
                tag("tr", *(tag("th", h) for h in ("Subject", "Finding", "From", "", "Points"))),
            ),
            tag("tbody", *rows),
        ),
    )
