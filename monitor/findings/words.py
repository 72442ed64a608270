"""Encoded-words (RFC 2047): header text as people wrote it, in linear time.

The standard library's header parser is quadratic in the number of encoded-words, hence a
small one of our own. What cannot be decoded stays as it was sent.
"""

from __future__ import annotations

import binascii
import re

__all__ = ["decode_words"]

_WORD = re.compile(rb"(=\?([A-Za-z0-9_.:-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([^?\r\n]*)\?=)")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LF = 0x0A

# A fixed list: Python's codec registry would import a module for every new name, and some
# of its codecs (utf_7, unicode_escape, punycode) are not for text from strangers.
_CODECS = {
    b"us-ascii": "ascii",
    b"ascii": "ascii",
    b"utf-8": "utf-8",
    b"utf8": "utf-8",
    **{b"iso-8859-%d" % n: f"iso8859-{n}" for n in (*range(1, 12), 13, 14, 15, 16)},
    **{b"windows-%d" % n: f"cp{n}" for n in range(1250, 1259)},
    **{b"cp%d" % n: f"cp{n}" for n in range(1250, 1259)},
    b"koi8-r": "koi8-r",
    b"koi8-u": "koi8-u",
    b"gb2312": "gb18030",
    b"gbk": "gb18030",
    b"gb18030": "gb18030",
    b"big5": "big5",
    b"shift_jis": "cp932",
    b"iso-2022-jp": "iso-2022-jp",
    b"euc-jp": "euc-jp",
    b"euc-kr": "euc-kr",
    b"ks_c_5601-1987": "cp949",
}


def decode_words(raw: bytes) -> str:
    """``raw`` unfolded, its encoded-words decoded; bytes outside UTF-8 become surrogates."""
    if _LF in raw:
        raw = _FOLD.sub(b"", raw)
    if raw.find(b"=?") < 0:
        return raw.decode("utf-8", "surrogateescape")
    text: list[str] = []
    run, codec = b"", ""  # neighbours of one charset are joined: senders split characters
    gap, *found = _WORD.split(raw)
    for at in range(0, len(found), 5):
        word, charset, encoding, content, behind = found[at : at + 5]
        to = _CODECS.get(charset.lower())
        payload = _payload(encoding, content)
        if to is None or payload is None:
            gap += word + behind
            continue
        between_words = bool(codec) and not gap.strip(b" \t")
        if codec and not (between_words and to == codec):
            text.append(run.decode(codec, "replace"))
            run = b""
        if not between_words:
            text.append(gap.decode("utf-8", "surrogateescape"))
        run, codec, gap = run + payload, to, behind
    if codec:
        text.append(run.decode(codec, "replace"))
    text.append(gap.decode("utf-8", "surrogateescape"))
    return "".join(text)


def _payload(encoding: bytes, text: bytes) -> bytes | None:
    if encoding in (b"q", b"Q"):
        return binascii.a2b_qp(text, header=True)
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return None
