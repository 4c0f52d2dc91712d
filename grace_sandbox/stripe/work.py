"""Work that falls due later by an account's clock: settling, expiry of authorisations, ends of refunds."""

from collections.abc import Callable

from grace_sandbox.store import Store
from grace_sandbox.stripe.call import Call

Work = Callable[[Call, str], None]
WORKS: dict[str, Work] = {}


def later(name: str) -> Callable[[Work], Work]:
    """Registers what `Call.later(name, …)` will run with the object's id."""

    def register(work: Work) -> Work:
        WORKS[name] = work
        return work

    return register


def run_due(store: Store) -> int:
    """Runs all work that is due, each piece in a transaction of its own, and returns how much there was."""
    done = 0
    for account in store.accounts():
        while True:
            with store.transaction():
                row = store.db.execute(
                    "delete from later where id = (select id from later where account = ? and due <= ?"
                    " order by due, id limit 1) returning work, object",
                    (account.name, account.now),
                ).fetchone()
                if row is None:
                    break
                WORKS[row["work"]](Call(store, store.account(account.name)), row["object"])
                done += 1
    return done
