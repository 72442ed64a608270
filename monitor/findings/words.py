"""Encoded-words (RFC 2047): header text as people wrote it, in linear time.

The standard library's header parser is quadratic in the number of encoded-words, hence a
small one of our own. What cannot be decoded stays as it was sent.
"""

from __future__ import annotations

import binascii
import re

__all__ = ["decode_words"]

_WORD = re.compile(rb"=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([^?\r\n]*)\?=")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")

# A fixed list: Python's codec registry would import a module for every new name, and some
# of its codecs (utf_7, unicode_escape, punycode) are not for text from strangers.
_CODECS = {
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (*range(1, 12), 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in range(1250, 1259)},
    **{f"cp{n}": f"cp{n}" for n in range(1250, 1259)},
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "cp932",
    "iso-2022-jp": "iso-2022-jp",
    "euc-jp": "euc-jp",
    "euc-kr": "euc-kr",
    "ks_c_5601-1987": "cp949",
}


def decode_words(raw: bytes) -> str:
    """``raw`` unfolded, its encoded-words decoded; bytes outside UTF-8 become surrogates."""
    if b"\n" in raw:
        raw = _FOLD.sub(b"", raw)
    if b"=?" not in raw:
        return raw.decode("utf-8", "surrogateescape")
    text: list[str] = []
    run, codec = b"", ""  # neighbours of one charset are joined: senders split characters
    end = 0
    for word in _WORD.finditer(raw):
        to = _CODECS.get(word[1].decode("ascii").lower())
        payload = _payload(word[2], word[3])
        if to is None or payload is None:
            continue
        gap = raw[end : word.start()]
        between_words = bool(codec) and not gap.strip(b" \t")
        if codec and not (between_words and to == codec):
            text.append(run.decode(codec, "replace"))
            run = b""
        if not between_words:
            text.append(gap.decode("utf-8", "surrogateescape"))
        run, codec, end = run + payload, to, word.end()
    if codec:
        text.append(run.decode(codec, "replace"))
    text.append(raw[end:].decode("utf-8", "surrogateescape"))
    return "".join(text)


def _payload(encoding: bytes, text: bytes) -> bytes | None:
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return None
