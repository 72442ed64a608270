"""A long history for the benches: records like those of a busy day, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.record import Client, Message, Recipient, Record, Tls, moment

END = 1_770_000_000.0  # the newest ends here
EACH = 0.5  # seconds between two
SENDERS = 5_000
RARE = "retry.rapid-fire"  # about one in a thousand
WORDS = [
    "notes",
    "of",
    "the",
    "week",
    "invoice",
    "offer",
    "order",
    "reminder",
    "receipt",
    "news",
    "your",
    "letter",
    "about",
]


def records(count: int, seed: int = 1) -> Iterator[Record]:
    """``count`` records, oldest first."""
    rng = random.Random(seed)
    for number in range(count):
        yield record(number, END - (count - number) * EACH, rng)


def record(number: int, at: float, rng: random.Random) -> Record:
    """One of them: a few senders send much, most findings are common and some are rare."""
    sender = min(int(rng.paretovariate(0.6)), SENDERS)
    domain = f"sender{sender}.example"
    ip = f"198.{18 + sender // 65536}.{sender // 256 % 256}.{sender % 256}"
    kind = rng.random()
    code = 250 if kind < 0.85 else 450 if kind < 0.95 else 550
    reply = {250: f"2.0.0 Ok: queued as {number:06X}", 450: "4.2.0 Greylisted, come back later",
             550: "5.1.1 User unknown"}[code]  # fmt: skip
    mail_from = f"bounce+{number}@{domain}"
    message = Message(
        size=rng.randrange(500, 200_000),
        from_=f"news@{domain}",
        subject=" ".join(rng.choices(WORDS, k=5)),
        message_id=f"<{number:012x}@{domain}>",
    )
    return Record(
        id=f"{number:014x}-1",
        session=f"{number:014x}",
        started=moment(at - 0.4),
        ended=moment(at),
        relay="mx.home.example",
        client=Client(ip=ip, port=40_000, name=f"out{sender}.{domain}", helo=f"mail.{domain}",
                      tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384") if sender % 9 else None),
        mail_from=mail_from,
        rcpts=(Recipient(f"user{rng.randrange(200)}@home.example", code, reply),),
        message=message if code == 250 else None,
        verdict=ev.Verdict(code=code, reply=reply, phase="eod" if code == 250 else "rcpt",
                           by="upstream"),
        state="accepted" if code == 250 else "refused",
        findings=tuple(_findings(sender, domain, ip, rng)),
    )  # fmt: skip


def _findings(sender: int, domain: str, ip: str, rng: random.Random) -> Iterator[ev.Finding]:
    proof = {"ip": ip, "identity": "mailfrom", "domain": domain, "lookups": 1, "void_lookups": 0,
             "record": f"v=spf1 ip4:{ip} -all", "mechanism": f"ip4:{ip}"}  # fmt: skip
    yield finding("tls.ok" if sender % 9 else "tls.none", "TLSv1.3", protocol="TLSv1.3", bits=256)
    yield finding("spf.pass" if sender % 20 else "spf.fail", f"{ip} for {domain}", **proof)
    yield finding("dkim.pass" if sender % 7 else "dkim.none", d=domain, s="s1", bits=2048)
    yield finding("dmarc.pass" if sender % 7 else "dmarc.none", author=domain, found_by="walk")
    if rng.random() < 0.05:
        yield finding("dkim.key-1024", d=domain, s="s1", bits=1024)
    if rng.random() < 0.001:
        yield finding(RARE, "3 attempts in 2 s", seconds=2)
