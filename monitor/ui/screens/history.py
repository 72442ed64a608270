"""A table over the live rows and history: it follows, fetches what is beyond, and orders."""

from __future__ import annotations

from textual import work
from textual.timer import Timer

from monitor.control.feed import FeedError
from monitor.filter import Filter
from monitor.filter.order import Order
from monitor.ui.desk import Desk
from monitor.ui.look import Look
from monitor.ui.screens.meant import RecordsScreen
from monitor.ui.widgets.records import ORDER_OF, RecordTable
from monitor.ui.widgets.state_line import ORDERS, StateLine
from monitor.ui.widgets.table import LineTable

__all__ = ["PAUSE", "HistoryScreen"]

PAUSE = 0.05  # seconds without a key before history is searched


class HistoryScreen(RecordsScreen):
    """Subclasses show ``table``, and a StateLine that tells about it."""

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self.table = RecordTable(desk.model.window, look)
        self._search: Timer | None = None

    @property
    def searched(self) -> bool:
        """True once history has nothing older that passes the filter."""
        return self.desk.model.window.beyond(top=True) is None

    def refilter(self, wanted: Filter | None) -> None:
        """Show what passes ``wanted``, and search history for it when the operator rests."""
        self._stop_looking()
        self.table.follow |= self.desk.model.window.away
        self.desk.refilter(wanted)
        self.sync()
        if self._search:
            self._search.stop()
        self._search = self.set_timer(PAUSE, self._fill)

    # -- rows that are not in memory

    def on_line_table_at_end(self, event: LineTable.AtEnd) -> None:
        """Fetch what is beyond, unless that is done already."""
        state = self.query_one(StateLine)
        if not self.table.follow and state.searching is None:
            self._look_for(1, top=event.top)

    def _look_for(self, rows: int, *, top: bool) -> None:
        """Search history until so many rows more are shown, or there are no more."""
        self._stop_looking()
        self.query_one(StateLine).searching = top
        self._find(rows, top)

    def _stop_looking(self) -> None:
        self.workers.cancel_group(self, "history")
        self.query_one(StateLine).searching = None

    @work(group="history")
    async def _find(self, rows: int, top: bool) -> None:
        try:
            while rows > 0 and (came := await self.desk.more(top=top)) >= 0:
                rows -= came
                self.sync()
        except FeedError as error:
            self.notify(str(error), severity="error")
        self.query_one(StateLine).searching = None
        self.sync()

    def _fill(self) -> None:
        """Where the live rows that pass the filter do not fill the screen, history may."""
        missing = self.size.height - len(self.desk.model.window.shown)
        if missing > 0 and self.desk.model.window.filter:
            self._look_for(missing, top=True)

    def on_record_table_jump(self, event: RecordTable.Jump) -> None:
        """To an end of the order."""
        window = self.desk.model.window
        self.call(self._go(window.order, descending=window.descending, top=event.top))

    def on_line_table_title_clicked(self, event: LineTable.TitleClicked) -> None:
        """Order by a column; by the same one from its other end."""
        order, window = ORDER_OF.get(event.name), self.desk.model.window
        if order == window.order:
            self.action_reverse()
        elif order == "ended":
            self.action_follow()
        elif order:
            self.call(self._go(order, descending=True, top=True))

    async def _go(self, order: Order, *, descending: bool, top: bool) -> None:
        self._stop_looking()
        try:
            await self.desk.go(top=top, order=order, descending=descending)
        finally:
            self.table.going = False
        self.table.follow = not self.desk.model.window.away and not top
        self.table.start_anew(top=top)
        self.sync()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of ours holds while the row that it is meant for is still to come."""
        return not self.table.going and super().check_action(action, parameters)

    def action_follow(self) -> None:
        """Follow, or hold still."""
        self.table.follow = self.desk.model.window.away or not self.table.follow
        self.desk.rejoin()
        self.sync()

    def action_order(self) -> None:
        """Order by another column: the gravest, the greatest or the newest first."""
        orders = list(ORDERS)
        order = orders[(orders.index(self.desk.model.window.order) + 1) % len(orders)]
        if order == "ended":
            self.action_follow()
        else:
            self.call(self._go(order, descending=True, top=True))

    def action_reverse(self) -> None:
        """The same order from its other end."""
        window = self.desk.model.window
        self.call(self._go(window.order, descending=not window.descending, top=True))
