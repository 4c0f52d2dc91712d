"""What `GET /_state` shows: every account's objects and undelivered webhooks, and whether anything happened
twice.
"""

from typing import Any

from grace_sandbox.faults import list_faults
from grace_sandbox.store import Account, Store
from grace_sandbox.stripe.call import public


def report(store: Store, *, account: str | None = None) -> dict[str, Any]:
    """The whole state, or one account's."""
    shown = [each for each in store.accounts() if account in (None, each.name)]
    return {
        "seed": store.seed,
        "faults": list_faults(store),
        "accounts": {a.name: _account(store, a) for a in shown},
    }


def _account(store: Store, account: Account) -> dict[str, Any]:
    rows = store.db.execute("select distinct type from object where account = ? order by type", (account.name,))
    objects = {row["type"]: public(store.find(account.name, row["type"])) for row in rows.fetchall()}
    keys = store.db.execute("select count(*) as n from idempotency where account = ?", (account.name,)).fetchone()
    deliveries = [
        dict(row)
        for row in store.db.execute(
            "select id, event, event_type, endpoint, state, attempts, result, due_at from delivery"
            " where account = ? and state <> 'delivered' order by position",
            (account.name,),
        )
    ]
    delivered = store.db.execute(
        "select count(*) as n from delivery where account = ? and state = 'delivered'", (account.name,)
    ).fetchone()
    return {
        "id": account.id, "now": account.now, "idempotency_keys": keys["n"],
        "counts": {name: len(values) for name, values in objects.items()}, "objects": objects,
        "undelivered": deliveries, "delivered": delivered["n"], "payments": _payments(objects),
    }  # fmt: skip


def _payments(objects: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Per PaymentIntent what was taken and given back. `double` names a second effect: there must never be
    one.
    """
    shown = []
    for intent in objects.get("payment_intent", []):
        charges = [c for c in objects.get("charge", []) if c["payment_intent"] == intent["id"]]
        good = [c for c in charges if c["status"] == "succeeded"]
        refunds = [r for r in objects.get("refund", []) if r["payment_intent"] == intent["id"]]
        given = [r for r in refunds if r["balance_transaction"] is not None and r["status"] != "failed"]
        taken = sum(c["amount_captured"] for c in good)
        refunded = sum(r["amount"] for r in given)
        shown.append(
            {
                "payment_intent": intent["id"],
                "status": intent["status"],
                "metadata": intent["metadata"],
                "currency": intent["currency"],
                "amount": intent["amount"],
                "attempts": len(charges),
                "succeeded_charges": len(good),
                "captured": taken,
                "refunds": len(given),
                "refunded": refunded,
                "double": len(good) > 1 or refunded > taken,
            }
        )
    return shown
