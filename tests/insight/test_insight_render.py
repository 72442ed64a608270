"""Report cards as text, HTML and CSV: what came from outside stays data in all of them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from html.parser import HTMLParser

import msgspec
from conversation import World
from hypothesis import given
from hypothesis import strategies as st
from insight_history import letter, report

from monitor.insight.cards import Report
from monitor.insight.render.page import to_html
from monitor.insight.render.table import to_csv
from monitor.insight.render.text import compared, details, overview


def _plain() -> Report:
    world = World()
    for number in range(4):
        letter(world, "dkim.none", "dmarc.fail")
        letter(world, "dmarc.pass", spf="good.example", dkim="good.example", secure=number > 1)
    return report(world)


PLAIN = _plain()


def spoilt(text: str) -> Report:
    """The report with hostile text wherever something of the network's stands."""

    def spoil(card):
        subjects = {
            name: msgspec.structs.replace(
                told,
                points=tuple(
                    msgspec.structs.replace(
                        point,
                        evidence=tuple(
                            msgspec.structs.replace(seen, transaction=text, session=text)
                            for seen in point.evidence
                        ),
                    )
                    for point in told.points
                ),
            )
            for name, told in card.subjects.items()
        }
        return msgspec.structs.replace(card, sender=text, networks=(text,), subjects=subjects)

    return msgspec.structs.replace(PLAIN, senders=tuple(map(spoil, PLAIN.senders)))


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @classmethod
    def of(cls, page: str) -> Tags:
        parsed = cls()
        parsed.feed(page)
        parsed.close()
        assert not parsed.open
        return parsed


HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><h1>",
        "' onmouseover='x",
        "&lt;b&gt;",
        "]]><!--",
        "\x1b[2J\u202egpj.exe",
        "\ud800",
    ]
)


@given(HOSTILE)
def test_hostile_text_makes_no_markup(text: str) -> None:
    found, plain = Tags.of(to_html(spoilt(text), 10)), Tags.of(to_html(PLAIN, 10))
    assert found.tags == plain.tags
    assert found.links == plain.links
    shown = "".join(found.text)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", shown
    )


@given(HOSTILE)
def test_hostile_text_never_reaches_a_terminal(text: str) -> None:
    hostile = spoilt(text)
    lines = [*overview(hostile, 10), *details(hostile.senders[0]), *compared(*hostile.senders)]
    assert all(line.isprintable() for line in lines)
    assert len(list(overview(hostile, 10))) == len(list(overview(PLAIN, 10)))


@given(HOSTILE)
def test_hostile_text_is_one_cell_and_no_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(spoilt(text)))))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 1 + len(PLAIN.senders)
    assert all(row[0][:1] not in ("=", "+", "-", "@", "\t") for row in rows)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = to_html(PLAIN, 10)
    found = Tags.of(page)
    assert {link[0] for link in found.links} == {"#"}
    ids = set(re.findall(r' id="([^"]+)"', page))
    assert {link[1:] for link in found.links} == ids
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)
    assert "default-src &#x27;none&#x27;" in page
    assert Counter(tag for tag, _ in found.tags)["svg"] == 1 + len(PLAIN.senders)
    assert "@media print" in page


def test_the_page_tells_points_rows_and_records() -> None:
    text = "".join(Tags.of(to_html(PLAIN, 10)).text)
    [point] = [
        p for p in PLAIN.senders[0].subjects["authentication"].points if p.code == "dkim.none"
    ]
    assert f"-{point.lost:g}" in text
    assert point.evidence[0].transaction in text
    assert "conduct.smuggling" in text  # of the table of the grades
    assert "1 worst are shown" in "".join(Tags.of(to_html(PLAIN, 1)).text)


def test_the_form_of_the_json_is_stable() -> None:
    told = msgspec.to_builtins(PLAIN)
    assert set(told) == {"v", "since", "until", "records", "senders", "others", "enough", "agree",
                         "grades", "rules"}  # fmt: skip
    card = told["senders"][0]
    assert set(card) == {
        "sender",
        "proof",
        "grade",
        "score",
        "first",
        "last",
        "records",
        "messages",
        "deferred",
        "refused",
        "networks",
        "subjects",
        "trend",
    }
    assert set(card["subjects"]) == {"authentication", "retry", "conduct", "tls", "routing"}
    subject = card["subjects"]["authentication"]
    assert set(subject) == {"grade", "score", "cases", "points"}
    assert set(subject["points"][0]) == {
        "code",
        "severity",
        "title",
        "advice",
        "reference",
        "points",
        "cases",
        "counted",
        "lost",
        "evidence",
    }
    assert set(subject["points"][0]["evidence"][0]) == {"at", "transaction", "session"}
    assert set(card["trend"][0]) == {"since", "records", "score", "subjects"}
    assert set(told["others"]) == {"senders", "records"}
    assert msgspec.json.decode(msgspec.json.encode(PLAIN), type=Report) == PLAIN


def test_two_senders_beside_each_other() -> None:
    text = "\n".join(compared(*PLAIN.senders))
    assert re.search(r"Authentication +F +\d+ +n=4 +A +100 +n=4", text)
    assert "only sender.example: dmarc.fail (-40), dkim.none (-30)" in text
