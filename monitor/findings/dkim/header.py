"""What a signature covers of the header (RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2)."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.findings.dkim.body import collapse
from monitor.findings.dkim.syntax import Signature
from monitor.findings.message import Header

__all__ = ["Forms", "relaxed", "signed_data", "without_value"]

Forms = dict[bytes, list[bytes]]  # relaxed, by name, from the top; once for all signatures

_TAB = 0x09


def signed_data(signature: Signature, header: Header, forms: Forms) -> bytes:
    """The octets under b=: the fields of h=, from the bottom up, and the field itself."""
    simple = signature.signer.header_canon == "simple"
    left: Forms = {}
    parts: list[bytes] = []
    for name in signature.signer.signed:
        fields = left.get(name)
        if fields is None:
            made = header.raw.get(name, []) if simple else forms.get(name)
            if made is None:
                made = forms[name] = [relaxed(name, text) for text in header.all(name)]
            fields = left[name] = made.copy()
        # A name that comes once more than the field stands for nothing (RFC 6376 5.4.2).
        if fields:
            parts.append(fields.pop())
    parts.append(_own(signature, header))
    return b"".join(parts)


def relaxed(name: bytes, text: bytes) -> bytes:
    """A field in relaxed form, with its CRLF; ``text`` is unfolded."""
    if _TAB in text or text.find(b"  ") >= 0:
        text = collapse(text)
    return b"%b:%b\r\n" % (name, text.strip(b" "))


def without_value(text: bytes, tags: Iterable[bytes]) -> bytes:
    """What follows the colon of a field, with an empty b=, as it was when it was signed.

    ``tags`` are the names in it, in their order, each there once.
    """
    parts = text.split(b";")
    number = [*tags].index(b"b")
    parts[number] = parts[number].partition(b"=")[0] + b"="
    return b";".join(parts)


def _own(signature: Signature, header: Header) -> bytes:
    tags = signature.tags
    if signature.signer.header_canon == "relaxed":
        return relaxed(signature.name, without_value(signature.text, tags)).removesuffix(b"\r\n")
    name, colon, text = header.raw[signature.name][signature.number].partition(b":")
    return name + colon + without_value(text.removesuffix(b"\r\n"), tags)
