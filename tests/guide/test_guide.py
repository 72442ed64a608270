"""The guide: made pages are as the program would make them now, and every link leads somewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from guide_pages import PAGES

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_up_to_date(name: str) -> None:
    wanted = "\n".join(PAGES[name]()) + "\n"
    if os.environ.get("MXTAP_RENEW"):
        (DOCS / name).write_text(wanted)
    assert (DOCS / name).read_text() == wanted, "MXTAP_RENEW=1 pytest tests/guide writes it anew"


def markdown() -> Iterator[Path]:
    yield from sorted(DOCS.rglob("*.md"))
    yield from (TOP / "README.md", TOP / "ARCHITECTURE.md", TOP / "CHANGELOG.md")


@pytest.mark.parametrize("page", list(markdown()), ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target, anchor in LINK.findall(_prose(page)):
        if "://" in target:
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            dead.append(f"{target}#{anchor}")
    assert dead == []


COPIED = re.compile(r"`(packaging/[\w./]+)`[^`]*:\n\n```\w*\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", sorted(DOCS.glob("recipes/*.md")), ids=lambda page: page.name)
def test_files_that_a_recipe_shows_are_those_that_are_shipped(page: Path) -> None:
    text = page.read_text()
    copies = COPIED.findall(text)
    assert len(copies) == text.count("`packaging/")
    for name, shown in copies:
        assert shown == (TOP / name).read_text(), name


def test_every_page_is_in_the_contents() -> None:
    contents = yaml.safe_load((TOP / "mkdocs.yml").read_text())["nav"]
    assert set(_leaves(contents)) == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


def _prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.*)$", _prose(page))
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _leaves(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
        return
    for each in tree.values() if isinstance(tree, dict) else tree:
        yield from _leaves(each)
