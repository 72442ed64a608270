"""What a signature covers of the header (RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2)."""

from __future__ import annotations

from monitor.findings.dkim.body import Canon, collapse
from monitor.findings.dkim.syntax import Signature
from monitor.findings.message import Field, Header

__all__ = ["Forms", "relaxed", "signed_data", "without_value"]

Forms = dict[Field, bytes]  # relaxed forms, made once for all signatures of a message


def signed_data(signature: Signature, header: Header, forms: Forms) -> bytes:
    """The octets under b=: the fields of h=, from the bottom up, and the field itself."""
    used: dict[bytes, int] = {}
    parts: list[bytes] = []
    relax = signature.header_canon == "relaxed"
    for name in signature.signed:
        fields = header.all(name)
        taken = used.get(name, 0)
        if taken < len(fields):
            used[name] = taken + 1
            field = fields[-1 - taken]
            if relax:
                form = forms.get(field)
                if form is None:
                    form = forms[field] = relaxed(field)
                parts.append(form)
            else:
                parts.append(field.raw)
    parts.append(_own(signature.field, signature.header_canon))
    return b"".join(parts)


def relaxed(field: Field) -> bytes:
    """A field in relaxed form, with its CRLF."""
    value = field.raw[field.raw.index(b":") + 1 :].replace(b"\r\n", b"").replace(b"\n", b"")
    return b"%s:%s\r\n" % (field.name, collapse(value).strip(b" "))


def without_value(field: Field) -> Field:
    """The field with an empty b=, as it was when it was signed."""
    colon = field.raw.index(b":") + 1
    parts = field.raw[colon:].split(b";")
    for index, part in enumerate(parts):
        name, equals, _ = part.partition(b"=")
        if equals and name.strip(b" \t\r\n") == b"b":
            parts[index] = name + equals
    return Field(field.name, field.raw[:colon] + b";".join(parts))


def _own(field: Field, canon: Canon) -> bytes:
    bare = without_value(field)
    return (relaxed(bare) if canon == "relaxed" else bare.raw).removesuffix(b"\r\n")
