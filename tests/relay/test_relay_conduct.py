"""Conduct acted upon, end to end: every test with each action, through relay and hub."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import Client, Relay

from monitor.assembler import Output
from monitor.checks.case import ClientReport
from monitor.findings.disciplines import default
from monitor.hub import Hub
from monitor.policy.conduct import Conducting
from monitor.policy.entry import Draft
from monitor.policy.ruling import Ruling, Stage
from monitor.record import Record
from monitor.store import Store

NOTE, REFUSE, DROP = "note", "refuse", "drop"
ENVELOPE = (b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>")
MESSAGE = b"Subject: x\r\n\r\nhi\r\n."


class Acting(Relay):
    """A relay with a real hub, and all that came of its sessions."""

    def __init__(self, state: Path, **flags: object) -> None:
        super().__init__(state, **flags)
        self.outputs: list[Output] = []

    async def start(self) -> None:
        await super().start()
        self.store = Store(self.state / "store")
        disciplines = default(self.settings, self.store.memory)
        rulers = [Conducting(self.settings.conduct)]
        self.real = self.context.hub = Hub(self.store, disciplines, rulers)
        self.real.listeners.append(self.outputs.append)

    async def stop(self) -> None:
        await super().stop()
        self.store.close()

    @property
    def records(self) -> list[Record]:
        return [output for output in self.outputs if isinstance(output, Record)]

    def codes(self) -> list[str]:
        return [f.code for output in self.outputs for f in output.findings]


@contextlib.asynccontextmanager
async def acting(state: Path, **conduct: object) -> AsyncIterator[Acting]:
    relay = Acting(state, conduct=conduct)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def early(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.client()
    return client, await client.say(b"EHLO client.test")


async def pipelined(relay: Acting) -> tuple[Client, bytes]:
    relay.upstream.keywords = [b"SIZE 1000000"]
    client = await relay.greeted()
    client.writer.write(b"\r\n".join(ENVELOPE) + b"\r\n")
    await client.reply()
    return client, await client.reply()


async def misnamed(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.client()
    await client.reply()
    return client, await client.say(b"EHLO no_name")


async def foreign(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.client()
    await client.reply()
    return client, await client.say(b"GET / HTTP/1.1")


async def endless(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.client()
    await client.reply()
    return client, await client.say(b"PROXY TCP4 " + b"1" * 5_000)


async def binary(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.client()
    await client.reply()
    return client, await client.say(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")


async def deaf(relay: Acting) -> tuple[Client, bytes]:
    relay.upstream.answers[b"MAIL"] = b"550 5.7.1 not you\r\n"
    client = await relay.greeted()
    return client, await client.say(*ENVELOPE)


async def stubborn(relay: Acting) -> tuple[Client, bytes]:
    relay.upstream.answers[b"RCPT"] = b"550 5.1.1 nobody\r\n"
    relay.upstream.answers[b"DATA"] = b"554 5.5.1 no valid recipients\r\n"
    client = await relay.greeted()
    await client.say(*ENVELOPE, b"DATA")
    relay.upstream.answers.clear()
    return client, await client.say(b"RSET")


async def eight_bit(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.greeted()
    await client.say(*ENVELOPE, b"DATA")
    return client, await client.say("Subject: ü\r\n.".encode())


async def smuggling(relay: Acting) -> tuple[Client, bytes]:
    client = await relay.greeted()
    await client.say(*ENVELOPE, b"DATA")
    return client, await client.say(b"hi\n.\r\nMAIL FROM:<c@d.test>\r\n.")


class Case(NamedTuple):
    """How the fault comes about, the setting, the finding, and the code of a refusal."""

    act: Callable[[Acting], Awaitable[tuple[Client, bytes]]]
    setting: str
    finding: str
    refusal: bytes = b"550"
    noted: bytes = b"250"  # the reply where the fault is only noted


CASES = (
    Case(early, "early_talker", "early-talker", b"554", b"220"),
    Case(pipelined, "unannounced_pipelining", "unannounced-pipelining"),
    Case(misnamed, "helo", "helo-syntax"),
    Case(foreign, "not_smtp", "not-smtp", noted=b"500"),
    Case(endless, "not_smtp", "not-smtp", noted=b"500"),
    Case(binary, "not_smtp", "not-smtp", noted=b"500"),
    Case(deaf, "ignored_rejection", "ignored-rejection"),
    Case(stubborn, "data_after_no_recipients", "data-after-no-recipients"),
    Case(eight_bit, "unannounced_8bit", "8bit-unannounced"),
    Case(smuggling, "smuggling", "smuggling"),
)
each_case = pytest.mark.parametrize("case", CASES, ids=[case.act.__name__ for case in CASES])


@contextlib.asynccontextmanager
async def held(state: Path, case: Case, action: str) -> AsyncIterator[Acting]:
    rules = {case.setting: action, "greet_delay": 5 if case.act is early else 0}
    async with acting(state, bare_newline="pass", **rules) as relay:
        yield relay
        await relay.settled()
        assert f"conduct.{case.finding}" in relay.codes()


@each_case
async def test_a_fault_that_is_noted_changes_nothing(tmp_path: Path, case: Case) -> None:
    async with held(tmp_path, case, NOTE) as relay:
        client, reply = await case.act(relay)
        assert reply.startswith(case.noted)
        assert b"mxtap: refused" not in reply
        client.close()


@each_case
async def test_a_fault_is_refused_to_the_end_of_the_session(tmp_path: Path, case: Case) -> None:
    async with held(tmp_path, case, REFUSE) as relay:
        client, reply = await case.act(relay)
        assert reply.startswith(case.refusal + b" 5.7.1 mxtap: refused for bad conduct: ")
        if case.act is early:
            assert await client.rest() == b""  # nothing but the refusal of a banner
        else:
            for command in (*ENVELOPE, b"DATA", b"EHLO client.test"):
                assert (await client.say(command)).startswith(b"550 5.7.1 mxtap: ")
            assert (await client.say(b"QUIT")).startswith(b"221")
    assert relay.upstream.messages == []


@each_case
async def test_a_fault_drops_the_session(tmp_path: Path, case: Case) -> None:
    async with held(tmp_path, case, DROP) as relay:
        client, reply = await case.act(relay)
        assert reply.startswith(b"421 4.7.0 mxtap: closing for bad conduct: ")
        assert await client.rest() == b""
    assert relay.upstream.messages == []


@pytest.mark.parametrize("action", [REFUSE, DROP])
async def test_a_client_on_the_allowlist_is_let_alone(tmp_path: Path, action: str) -> None:
    async with acting(tmp_path, helo=action, early_talker=action, greet_delay=5) as relay:
        relay.real.add(Draft(list="allow", kind="ip", value="127.0.0.1"), "root")
        client, banner = await early(relay)
        assert banner.startswith(b"220")
        await client.reply()
        await client.say(b"EHLO no_name", *ENVELOPE, b"DATA")
        assert await client.say(MESSAGE) == b"250 2.0.0 queued\r\n"


@pytest.mark.parametrize("action", [REFUSE, DROP])
async def test_what_the_upstream_took_stays_taken(tmp_path: Path, action: str) -> None:
    async with acting(tmp_path, not_smtp="note", ignored_rejection=action) as relay:
        client = await relay.greeted()
        await client.say(*ENVELOPE, b"DATA")
        assert await client.say(MESSAGE) == b"250 2.0.0 queued\r\n"
        relay.upstream.answers[b"MAIL"] = b"550 5.7.1 no more\r\n"
        assert b"mxtap" in await client.say(*ENVELOPE)
        client.close()
        await relay.settled()
        assert [(r.verdict.code, r.state) for r in relay.records] == [
            (250, "accepted"),
            (550, "none"),
        ]


@pytest.mark.parametrize("action", [REFUSE, DROP])
async def test_recipients_pipelined_with_data_are_no_fault(tmp_path: Path, action: str) -> None:
    async with acting(tmp_path, data_after_no_recipients=action) as relay:
        relay.upstream.answers[b"RCPT"] = b"550 5.1.1 nobody\r\n"
        relay.upstream.answers[b"DATA"] = b"554 5.5.1 no valid recipients\r\n"
        client = await relay.greeted()
        client.writer.write(b"\r\n".join((*ENVELOPE, b"DATA")) + b"\r\n")
        for _ in range(3):
            await client.reply()
        assert await client.say(b"RSET") == b"250 2.1.0 ok\r\n"
        client.close()
        await relay.settled()
        assert "conduct.data-after-no-recipients" in relay.codes()


async def test_one_session_does_not_answer_for_another(tmp_path: Path) -> None:
    async with acting(tmp_path, helo=REFUSE) as relay:
        await misnamed(relay)
        client = await relay.greeted()
        await client.say(*ENVELOPE, b"DATA")
        assert await client.say(MESSAGE) == b"250 2.0.0 queued\r\n"


async def test_who_speaks_during_the_greet_delay_never_reaches_the_upstream(tmp_path: Path) -> None:
    async with acting(tmp_path, early_talker=REFUSE, greet_delay=5) as relay:
        await early(relay)
        await relay.settled()
        assert relay.upstream.connections == 0
        (record,) = relay.records
        (found,) = [f for f in record.findings if f.code == "conduct.early-talker"]
        assert found.evidence["command"] == "EHLO client.test"
        assert (record.verdict.code, record.verdict.by) == (554, "mxtap")


async def test_who_speaks_while_the_hub_is_asked_is_early_too(tmp_path: Path) -> None:
    async with acting(tmp_path, early_talker=REFUSE, greet_delay=5) as relay:
        at_once = relay.real.rule

        async def of_another_process(stage: Stage) -> Ruling:
            while not any(wire.buffered for wire in relay.listener.wires):
                await asyncio.sleep(0)
            return at_once(stage)

        relay.real.rule = of_another_process  # type: ignore[method-assign,assignment]
        _, banner = await early(relay)
        assert banner.startswith(b"554 5.7.1 mxtap: refused for bad conduct: Spoke")


async def test_without_a_greet_delay_the_first_command_is_refused(tmp_path: Path) -> None:
    async with acting(tmp_path, early_talker=REFUSE) as relay:
        named = relay.checks.client

        async def spoken_to_meanwhile(ip: str) -> ClientReport:
            while not any(wire.buffered for wire in relay.listener.wires):
                await asyncio.sleep(0)
            return await named(ip)

        relay.checks.client = spoken_to_meanwhile  # type: ignore[method-assign]
        client = await relay.client()
        assert (await client.say(b"EHLO client.test")).startswith(b"220")
        assert (await client.reply()).startswith(b"550 5.7.1 mxtap: refused for bad conduct: Spoke")


async def test_a_drop_inside_a_transaction_decides_it(tmp_path: Path) -> None:
    async with acting(tmp_path, unannounced_8bit=DROP) as relay:
        await eight_bit(relay)
        await relay.settled()
        (record,) = relay.records
        assert (record.verdict.code, record.verdict.phase, record.verdict.by) == (
            421,
            "eod",
            "mxtap",
        )
        assert not [line for line in relay.upstream.lines if line == b"DATA"]
