"""Completion offers names, then values, and puts them in their place."""

from __future__ import annotations

from monitor.filter import complete, parse, replace
from monitor.findings.catalogue import CATALOGUE


def test_names_come_with_their_operator() -> None:
    assert complete("fr", 2) == ["from:"]
    assert complete("spf:fail se", 11) == ["sev>="]
    assert complete("(ag", 3) == ["age<"]
    assert "or" in complete("a o", 3)
    assert {"from:", "finding:", "not"} <= set(complete("", 0))


def test_values_of_closed_sets_are_offered() -> None:
    assert complete("sev>=w", 6) == ["sev>=warning"]
    assert complete("by:", 3) == ["by:upstream", "by:mxtap"]
    assert complete("tls:n", 5) == ["tls:none"]
    assert complete("from:someone", 12) == []


def test_codes_come_from_the_catalogue(monkeypatch) -> None:
    for code in ("retry.too-soon", "retry.immediate", "spf.fail"):
        if code not in CATALOGUE:
            monkeypatch.setitem(CATALOGUE, code, None)
    assert complete("finding:retry", 13)[0] == "finding:retry.*"
    assert "finding:retry.too-soon" in complete("finding:retry", 13)
    assert "spf:fail" in complete("spf:f", 5)


def test_what_stands_there_already_is_not_offered() -> None:
    assert complete("by:mxtap", 8) == []


def test_only_the_word_before_the_cursor_is_replaced() -> None:
    text, cursor = replace("not (se x", 7, "sev>=")
    assert (text, cursor) == ("not (sev>= x", 10)


def test_every_offer_can_be_gone_on_with() -> None:
    for name in complete("", 0):
        for choice in complete(name, len(name)):
            parse(choice)
