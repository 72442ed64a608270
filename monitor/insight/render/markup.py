"""HTML that cannot be broken by what is put into it: text is escaped as it goes in."""

from __future__ import annotations

from html import escape

from monitor.text import printable

__all__ = ["Html", "join", "raw", "tag"]

_VOID = ("br", "circle", "line", "meta", "polyline", "rect")


class Html(str):
    """Markup, as :func:`tag` makes it; every other str is text."""

    __slots__ = ()


def tag(name: str, /, *children: str | Html, **attributes: object) -> Html:
    """An element. ``class_`` is the attribute class, ``stroke_width`` is stroke-width."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Html(f"<{name}{given}/>")
    return Html(f"<{name}{given}>{join(*children)}</{name}>")


def join(*children: str | Html) -> Html:
    """Elements and text, one behind the other."""
    return Html("".join(c if isinstance(c, Html) else escape(printable(c)) for c in children))


def raw(constant: str) -> Html:
    """Markup of our own, such as a style sheet: never of what came from outside."""
    return Html(constant)
