"""The stage: the sink, the zone, the settings that join them, the relay, and the cast."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pydantic import BaseModel

from monitor.config import Capture, Dns, Greylist, Retry, Settings, Tls
from monitor.demo import home
from monitor.demo.cast import CAST
from monitor.demo.keys import make_keys
from monitor.demo.pace import Pace
from monitor.demo.relay import Relay, RelayError
from monitor.demo.sender import World
from monitor.demo.sink import Sink
from monitor.demo.troupe import can_bind, play
from monitor.demo.zone import zone

ZONE = "demo.zone"
GREYLIST_DELAY = 5.0  # minutes, as postgrey has it
GIVEN_UP = 3_600.0  # seconds of silence that tell it; by default they are hours, which no demo has
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # so that one sender's CBC suites are refused

Table = TypeVar("Table", bound=BaseModel)


class Stage:
    """Everything but the screen. Inside its context the relay runs; ``play`` lets the cast act.

    ``settings`` are the relay's. Where this machine has one loopback address only, all
    senders come from it, and what is told of their addresses is not to be believed.
    """

    def __init__(self, state: Path, pace: Pace) -> None:
        self.pace = pace
        self.keys = make_keys()
        self.sink = Sink(home.Rules(home.Greylist(GREYLIST_DELAY * pace.minute)))
        self.settings = Settings(state=state)
        self._relay: Relay | None = None

    async def __aenter__(self) -> Stage:
        """Raises RelayError where the relay does not start."""
        state = self.settings.state
        (state / ZONE).write_text(zone(CAST, self.keys))
        host, port = await self.sink.start()
        self.settings = settings(state, f"{host}:{port}", self.pace.minute / 60)
        try:
            self._relay = await Relay.start(self.settings)
        except RelayError:
            await self.sink.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._relay:
            await self._relay.stop()
        await self.sink.stop()

    async def play(
        self, *beside: Coroutine[Any, Any, object], seconds: float | None = None
    ) -> None:
        """Let the cast act until a coroutine of ``beside`` ends, or for so many seconds.

        Raises what one of them raises, and RelayError where the relay ends by itself.
        """
        assert self._relay
        world = World(self._relay.address, self.keys, self.pace, can_bind())
        coroutines = (play(CAST, world), self._relay.watch(), *beside)
        tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()


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
        capture=Capture(mode="full"),
        greylist=_hasten(Greylist(delay=GREYLIST_DELAY * 60), minute),
        retry=_hasten(Retry(no_retry=GIVEN_UP, silence=GIVEN_UP), minute),
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
