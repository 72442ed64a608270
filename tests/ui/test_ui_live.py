"""The live screen."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from ui_fakes import NOW, STATUS, FakeFeed, record
from ui_screen import SIZES, Screen, running

from monitor.control.protocol import LateUpdate, Link, Missed
from monitor.findings.catalogue import finding
from monitor.record import Late, Record
from monitor.ui.widgets.records import RecordTable

sizes = pytest.mark.parametrize("size", SIZES)


@sizes
async def test_a_transaction_is_told_on_one_line(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(3)]), size) as screen:
        line = screen.line("198.51.100.99")
        assert line.startswith("▌ ")
        assert record(3).ended.astimezone().strftime("%H:%M:%S") in line
        assert "shop@broken.example" in line or "shop@bro…n.example" in line
        assert "x@hom" in line
        assert "250" in line
        assert "✖ dkim.fail-body" in line
        assert ("broken.example" in line[30:60]) == (size[0] > 100)


async def test_a_good_message_says_in_what_it_is_good() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        assert "✓ spf dkim dm" in screen.line("192.0.2.10")


@sizes
async def test_the_header_tells_how_the_relay_fares(size: tuple[int, int]) -> None:
    async with running(
        FakeFeed(status=msgspec.structs.replace(STATUS, dns_up=True)), size
    ) as screen:
        text = "\n".join(screen.lines[:2])
        for part in ("● 127.0.0.1:2525", "● upstream", "● DNS", "disk 12G", "capture off",
                     "observing", "12.3/s", "✓1150", "~38", "✖16"):  # fmt: skip
            assert part in text
        if size[0] > 100:
            assert "● upstream 127.0.0.1:10025" in text
            assert "● DNS 127.0.0.1:53" in text


async def test_the_header_has_every_part_however_long_their_names() -> None:
    long = msgspec.structs.replace(
        STATUS,
        listening=("[2001:db8:1111:2222:3333::25]:25", "192.0.2.1:25"),
        upstream="postfix.internal.example:10025",
        dns="127.0.0.1:10053, 127.0.0.2:10053",
        dns_up=False,
        disk_free=999 << 30,
        capture="envelope",
        greylist="enforce",
    )
    async with running(FakeFeed(status=long)) as screen:
        for part in ("● :25", "● upstream", "✖ DNS", "disk 999G", "capture envelope", "enforcing"):
            assert part in screen.lines[1]


async def test_the_header_changes_with_the_status() -> None:
    async with running(FakeFeed()) as screen:
        trouble = msgspec.structs.replace(
            STATUS, upstream_up=False, greylist="enforce", problems=("the disk is nearly full",)
        )
        await screen.push(trouble)
        assert "✖ upstream" in screen.lines[1]
        assert "enforcing" in screen.lines[1]
        assert "▲ the disk is nearly full" in screen.lines[2]


@sizes
async def test_an_empty_screen_says_what_to_do_next(size: tuple[int, int]) -> None:
    async with running(FakeFeed(), size) as screen:
        assert "No mail yet." in screen.text
        assert "swaks --server 127.0.0.1:2525" in screen.text
        await screen.push(record(1))
        assert "No mail yet." not in screen.text
        assert "1 of 1 " in screen.text  # nothing is older


async def test_keys_work_on_a_table_that_was_empty() -> None:
    async with running(FakeFeed()) as screen:
        await screen.push(*(record(i) for i in range(5)))
        await screen.press("k", "k")
        assert "3 of 5" in screen.text
        await screen.press("slash", *"from:nobody", "enter", "escape", "g")
        assert "1 of 5" in screen.text


@sizes
async def test_it_follows_until_told_to_hold_still(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(i) for i in range(100)]), size) as screen:
        assert "▶ following" in screen.text
        await screen.push(record(100))
        assert record(100).mail_from in screen.at_cursor
        assert "101 of 101" in screen.text

        await screen.press("space")
        assert "holding still" in screen.text
        await screen.push(record(101), record(102))
        assert "101 of 103" in screen.text
        assert record(100).client.ip in screen.at_cursor

        await screen.press("f")
        assert "103 of 103" in screen.text


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("k",), 99),
        (("up", "up"), 98),
        (("up", "up", "down"), 99),
        (("k", "k", "j"), 99),
        (("g",), 1),
        (("home",), 1),
        (("g", "G"), 100),
        (("home", "end"), 100),
        (("g", "j", "j"), 3),
        (("g", "pagedown"), 12),
        (("pageup",), 89),
    ],
)
async def test_keys_move_the_cursor(keys: tuple[str, ...], place: int) -> None:
    async with running(FakeFeed([record(i) for i in range(100)])) as screen:
        await screen.press(*keys)
        assert f"{place} of 100" in screen.text
        assert record(place - 1).ended.astimezone().strftime("%H:%M:%S") in screen.at_cursor


async def test_the_cursor_stays_in_sight_where_less_room_is_left() -> None:
    async with running(FakeFeed([record(i) for i in range(100)]), (80, 40)) as screen:
        await screen.press("g", "pagedown", "pagedown", "up")
        before = screen.at_cursor[:20]
        await screen.pilot.resize_terminal(80, 20)
        async with asyncio.timeout(5):
            while len(screen.lines) != 20 or "▌" not in screen.text:
                await screen.settle()
        assert screen.at_cursor[:20] == before


async def test_rows_that_come_in_do_not_move_what_is_read() -> None:
    async with running(FakeFeed([record(i) for i in range(100)])) as screen:
        await screen.press("g", "j")
        before = [line[:78] for line in screen.lines[3:12]]  # without the scrollbar
        await screen.push(*(record(i) for i in range(100, 150)))
        assert [line[:78] for line in screen.lines[3:12]] == before


def table(screen: Screen) -> RecordTable:
    return screen.app.screen.query_one(RecordTable)


async def test_older_rows_are_fetched_at_the_top_and_nothing_jumps() -> None:
    feed = FakeFeed([record(i) for i in range(1_700)])
    async with running(feed) as screen:
        assert "1,000 of 1,000+" in screen.text
        await screen.press("space")
        table(screen).move(0)
        await screen.settle()
        assert "500 of 1,499+" in screen.text
        assert time_of(record(700)) in screen.at_cursor
        table(screen).move(0)
        await screen.settle()
        assert "202 of 1,700" in screen.text
        assert "1,700+" not in screen.text
        await screen.press("g")
        assert "1 of 1,700" in screen.text
        assert time_of(record(0)) in screen.at_cursor


def time_of(record: Record) -> str:
    return record.ended.astimezone().strftime("%H:%M:%S")


async def test_g_goes_to_the_very_first_and_capital_g_to_the_very_last() -> None:
    feed = FakeFeed([record(i) for i in range(3_000)])
    async with running(feed) as screen:
        await screen.press("g")
        assert "in history" in screen.text
        assert "1 of 500+" in screen.text
        assert time_of(record(0)) in screen.at_cursor
        await screen.push(record(3_000))
        assert "1 newer" in screen.text
        table(screen).move(499)
        await screen.settle()
        assert "500 of 999+" in screen.text
        assert time_of(record(499)) in screen.at_cursor
        await screen.press("G")
        assert "following" in screen.text
        assert time_of(record(3_000)) in screen.at_cursor


async def test_o_orders_and_o_again_comes_back_to_time() -> None:
    async with running(FakeFeed([record(i) for i in range(40)])) as screen:
        title = lambda: screen.lines[2]  # noqa: E731
        assert "Time↑" in title()
        await screen.press("o")
        assert "finding↓" in title()
        assert "by finding" in screen.text
        assert "✖ tls.no-shared" in screen.at_cursor  # the newest error
        await screen.press("O")
        assert "finding↑" in title()
        assert "✓ spf dkim" in screen.at_cursor
        await screen.press("o")
        assert "SMTP↓" in title()
        assert " 550 " in screen.at_cursor
        await screen.press("G")
        assert " 250 " in screen.at_cursor
        assert "40 of 40" in screen.text
        await screen.press("o")
        assert "Client↓" in title()
        assert "2001:db8::25" in screen.at_cursor
        await screen.press("o")
        assert "following" in screen.text
        assert "40 of 40" in screen.text


async def test_a_click_on_a_title_orders_by_it() -> None:
    async with running(FakeFeed([record(i) for i in range(40)])) as screen:
        for name, cursor, sign in (
            ("SMTP", " 550 ", "SMTP↓"),
            ("SMTP", " 250 ", "SMTP↑"),
            ("Time", "nocipher", "Time↑"),
            ("Time", "nocipher", "Time↓"),
            ("Time", "good.example", "Time↑"),
            ("From", "good.example", "Time↑"),
        ):
            x = screen.lines[2].index(name) + 1
            await screen.pilot.click("RecordTable", offset=(x, 0))
            await screen.settle()
            assert cursor in screen.at_cursor, name
            assert sign in screen.lines[2]


async def test_an_order_goes_on_as_one_goes_down_it() -> None:
    feed = FakeFeed([record(i) for i in range(1_400)])
    async with running(feed) as screen:
        await screen.press("o", "o")
        table(screen).move(499)
        await screen.settle()
        assert "500 of 999+" in screen.text
        codes = [row.record.verdict.code for row in table(screen).window.shown]
        assert codes == sorted(codes, reverse=True)


@sizes
async def test_the_details_explain_the_findings(size: tuple[int, int]) -> None:
    async with running(FakeFeed([record(1)]), size) as screen:
        assert "dkim.key-1024" in screen.at_cursor
        text = screen.text
        assert "PTR out.oldkey.example" in text
        assert "250 accepted  2.0.0 Ok: queued as 4Bx2" in text
        assert "Tell the sender:" in text
        assert "seen in this message" in text
        if size[0] > 100:
            assert "EHLO out.oldkey.example" in text
        await screen.press("d")
        assert "Tell the sender:" not in screen.text


async def test_findings_that_come_late_are_added() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        late = Late(id="x", about="t0", findings=(finding("retry.gave-up", "silent for 24 h"),))
        await screen.push(LateUpdate(late))
        assert "retry.gave-up" in screen.at_cursor
        assert "silent for 24 h" not in screen.at_cursor


@sizes
async def test_losing_the_relay_says_so_and_catches_up(size: tuple[int, int]) -> None:
    feed = FakeFeed([record(i) for i in range(10)])
    async with running(feed, size) as screen:
        await screen.push(Link(False, "connection refused"))
        assert "reconnecting" in screen.lines[1]
        assert "connection refused" in screen.lines[1]
        feed.kept += [record(i) for i in range(10, 30)]  # while nobody listened
        feed.push(record(30))
        await screen.push(Link(True))
        assert "reconnecting" not in screen.text
        assert "31 of 31" in screen.text


async def test_updates_that_were_dropped_are_fetched() -> None:
    feed = FakeFeed([record(i) for i in range(10)])
    async with running(feed) as screen:
        feed.kept += [record(i) for i in range(10, 30)]
        await screen.push(Missed(20))
        assert "30 of 30" in screen.text


async def test_a_relay_that_cannot_be_reached_ends_the_app() -> None:
    feed = FakeFeed()
    feed.unreachable = "nothing listens on /run/mxtap.sock"
    async with running(feed) as screen:
        assert screen.app.return_code == 1
        assert screen.app.trouble == "nothing listens on /run/mxtap.sock"


async def test_too_small_a_terminal_is_told() -> None:
    async with running(FakeFeed([record(1)]), (50, 12)) as screen:
        assert "needs 60 columns and 16 lines" in screen.text
        assert "50 and 12" in screen.text
        await screen.pilot.resize_terminal(80, 24)
        async with asyncio.timeout(5):
            while "dkim.key-1024" not in screen.text:
                await screen.settle()


async def test_y_copies_the_record() -> None:
    async with running(FakeFeed([record(1)])) as screen:
        await screen.press("y")
        assert '"id":"t1"' in screen.app.clipboard


async def test_a_double_click_opens_and_a_click_selects() -> None:
    async with running(FakeFeed([record(i) for i in range(5)])) as screen:
        await screen.pilot.click("RecordTable", offset=(10, 2))
        await screen.settle()
        assert record(1).client.ip in screen.at_cursor
        await screen.pilot.click("RecordTable", offset=(10, 3), times=2)
        await screen.settle()
        assert "Transcript" in screen.text


async def test_times_are_those_of_the_day() -> None:
    async with running(FakeFeed([record(0)])) as screen:
        assert NOW.astimezone().strftime("%H:%M:%S") in screen.at_cursor
