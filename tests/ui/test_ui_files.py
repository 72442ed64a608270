"""Themes and keys from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from ui_fakes import FakeFeed, record
from ui_screen import running

from monitor.ui.keymap import KEYS
from monitor.ui.keys_file import KeysError, load_keys
from monitor.ui.themes import ThemeError, load_theme, load_themes, our_folder, user_folder

OURS = sorted(path.stem for path in our_folder().glob("*.toml"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_there_are_six_themes_and_all_load() -> None:
    themes, errors = load_themes(our_folder())
    assert not errors
    assert len(themes) >= 6
    assert {"mxtap-night", "mxtap-day", "mxtap-contrast", "mxtap-plain"} <= {t.name for t in themes}


def luminance(colour: str) -> float:
    parts = [c / 255 for c in Color.parse(colour).rgb]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", [name for name in OURS if name != "mxtap-plain"])
def test_text_can_be_read_on_each_theme(name: str) -> None:
    theme = load_theme(our_folder() / f"{name}.toml")
    least = 7.0 if name == "mxtap-contrast" else 4.5
    grounds = [theme.background, theme.variables["cursor-background"]]
    inks = [theme.foreground, theme.success, theme.warning, theme.error]
    for ink in inks:
        assert contrast(str(ink), str(grounds[0])) >= least, ink
    assert contrast(str(theme.foreground), grounds[1]) >= least
    assert contrast(theme.variables["foreground-muted"], str(grounds[0])) >= 3.5


@pytest.mark.parametrize("name", OURS)
async def test_every_theme_draws_every_screen(name: str) -> None:
    async with running(FakeFeed([record(i) for i in range(8)])) as screen:
        screen.app.theme = name
        await screen.settle()
        for key in "2345":
            await screen.press(key)
        await screen.press("1", "b", "escape", "enter")
        assert "Transcript" in screen.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('primary = "#12"\n', ":1: primary: "),
        ('primary = "#123456"\n\nsurfase = "#123456"\n', ":3: surfase: is no field of a theme; "
         "did you mean surface?"),
        ('primary = "#123456"\ndark = "yes"\n', ":2: dark: true or false is wanted"),
        ('primary = "#123456"\n[variables]\nmuted = 3\n', ":3: variables.muted: a text is wanted"),
        ('primary = "#123456"\n[variables]\nseverity-error = "redd"\n',
         ":3: variables.severity-error: failed to parse"),
        ('primary = "#123456"\n[variables]\nseverity-eror = "red"\n',
         ":3: variables.severity-eror: is no variable; did you mean severity-error?"),
        ('accent = "#123456"\n', ":1: primary: is missing"),
        ("primary = \n", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_theme_names_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path / "mine.toml", text)
    with pytest.raises(ThemeError) as error:
        load_theme(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


async def test_a_user_theme_is_there_and_a_wrong_one_is_told() -> None:
    folder = user_folder() / "themes"
    write(folder / "mine.toml", 'primary = "#123456"\n')
    write(folder / "wrong.toml", 'primary = "nothing"\n')
    async with running(FakeFeed([record(0)]), (160, 48)) as screen:
        assert "mine" in screen.app.available_themes
        assert "wrong.toml:1: primary" in screen.text.replace("\n", "")
        screen.app.theme = "mine"
        await screen.press("t")
        assert screen.app.theme != "mine"


async def test_t_goes_through_the_themes() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        seen = set()
        for _ in OURS:
            await screen.press("t")
            seen.add(screen.app.theme)
        assert seen == set(OURS)


def test_every_key_has_a_name_of_its_own() -> None:
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))


def test_the_default_keys_do_not_conflict(tmp_path: Path) -> None:
    assert load_keys(write(tmp_path / "keys.toml", "[keys]\n")) == {}
    assert load_keys(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[keys]\n\nban = "a"\n', "keys.toml:3: a is bound to both ban and allow"),
        ('[keys]\nban = "ctrl+t"\nhelp = "u"\n', "keys.toml:3: u is bound to both undo and help"),
        ('[keys]\nbann = "B"\n', "keys.toml:2: bann: no such action; did you mean ban?"),
        ("[keys]\nban = 3\n", "keys.toml:2: ban: a key, or a list of keys, is wanted"),
        ('[keys]\nban = "hyper+q"\n', "keys.toml:2: ban: 'hyper+q' is not a key"),
        ('[kees]\nban = "B"\n', "one table"),
        ("[keys\n", "is not valid TOML"),
    ],
)
def test_wrong_keys_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path / "keys.toml", text)
    with pytest.raises(KeysError) as error:
        load_keys(path)
    assert str(path) in str(error.value)
    assert told in str(error.value)


async def test_keys_are_rebound_and_help_tells_so() -> None:
    write(user_folder() / "keys.toml", '[keys]\nban = ["B", "f5"]\ndown = "z"\n')
    async with running(FakeFeed([record(i) for i in range(5)])) as screen:
        await screen.press("g", "z", "b")
        assert "2 of 5" in screen.text
        assert "[address]" not in screen.text
        await screen.press("f5")
        assert "[address]" in screen.text
        await screen.press("escape", "question_mark")
        assert "B  f5" in screen.text


async def test_conflicting_keys_are_told_and_the_defaults_hold() -> None:
    write(user_folder() / "keys.toml", '[keys]\nban = "a"\n')
    async with running(FakeFeed([record(0)]), (160, 48)) as screen:
        assert "a is bound to both" in screen.text
        await screen.press("b")
        assert "[address]" in screen.text
