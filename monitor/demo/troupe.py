"""The cast at work: every sender turn by turn, until the curtain falls."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable

from monitor.demo.sender import Sender, World


async def play(cast: Iterable[type[Sender]], world: World) -> None:
    """Let every sender act for ever; ends only by cancellation."""
    async with asyncio.TaskGroup() as group:
        for sender in cast:
            group.create_task(_act(sender(world)), name=sender.__name__)


async def _act(sender: Sender) -> None:
    pace = sender.world.pace
    await asyncio.sleep(pace.random.uniform(0, sender.every) * pace.minute)
    while True:
        await turn(sender)
        await pace.wait(sender.every)


async def turn(sender: Sender) -> None:
    """One turn; a sender that is refused, dropped or banned shrugs and comes again."""
    with contextlib.suppress(OSError, EOFError):
        await sender.turn()


def can_bind(address: str = "127.0.10.1") -> bool:
    """Whether this machine lets a process send from any address in 127.0.0.0/8."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
