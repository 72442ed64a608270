"""Filters that are kept: those of before, and those with a name."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from ui_fakes import FakeFeed, record
from ui_screen import Screen, running

from monitor.ui.filters import PAST, SAVED, Filters, FiltersError, state_folder


def many() -> FakeFeed:
    return FakeFeed([record(i) for i in range(80)])


def file() -> Path:
    return state_folder() / "filters.json"


def kept(past: list[str], saved: dict[str, str]) -> None:
    file().parent.mkdir(parents=True)
    file().write_text(json.dumps({"past": past, "saved": saved}))


def notes(screen: Screen) -> list[str]:
    return [note.message for note in screen.app._notifications]


async def test_what_was_typed_before_outlasts_the_screen() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx", "enter", "slash", *" from:rapid", "enter")
    assert stat.S_IMODE(file().stat().st_mode) == 0o600
    assert [path.name for path in file().parent.iterdir()] == ["filters.json"]
    async with running(many()) as screen:
        await screen.press("slash", "up")
        assert "10 of 10" in screen.text
        await screen.press("up")
        assert "20 of 20" in screen.text
        await screen.press("down", "down")
        assert "80 of 80" in screen.text


async def test_a_filter_of_before_completes_what_begins_like_it() -> None:
    kept(["code:4xx from:rapid"], {})
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx ", "right")
        assert "10 of 10" in screen.text


async def test_a_filter_is_saved_chosen_and_forgotten() -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx", "enter", "F", "tab", *"busy", "enter")
        assert "Saved. saved:busy stands for it" in screen.text
        await screen.press("escape", "escape", "F")
        assert "busy" in screen.line("◆") if "◆" in screen.text else "busy" in screen.text
        await screen.press("g", "enter")
        assert "20 of 20" in screen.text
    async with running(many()) as screen:
        await screen.press("F", "g", "enter")
        assert "20 of 20" in screen.text
        await screen.press("F", "g", "x")
        assert json.loads(file().read_text()) == {"past": ["code:4xx"], "saved": {}}
        await screen.press("x")
        assert "None yet." in screen.text
        await screen.press("enter", "x", "escape")
        assert "20 of 20" in screen.text


async def test_a_saved_filter_is_typed_by_its_name() -> None:
    kept([], {"busy": "code:4xx"})
    async with running(many()) as screen:
        await screen.press("slash", *"sa", "right", "b", "right")
        assert "20 of 20" in screen.text
        await screen.press(*" from:rapid", "enter")
        assert "10 of 10" in screen.text
        assert "filter (code:4xx) from:rapid" in screen.text


async def test_a_name_that_is_not_saved_is_told_at_its_place() -> None:
    kept([], {"busy": "code:4xx"})
    async with running(many()) as screen:
        await screen.press("slash", *"saved:buzy")
        at = screen.lines.index(next(x for x in screen.lines if x.startswith(" / ")))
        assert screen.lines[at + 1].index("^") == screen.lines[at].index("buzy")
        assert "did you mean busy?" in screen.lines[at + 1]


async def test_the_palette_has_saved_filters() -> None:
    kept([], {"busy": "code:4xx"})
    async with running(many()) as screen:
        await screen.press("2")
        commands = {c.title: c for c in screen.app.get_system_commands(screen.app.screen)}
        await commands["Filter busy"].callback()
        await screen.settle()
        assert "20 of 20" in screen.text


@pytest.mark.parametrize("name", ["a b", "[/bold]", "x" * 33])
async def test_a_wrong_name_is_told(name: str) -> None:
    async with running(many()) as screen:
        await screen.press("slash", *"code:4xx", "enter", "F", "tab")
        screen.app.focused.value = name
        await screen.press("enter")
        assert "a name is 1 to 32 letters" in screen.text
    assert json.loads(file().read_text())["saved"] == {}


async def test_hostile_text_in_the_file_is_shown_harmlessly() -> None:
    kept(["\x1b]0;owned\x07", "[/bold]", "x" * 3_000], {"\x1b[2J": "code:4xx", "ok": "\x1b[31m"})
    async with running(many()) as screen:
        await screen.press("F")
        assert "\x1b" not in screen.text
        assert "[/bold]" in screen.text
        assert (screen.app.desk.filters.past, screen.app.desk.filters.saved) == (["[/bold]"], {})


async def test_a_filter_that_is_not_understood_is_shown_with_its_fault() -> None:
    kept([], {"old": "colour:red"})
    async with running(many()) as screen:
        await screen.press("F", "enter")
        assert "colour is not a term" in screen.text
        assert screen.line(" / ").startswith(" / colour:red")
        assert "80 of 80" in screen.text
        assert json.loads(file().read_text())["past"] == []
        await screen.press("escape")
        assert "colour" not in screen.text


@pytest.mark.parametrize("text", ["{", '{"past": 3}', "[]", '{"past": ["a"'])
async def test_a_file_that_is_not_ours_is_told_and_left_alone(text: str) -> None:
    file().parent.mkdir(parents=True)
    file().write_text(text)
    async with running(many(), (160, 48)) as screen:
        [told] = notes(screen)
        assert "filters.json" in told
        assert "filters are not kept beyond this screen" in told
        await screen.press("slash", *"code:4xx", "enter", "escape", "slash", "up")
        assert "20 of 20" in screen.text
    assert file().read_text() == text


async def test_a_folder_that_cannot_be_written_is_told_once() -> None:
    state_folder().parent.mkdir(parents=True)
    state_folder().write_text("in the way")
    async with running(many(), (160, 48)) as screen:
        await screen.press("slash", *"code:4xx", "enter")
        await screen.press("slash", *" x", "enter", "slash", "up")
        assert "code:4xx x" in screen.text
        assert len([told for told in notes(screen) if "filters are not kept" in told]) == 1


def test_two_screens_keep_what_the_other_kept(tmp_path: Path) -> None:
    one, other = Filters(tmp_path / "f"), Filters(tmp_path / "f")
    one.remember("a")
    other.remember("b")
    other.save("name", "c")
    one.remember("a")
    one.load()
    assert (one.past, one.saved) == (["b", "a"], {"name": "c"})


def test_it_is_bounded(tmp_path: Path) -> None:
    filters = Filters(tmp_path / "f")
    for i in range(PAST + 5):
        filters.remember(f"word{i}")
    filters.remember("x" * 2_001)
    assert len(filters.past) == PAST
    assert filters.past[-1] == f"word{PAST + 4}"
    for i in range(SAVED):
        filters.save(f"name{i}", "a")
    filters.save("name0", "b")
    with pytest.raises(ValueError, match="forgets one"):
        filters.save("one-more", "a")


def test_a_failure_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filters = Filters(tmp_path / "f")
    filters.remember("a")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(FiltersError, match="No space left"):
        filters.remember("b")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert json.loads((tmp_path / "f").read_text())["past"] == ["a"]
    filters.remember("c")
    assert filters.past == ["a", "b", "c"]
