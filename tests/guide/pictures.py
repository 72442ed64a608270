"""The pictures of the guide, made by the app itself from a demo: run this file by hand.

``python tests/guide/pictures.py [NAME ...]``; it takes about a minute.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.config import Settings
from monitor.control.client import SocketFeed
from monitor.ui.app import DEFAULT_THEME, MxtapApp

DOCS = Path(__file__).parents[2] / "docs"
SECONDS = 40  # of the demo, so that all its senders were seen
SIZE = (120, 36)

# What is pressed, key by key, before the picture is taken.
PICTURES: dict[str, tuple[str, ...]] = {
    "screenshot": ("j", "j"),
    "pictures/session": (*"/finding:tls.plaintext-fallback", "enter", "j", "enter"),
    "pictures/filter": (*"/sev>=warning not dk",),
    "pictures/senders": ("2",),
    "pictures/waiting": ("3",),
    "pictures/lists": ("4",),
    "pictures/rates": ("5",),
    "pictures/report": (*"/from:@impostor", "enter", "g", "r"),
    "pictures/letter": (*"/from:@impostor", "enter", "g", "l"),
    "pictures/trial": ("6", *("space", "j") * 9, *"kkkkkkk"),
}
_TYPED = {"/": "slash", ":": "colon", ".": "full_stop", ">": "greater_than_sign"}
_TYPED |= {"=": "equals_sign", "-": "minus", " ": "space"}


@contextmanager
def demo(state: Path) -> Iterator[None]:
    """A demo that has been running for a while, with lists in it."""
    command = [sys.executable, "-m", "monitor.cli"]
    process = subprocess.Popen(
        [*command, "demo", "--headless", "--state", str(state)], stdout=subprocess.DEVNULL
    )
    try:
        subprocess.run(["sleep", str(SECONDS)], check=True)
        for words in (
            ("ban", "net", "198.51.100.0/24", "--for", "2d", "--reason", "retries without end"),
            ("ban", "helo", "localhost", "--reason", "no mail server"),
            ("allow", "domain", "example.org", "--reason", "our own list server"),
        ):
            subprocess.run([*command, *words, "--state", str(state)], check=True)
        yield
    finally:
        process.terminate()
        process.wait(30)


async def picture(state: Path, name: str, keys: tuple[str, ...]) -> None:
    """Save one."""
    app = MxtapApp(SocketFeed(state), Settings(state=state))
    async with app.run_test(size=SIZE) as pilot:
        app.theme = DEFAULT_THEME
        await pilot.pause(2)
        for key in keys:
            await pilot.press(_TYPED.get(key, key))
            await pilot.pause(0.1)
        await pilot.pause(1.5)
        while any(worker.group == "study" and worker.is_running for worker in app.workers):
            await pilot.pause(0.5)
        path = DOCS / f"{name}.svg"
        path.parent.mkdir(exist_ok=True)
        app.save_screenshot(path.name, str(path.parent))
    print(name)


def main(names: list[str]) -> None:
    """Make all, or those named."""
    with tempfile.TemporaryDirectory(prefix="mxtap-pictures-") as folder, demo(Path(folder)):
        for name in names or PICTURES:
            asyncio.run(picture(Path(folder), name, PICTURES[name]))


if __name__ == "__main__":
    main(sys.argv[1:])
