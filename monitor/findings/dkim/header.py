"""What a signature covers of the header (RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.findings.dkim.body import Canon, collapse
from monitor.findings.dkim.syntax import Signature
from monitor.findings.message import Field, Header

__all__ = ["Forms", "relaxed", "signed_data", "without_value"]

Forms = dict[bytes, list[bytes]]  # relaxed, by name, from the bottom; once for all signatures

_VALUE = re.compile(rb";[ \t\r\n]*+b[ \t\r\n]*+=([^;]*+)")


def signed_data(signature: Signature, header: Header, forms: Forms) -> bytes:
    """The octets under b=: the fields of h=, from the bottom up, and the field itself."""
    names = signature.signed
    if signature.header_canon == "relaxed":
        for name in names:
            if name not in forms:
                forms[name] = [relaxed(field) for field in reversed(header.all(name))]
        left: dict[bytes, Iterator[bytes]] = {name: iter(forms[name]) for name in names}
    else:
        left = {name: reversed([field.raw for field in header.all(name)]) for name in names}
    # A name that comes once more than the field stands for nothing (RFC 6376 5.4.2).
    parts = [next(left[name], b"") for name in names]
    parts.append(_own(signature.field, signature.header_canon))
    return b"".join(parts)


def relaxed(field: Field) -> bytes:
    """A field in relaxed form, with its CRLF."""
    value = field.raw.partition(b":")[2].replace(b"\r\n", b"")
    if b"\r" in value or b"\v" in value or b"\f" in value:  # no WSP, though split() takes it so
        value = collapse(value.replace(b"\n", b"")).strip(b" ")
    else:
        value = b" ".join(value.split())
    return b"%s:%s\r\n" % (field.name, value)


def without_value(field: Field) -> Field:
    """The field with an empty b=, as it was when it was signed."""
    name, _, tags = field.raw.partition(b":")
    found = _VALUE.search(b";" + tags)
    if found is None:
        return field
    start, end = found.span(1)
    return Field(field.name, b"%s:%s%s" % (name, tags[: start - 1], tags[end - 1 :]))


def _own(field: Field, canon: Canon) -> bytes:
    bare = without_value(field)
    return (relaxed(bare) if canon == "relaxed" else bare.raw).removesuffix(b"\r\n")
