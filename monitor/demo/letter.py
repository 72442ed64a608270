"""Letters: the messages that the cast sends."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import NamedTuple


class Mail(NamedTuple):
    """An envelope (RFC 5321 2.3.1) and its content. ``sender`` is "" for the null path."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    parameters: str = ""  # of MAIL, with a space in front


def letter(
    author: str,
    to: str,
    subject: str,
    text: str,
    message_id: str,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """A message in CRLF lines (RFC 5322 2.1); ``extra`` fields stand above Subject."""
    fields = {
        "From": author,
        "To": to,
        "Date": formatdate(localtime=False),
        "Message-ID": f"<{message_id}>",
        **(extra or {}),
        "Subject": subject,
        "MIME-Version": "1.0",
    }
    if "Content-Type" not in fields:
        fields["Content-Type"] = "text/plain; charset=utf-8"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (head + "\r\n" + crlf(text)).encode()


def crlf(text: str) -> str:
    """``text`` with CRLF line ends and one at its end."""
    return "\r\n".join(text.rstrip("\n").splitlines()) + "\r\n"


class Part(NamedTuple):
    """A body part of a multipart message. A ``filename`` makes it an attachment in base64."""

    type: str
    content: bytes
    filename: str = ""

    def render(self) -> str:
        """Its header and body (RFC 2046 5.1.1)."""
        if not self.filename:
            return f"Content-Type: {self.type}\n\n{self.content.decode()}\n"
        return (
            f"Content-Type: {self.type}\nContent-Transfer-Encoding: base64\n"
            f'Content-Disposition: attachment; filename="{self.filename}"\n\n'
            f"{base64.encodebytes(self.content).decode()}"
        )


def multipart(parts: Iterable[Part], boundary: str) -> str:
    """The body of a multipart message (RFC 2046 5.1.1)."""
    pieces = "".join(f"--{boundary}\n{part.render()}" for part in parts)
    return f"{pieces}--{boundary}--\n"
