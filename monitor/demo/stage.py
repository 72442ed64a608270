"""The stage: the sink, the zone, the settings that join them, the relay, and the cast."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel

from monitor.config import Dns, Greylist, Retry, Settings, Tls
from monitor.demo import home
from monitor.demo.cast import CAST
from monitor.demo.keys import make_keys
from monitor.demo.pace import Pace
from monitor.demo.relay import Relay
from monitor.demo.sender import World
from monitor.demo.sink import Sink
from monitor.demo.troupe import can_bind, play
from monitor.demo.zone import zone

ZONE = "demo.zone"
GREYLIST_DELAY = 5.0  # minutes, as postgrey has it
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # so that one sender's CBC suites are refused

Table = TypeVar("Table", bound=BaseModel)


class Stage:
    """Everything but the screen. Use it as a context manager; ``settings`` are the relay's.

    ``bound`` is False where this machine has one loopback address only: then all senders
    come from it, and what is told of their addresses is not to be believed.
    """

    def __init__(self, state: Path, pace: Pace) -> None:
        self.pace = pace
        self.keys = make_keys()
        self.sink = Sink(home.Rules(home.Greylist(GREYLIST_DELAY * pace.minute)))
        self.bound = can_bind()
        self.settings = Settings(state=state)
        self._relay: Relay | None = None
        self._play: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stage:
        state = self.settings.state
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / ZONE).write_text(zone(CAST, self.keys))
        host, port = await self.sink.start()
        self.settings = settings(state, f"{host}:{port}", self.pace.minute / 60)
        self._relay = await Relay.start(self.settings)
        world = World(self._relay.address, self.keys, self.pace, self.bound)
        self._play = asyncio.create_task(play(CAST, world))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._play:
            self._play.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._play
        if self._relay:
            await self._relay.stop()
        await self.sink.stop()

    async def ended(self) -> int:
        """Wait until the relay has ended by itself, which it should not; its exit code."""
        assert self._relay
        return await self._relay.ended()


def settings(state: Path, upstream: str, minute: float) -> Settings:
    """The relay's settings; all that is judged in minutes is judged in short ones.

    ``minute`` is the length of a minute of the demo, as a fraction of a real one.
    """
    return Settings(
        state=state,
        name=home.HOST,
        listen=("127.0.0.1:0",),
        upstream=upstream,
        identity="xclient",
        local_domains=(home.DOMAIN,),
        report_addresses=(home.REPORTS, home.TLS_REPORTS),
        tls=Tls(ciphers=CIPHERS),
        dns=Dns(zone=state / ZONE),
        greylist=_hasten(Greylist(delay=GREYLIST_DELAY * 60), minute),
        retry=_hasten(Retry(), minute),
    )


def _hasten(table: Table, factor: float) -> Table:
    """``table`` with every time in it multiplied by ``factor``. Counts are int, times float."""

    def scaled(value: object) -> object:
        if isinstance(value, list | tuple):
            return [scaled(item) for item in value]
        return value * factor if isinstance(value, float) else value

    # Defaults are not validated: a time may be an int until it is read back.
    fields = type(table).model_validate(table.model_dump()).model_dump()
    return type(table).model_validate({name: scaled(value) for name, value in fields.items()})
