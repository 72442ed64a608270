"""The tables in their newest form; :mod:`monitor.store.migrations` takes older ones along."""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Column, Index, Integer, event, text
from sqlmodel import Field, SQLModel

from monitor.store.migrations import ENTRIES_STAY

_BIG = BigInteger().with_variant(Integer(), "sqlite")  # where SQLite's integers are of any size


class Meta(SQLModel, table=True):
    """What this database is: rows ``application`` and ``schema``."""

    key: str = Field(primary_key=True)
    value: str


class TransactionRow(SQLModel, table=True):
    """What filters and orders ask of a record, and no more: a filter may have to read all rows.

    ``rcpts`` and ``codes`` (of findings, late ones too) are lines, each with a newline on
    either side. Every order is an index that ends with the time: a page of it is one range.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        Index("ix_transactions_ip", "ip_key", "ended"),
        Index("ix_transactions_code", "code", "ended"),
        Index("ix_transactions_worst", "worst", "ended"),
    )

    n: int | None = Field(  # order of arrival
        default=None, sa_column=Column("n", _BIG, primary_key=True)
    )
    id: str = Field(unique=True)
    session: str = Field(index=True)
    started: float
    ended: float = Field(index=True)
    client_ip: str
    ip_key: str
    helo: str | None
    name: str | None
    mail_from: str | None
    rcpts: str
    author: str | None
    subject: str | None
    message_id: str | None
    size: int | None = Field(sa_column=Column("size", _BIG))
    code: int
    reply: str
    phase: str
    by: str
    tls_protocol: str | None
    tls_cipher: str | None
    codes: str
    worst: int = -1
    relay: str = Field(default="", sa_column_kwargs={"server_default": ""})


class RecordRow(SQLModel, table=True):
    """A record as JSON, as it was told: late findings are not in it."""

    __tablename__ = "records"

    n: int | None = Field(default=None, primary_key=True)  # the transaction's
    record: bytes


class LateRow(SQLModel, table=True):
    """A finding, as JSON, that came after its record."""

    __tablename__ = "late_findings"

    n: int | None = Field(default=None, primary_key=True)
    transaction_id: str = Field(index=True)
    finding: bytes


class TranscriptRow(SQLModel, table=True):
    """Every event of a session, JSON lines, deflated."""

    __tablename__ = "transcripts"

    session: str = Field(primary_key=True)
    ended: float = Field(index=True)
    events: bytes


class EntryRow(SQLModel, table=True):
    """A ban or allowance. Rows only end, once (triggers see to it): they are the audit trail."""

    __tablename__ = "entries"

    id: int | None = Field(default=None, primary_key=True)
    list: str
    kind: str
    value: str
    action: str
    reason: str
    by: str
    created: float
    expires: float | None
    ended: float | None = None
    ended_by: str | None = None
    hits: int = 0


for _statement in ENTRIES_STAY:
    event.listen(
        EntryRow.__table__,  # type: ignore[attr-defined]
        "after_create",
        DDL(_statement).execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call]
    )


class MemoryRow(SQLModel, table=True):
    """What findings remember: opaque values by kind and key."""

    __tablename__ = "memory"
    __table_args__ = (
        Index("ix_memory_newest", "kind", "expires"),
        Index("ix_memory_due", "kind", "due", sqlite_where=text("due IS NOT NULL")),
    )

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: bytes
    expires: float
    due: float | None = None


class SharedEntryRow(SQLModel, table=True):
    """The copy of an entry that all relays share; ``origin`` numbered it ``own`` at first.

    It is ``unsent`` where it was ended here, and the others have not heard of it yet.
    """

    __tablename__ = "shared_entries"

    id: int | None = Field(default=None, primary_key=True)
    list: str
    kind: str
    value: str
    action: str
    reason: str
    by: str
    created: float
    expires: float | None
    ended: float | None = None
    ended_by: str | None = None
    hits: int = 0
    origin: str
    own: int
    unsent: bool = False


class UnsentRow(SQLModel, table=True):
    """A change of memory that other relays have not heard of; ``written`` orders such changes."""

    __tablename__ = "unsent"

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: bytes
    expires: float
    due: float | None = None
    written: float
