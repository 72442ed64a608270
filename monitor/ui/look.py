"""How lines are drawn at present: the theme's styles and the terminal's signs."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.ui.marks import UNICODE, Marks
from monitor.ui.palette import PLAIN, Palette

__all__ = ["Look"]


@dataclass(slots=True)
class Look:
    """Shared by all widgets; ``edition`` grows when the theme changes."""

    palette: Palette = PLAIN
    marks: Marks = UNICODE
    edition: int = 0

    def change(self, palette: Palette) -> None:
        """Draw with another theme's styles from now on."""
        self.palette = palette
        self.edition += 1
