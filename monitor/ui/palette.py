"""The styles of a theme by what they mean, for lines that are drawn without CSS.

A theme may set these in its ``[variables]``; otherwise they follow from its colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.color import ColorParseError
from rich.style import Style
from textual.color import Color
from textual.color import ColorParseError as ParseError

from monitor.events import Severity

__all__ = ["PLAIN", "VARIABLES", "Palette"]

# Our variable, and the variable of Textual that stands in for it.
VARIABLES = {
    "severity-good": "success",
    "severity-info": "muted",
    "severity-notice": "accent",
    "severity-warning": "warning",
    "severity-error": "error",
    "side-client": "primary",
    "side-server": "secondary",
    "cursor-background": "panel",
    "muted": "foreground-muted",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles for drawing; none sets a background but the cursor's."""

    text: Style
    muted: Style
    strong: Style
    heading: Style
    accent: Style
    good: Style
    info: Style
    notice: Style
    warning: Style
    error: Style
    client: Style
    server: Style
    cursor: Style

    def severity(self, severity: Severity | None) -> Style:
        """The style of a severity."""
        style: Style = self.muted if severity is None else getattr(self, severity)
        return style

    def code(self, code: int) -> Style:
        """The style of a reply code, by its first digit (RFC 5321 4.2.1)."""
        match code // 100:
            case 2 | 3:
                return self.good
            case 4:
                return self.warning
            case 5:
                return self.error
            case _:
                return self.muted

    @classmethod
    def of(cls, variables: Mapping[str, str], *, reverse: bool = False) -> Palette:
        """The palette of a theme's CSS variables; ``reverse`` marks the cursor by that."""

        def colour(name: str) -> Style:
            value = variables.get(name) or variables.get(VARIABLES.get(name, ""), "")
            return _style(value or variables.get(VARIABLES["muted"], ""))

        text = _style(variables.get("foreground", ""))
        background = colour("cursor-background").color
        return cls(
            text=text,
            muted=colour("muted"),
            strong=text + Style(bold=True),
            heading=colour("muted") + Style(bold=True),
            accent=_style(variables.get("accent", "")),
            good=colour("severity-good"),
            info=colour("severity-info"),
            notice=colour("severity-notice"),
            warning=colour("severity-warning"),
            error=colour("severity-error") + Style(bold=True),
            client=colour("side-client"),
            server=colour("side-server"),
            cursor=Style(reverse=True) if reverse else Style(bgcolor=background),
        )


def _style(value: str) -> Style:
    try:
        return Style(color=Color.parse(value).rich_color)
    except (ParseError, ColorParseError):
        return Style.null()


PLAIN = Palette.of({}, reverse=True)
