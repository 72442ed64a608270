"""Clients that come again, as RFC 5321 4.5.4.1 asks of them, until each message is accepted."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence

from ledger import Ledger, Message, Told

PATIENCE = 30.0  # seconds for a reply
PAUSE = (0.02, 0.3)  # seconds before a message is tried again


class Gave(Exception):
    """The relay broke off, or said that the session is over."""


class Senders:
    """Several sessions at once; in each some messages, some of them pipelined, some in pieces."""

    def __init__(self, port: int, ledger: Ledger, chance: random.Random) -> None:
        self.port = port
        self.ledger = ledger
        self.stopped = False
        self.batches: Sequence[int] = (1, 1, 2, 5)  # messages of a session
        self._chance = chance
        self._again: deque[Message] = deque()
        self._new: Iterator[Message] = iter(())
        self._open = 0  # messages on their way

    async def send(self, messages: Iterator[Message], at_once: int) -> None:
        """Send until there are no more and all are accepted, or ``stopped`` is set."""
        self._new, self._open, self.stopped = messages, 0, False
        self._again.clear()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._work())

    async def _work(self) -> None:
        while not self.stopped:
            batch = self._batch(self._chance.choice(self.batches))
            if not batch and not self._open:
                return
            if not batch:
                await asyncio.sleep(0.02)
                continue
            self._open += len(batch)
            told = await self._session(batch)
            self._open -= len(batch)
            again = [m for m in batch if told.get(m.id) not in ("accepted", "refused")]
            self._again.extend(again)
            if again:
                await asyncio.sleep(self._chance.uniform(*PAUSE))

    def _batch(self, size: int) -> list[Message]:
        again = [self._again.popleft() for _ in range(min(size, len(self._again)))]
        return again + list(itertools.islice(self._new, size - len(again)))

    async def _session(self, batch: list[Message]) -> dict[str, Told]:
        told: dict[str, Told] = {}
        talk: _Talk | None = None
        try:
            streams = await asyncio.open_connection("127.0.0.1", self.port)
            talk = _Talk(*streams, self.ledger)
            await talk.hear(220)
            await talk.say(b"EHLO client.test", 250)
            for message in batch:
                talk.dot = False
                try:
                    told[message.id] = await self._transact(talk, message)
                except (OSError, Gave, TimeoutError):
                    told[message.id] = "unknown" if talk.dot else "deferred"
                    raise
                finally:
                    self.ledger.tell(message.id, told.get(message.id, "unknown"))
            await talk.say(b"QUIT", 221)
        except (OSError, Gave, TimeoutError):
            pass
        finally:
            if talk is not None:
                talk.abort()
        return told

    async def _transact(self, talk: _Talk, message: Message) -> Told:
        lines = [f"MAIL FROM:<{message.sender}>".encode()]
        lines += [f"RCPT TO:<{rcpt}>".encode() for rcpt in message.rcpts]
        if self._chance.random() < 0.5:  # RFC 2920
            talk.write(b"\r\n".join([*lines, b"DATA"]) + b"\r\n")
            codes = [await talk.hear() for _ in lines]
            if await talk.hear() != 354:
                return await self._anew(talk, codes)
            if any(code // 100 != 2 for code in codes):
                raise Gave  # nothing is to be sent, and a dot would send it
        else:
            codes = []
            for line in lines:
                codes.append(await talk.say(line))
                if codes[-1] // 100 != 2:
                    return await self._anew(talk, codes)
            if (code := await talk.say(b"DATA")) != 354:
                return await self._anew(talk, [code])
        content = (b"\r\n" + message.content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        await talk.pour(content, self._chance)
        code = await talk.hear()
        return (
            "accepted" if code // 100 == 2 else "refused" if code // 100 == 5 else
            "unknown" if code == 451 else "deferred"
        )  # fmt: skip

    async def _anew(self, talk: _Talk, codes: list[int]) -> Told:
        await talk.say(b"RSET", 250)
        first = next((code for code in codes if code // 100 != 2), 451)
        return "refused" if first // 100 == 5 else "deferred"


class _Talk:
    """One session; a reply other than that which is asked for ends it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ledger: Ledger
    ) -> None:
        self._reader, self._writer, self._ledger = reader, writer, ledger
        self.dot = False  # it may have gone out

    def abort(self) -> None:
        """Be gone."""
        self._writer.transport.abort()

    def write(self, data: bytes) -> None:
        """Send ``data`` as it is."""
        self._writer.write(data)

    async def hear(self, wanted: int = 0) -> int:
        """The code of the next reply. Raises Gave at the end of the session."""
        async with asyncio.timeout(PATIENCE):
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
        if not line.endswith(b"\n") or not line[:3].isdigit():
            raise Gave
        if line[:1] not in b"23":
            self._ledger.why[line.decode(errors="replace").rstrip()] += 1
        code = int(line[:3])
        if code == 421 or (wanted and code != wanted):
            raise Gave
        return code

    async def say(self, line: bytes, wanted: int = 0) -> int:
        """Send a command, and hear its reply."""
        self.write(line + b"\r\n")
        return await self.hear(wanted)

    async def pour(self, content: bytes, chance: random.Random) -> None:
        """Send content whole, or in pieces that are cut anywhere."""
        self.dot = True
        while content:
            size = chance.choice((len(content), chance.randrange(1, 200), 65_536))
            self.write(content[:size])
            content = content[size:]
            await self._writer.drain()
            if len(content) < 2000:
                await asyncio.sleep(0)
