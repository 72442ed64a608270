"""What a signature covers of the header (RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.findings.dkim.body import collapse
from monitor.findings.dkim.syntax import Signature
from monitor.findings.message import Header

__all__ = ["Forms", "relaxed", "signed_data", "without_value"]

Forms = dict[bytes, list[bytes]]  # relaxed, by name, from the bottom; once for all signatures

_TAB = 0x09


def signed_data(signature: Signature, header: Header, forms: Forms) -> bytes:
    """The octets under b=: the fields of h=, from the bottom up, and the field itself."""
    left: dict[bytes, Iterator[bytes]] = {}
    parts: list[bytes] = []
    for name in signature.signer.signed:
        fields = left.get(name)
        if fields is None:
            fields = left[name] = _from_the_bottom(name, signature, header, forms)
        # A name that comes once more than the field stands for nothing (RFC 6376 5.4.2).
        parts.append(next(fields, b""))
    parts.append(_own(signature, header))
    return b"".join(parts)


def _from_the_bottom(
    name: bytes, signature: Signature, header: Header, forms: Forms
) -> Iterator[bytes]:
    if signature.signer.header_canon == "simple":
        return reversed(header.raw.get(name, []))
    if name not in forms:
        forms[name] = [relaxed(name, text) for text in reversed(header.all(name))]
    return iter(forms[name])


def relaxed(name: bytes, text: bytes) -> bytes:
    """A field in relaxed form, with its CRLF; ``text`` is unfolded."""
    if _TAB in text or text.find(b"  ") >= 0:
        text = collapse(text)
    return b"%b:%b\r\n" % (name, text.strip(b" "))


def without_value(text: bytes) -> bytes:
    """What follows the colon of a field, with an empty b=, as it was when it was signed."""
    tags = text.split(b";")
    for number, tag in enumerate(tags):
        name, equals, _ = tag.partition(b"=")
        if equals and name.strip(b" \t\r\n") == b"b":
            tags[number] = name + equals
            return b";".join(tags)
    return text


def _own(signature: Signature, header: Header) -> bytes:
    if signature.signer.header_canon == "relaxed":
        return relaxed(signature.name, without_value(signature.text)).removesuffix(b"\r\n")
    name, colon, text = header.raw[signature.name][signature.number].partition(b":")
    return name + colon + without_value(text.removesuffix(b"\r\n"))
