"""The sandbox's whole state in one SQLite file (WAL), so that it outlives `kill -9`.

Accounts, objects, idempotency records, webhook deliveries, faults and work that is due later are rows;
every request is one `transaction()`. There is one connection and no awaiting inside a transaction, so
requests are serial.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists setting (name text primary key, value text not null);
create table if not exists account (
    name text primary key, id text not null unique, counter integer not null default 0,
    clock_offset integer not null default 0
);
create table if not exists object (
    seq integer primary key, account text not null, id text not null, type text not null, data text not null,
    created integer not null, unique (account, id)
);
create index if not exists object_by_type on object (account, type, seq);
create index if not exists object_by_customer on object (account, type, data ->> 'customer');
create index if not exists object_by_intent on object (account, type, data ->> 'payment_intent');
create index if not exists object_by_charge on object (account, type, data ->> 'charge');
create table if not exists idempotency (
    account text not null, key text not null, endpoint text not null, fingerprint text not null,
    status integer not null, body text not null, created integer not null, primary key (account, key)
);
create table if not exists delivery (
    id integer primary key, position integer not null, account text not null, endpoint text not null,
    event text not null, event_type text not null, state text not null, due_at real not null,
    attempts integer not null default 0, fault integer, result text, created_at real not null
);
create index if not exists delivery_by_state on delivery (state, position);
create index if not exists delivery_by_position on delivery (position);
create table if not exists fault (
    id integer primary key, kind text not null, account text, method text, path text not null,
    event_type text not null, skip integer not null, remaining integer, hits integer not null default 0,
    options text not null
);
create table if not exists later (
    id integer primary key, account text not null, due integer not null, work text not null,
    object text not null
);
"""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Account:
    """`name` is what follows `sk_test_`; `id` is the `acct_…`; `now` is its own time in Unix seconds."""

    name: str
    id: str
    now: int


def letters(*parts: object, length: int) -> str:
    """`length` base-62 characters that depend on the parts alone (at most 40)."""
    number = int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest(), "big")
    made = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        made += _BASE62[digit]
    return made


class Store:
    """Rows in, rows out; knows nothing of Stripe. `seed` decides every id and secret of a new file."""

    def __init__(self, path: Path, *, seed: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.executescript(_SCHEMA)
        self.db.execute("insert or ignore into setting values ('seed', ?)", (seed,))
        self.seed: str = self.db.execute("select value from setting where name = 'seed'").fetchone()[0]

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits at the end, rolls back on any exception."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes its own writes on an exception; the transaction around it goes on."""
        self.db.execute("savepoint step")
        try:
            yield
        except BaseException:
            self.db.execute("rollback to step")
            raise
        finally:
            self.db.execute("release step")

    def account(self, name: str) -> Account:
        """The account of that name, made when it is first seen."""
        row = self.db.execute("select id, clock_offset from account where name = ?", (name,)).fetchone()
        if row is None:
            row = {"id": "acct_" + letters(self.seed, name, length=16), "clock_offset": 0}
            self.db.execute("insert into account (name, id) values (?, ?)", (name, row["id"]))
        return Account(name, row["id"], int(time.time()) + row["clock_offset"])

    def accounts(self) -> list[Account]:
        names = self.db.execute("select name from account order by name").fetchall()
        return [self.account(row["name"]) for row in names]

    def move_clock(self, name: str, *, to: int) -> Account:
        """Sets the account's time, which runs on from there; ValueError when that lies in its past.

        Until something happens in it, an account may begin in the past.
        """
        account = self.account(name)
        if to < account.now and self._used(name):
            raise ValueError(f"the clock of {name} stands at {account.now} and moves only forward")
        offset = to - int(time.time())
        self.db.execute("update account set clock_offset = ? where name = ?", (offset, name))
        return self.account(name)

    def _used(self, name: str) -> bool:
        found = self.db.execute("select 1 from object where account = ? and type <> 'webhook_endpoint'", (name,))
        return found.fetchone() is not None

    def forget(self, name: str) -> None:
        """Removes an account with all that is in it."""
        for table in ("object", "idempotency", "delivery", "fault", "later"):
            self.db.execute(f"delete from {table} where account = ?", (name,))
        # Its counter stays, so that no id ever comes twice; its clock shows real time again.
        self.db.execute("update account set clock_offset = 0 where name = ?", (name,))

    def new_letters(self, account: str, *, length: int) -> str:
        """The next characters for an id or a secret of the account."""
        row = self.db.execute(
            "update account set counter = counter + 1 where name = ? returning counter", (account,)
        ).fetchone()
        return letters(self.seed, account, row["counter"], length=length)

    def get(self, account: str, id_: str) -> dict[str, Any] | None:
        row = self.db.execute("select data from object where account = ? and id = ?", (account, id_)).fetchone()
        return None if row is None else json.loads(row["data"])

    def put(self, account: str, value: dict[str, Any]) -> None:
        """Inserts or replaces an object by its `id`; its place in lists stays where it was first put."""
        self.db.execute(
            "insert into object (account, id, type, data, created) values (?, ?, ?, ?, ?)"
            " on conflict (account, id) do update set data = excluded.data",
            (account, value["id"], value["object"], json.dumps(value), value["created"]),
        )

    def find(
        self,
        account: str,
        type_: str,
        where: str = "true",
        *args: object,
        limit: int = -1,
        oldest_first: bool = False,
    ) -> list[dict[str, Any]]:
        """Objects of a type, newest first. `where` is SQL over `data`, `created`, `seq`, `id`; never user
        text.
        """
        order = "asc" if oldest_first else "desc"
        rows = self.db.execute(
            f"select data from object where account = ? and type = ? and {where} order by seq {order} limit ?",
            (account, type_, *args, limit),
        )
        return [json.loads(row["data"]) for row in rows]

    def sequence(self, account: str, id_: str) -> int | None:
        """Where an object stands in the order of creation."""
        row = self.db.execute("select seq from object where account = ? and id = ?", (account, id_)).fetchone()
        return None if row is None else row["seq"]

    def at(self, account: str, *, due: int, work: str, object_id: str) -> None:
        """Notes work that falls due at `due` of the account's time."""
        self.db.execute(
            "insert into later (account, due, work, object) values (?, ?, ?, ?)",
            (account, due, work, object_id),
        )
