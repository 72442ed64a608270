"""The URL of a database that several relays share, and the same without its password."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, PlainSerializer

SCHEME = "postgresql+psycopg"
_SECRET = ("password", "sslpassword")  # parameters of libpq that may stand behind the ?


def shown(url: str) -> str:
    """``url`` without passwords, for logs, screens and errors."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "..."
    user, at, host = parts.netloc.rpartition("@")
    name, secret, _ = user.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    told = [(key, "..." if key in _SECRET else value) for key, value in query]
    return urlunsplit(
        parts._replace(
            netloc=f"{name}{':...' if secret else ''}{at}{host}", query=urlencode(told, safe="/.:")
        )
    )


def _url(value: str) -> str:
    if value and not value.startswith(f"{SCHEME}://"):
        raise ValueError(f"{SCHEME}://USER@HOST/DATABASE, or empty for none")
    return value


Database = Annotated[
    str,
    AfterValidator(_url),
    PlainSerializer(shown, when_used="json"),
    Field(repr=False),
]
