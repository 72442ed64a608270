"""DMARC aggregate reports (RFC 9990 3.1): the facts at the start of the XML."""

from __future__ import annotations

from xml.parsers import expat

__all__ = ["read"]

MAX_XML = 64 * 1024  # bytes that are parsed: the facts stand first, and callbacks are slow
MAX_DEPTH = 20
MAX_TEXT = 500  # characters of one element

_WANTED = {
    ("feedback", "report_metadata", "org_name"): "organization",
    ("feedback", "report_metadata", "report_id"): "report_id",
    ("feedback", "report_metadata", "date_range", "begin"): "begin",
    ("feedback", "report_metadata", "date_range", "end"): "end",
    ("feedback", "policy_published", "domain"): "domain",
}


class _Refused(Exception):
    """The document does what no report does."""


def read(xml: bytes) -> dict[str, str | int] | None:
    """The report's facts; None where this is no aggregate report.

    The text may be cut off, here as well: "records" counts what was read. A document type
    declaration is refused, and with it every entity that could grow.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(xml[:MAX_XML], False)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        if not reader.facts:
            return None
    if "domain" not in reader.facts or "report_id" not in reader.facts:
        return None
    facts: dict[str, str | int] = {key: text.strip() for key, text in reader.facts.items()}
    return {**facts, "records": reader.records}


class _Reader:
    def __init__(self) -> None:
        self.path: list[str] = []
        self.facts: dict[str, str] = {}
        self.records = 0

    def start(self, name: str, _: dict[str, str]) -> None:
        if len(self.path) >= MAX_DEPTH:
            raise _Refused
        self.path.append(name.rpartition(" ")[2])
        if self.path == ["feedback", "record"]:
            self.records += 1

    def end(self, _: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        key = _WANTED.get(tuple(self.path))
        if key:
            self.facts[key] = (self.facts.get(key, "") + data)[:MAX_TEXT]

    def doctype(self, *_: object) -> None:
        raise _Refused
