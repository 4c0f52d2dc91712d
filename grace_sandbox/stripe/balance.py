"""The account's balance and its transactions. Nothing moves money without one of them; they never change."""

from datetime import UTC, datetime, timedelta

from grace_sandbox.stripe.call import Call, operation
from grace_sandbox.stripe.errors import Json
from grace_sandbox.stripe.lists import page

SETTLING_DAYS = 2


@operation("GET", "/v1/balance")
def retrieve(call: Call) -> Json:
    rows = call.store.db.execute(
        "select data ->> 'currency' as currency, sum(iif(data ->> 'available_on' <= ?, data ->> 'net', "
        "0)) as available, sum(iif(data ->> 'available_on' > ?, data ->> 'net', 0)) as pending from "
        "object where account = ? and type = 'balance_transaction' group by 1 order by 1",
        (call.now, call.now, call.account.name),
    ).fetchall()
    sums = [dict(row) for row in rows] or [{"currency": "usd", "available": 0, "pending": 0}]
    parts = {
        name: [{"amount": row[name], "currency": row["currency"], "source_types": {"card": row[name]}} for row in sums]
        for name in ("available", "pending")
    }
    return {"object": "balance", "livemode": False, **parts}


@operation("GET", "/v1/balance_transactions/{id}")
def retrieve_transaction(call: Call, id_: str) -> Json:
    return call.get("balance_transaction", id_, kind="balance transaction")


@operation("GET", "/v1/balance_transactions")
def list_transactions(call: Call) -> Json:
    return page(call, "balance_transaction", "/v1/balance_transactions", equal=("currency", "source", "type"))


def book(call: Call, *, type_: str, source: Json, amount: int, fee: int = 0, available_on: int | None = None) -> Json:
    """One movement of the balance: `amount` is signed, `fee` is kept back. Available at once unless told."""
    currency = source["currency"]
    part = {"amount": fee, "application": None, "currency": currency, "type": "stripe_fee"}
    fees = [part | {"description": "Stripe processing fees"}]
    transaction: Json = {
        "id": call.new_id("txn"), "object": "balance_transaction", "amount": amount,
        "available_on": call.now if available_on is None else available_on, "balance_type": "payments",
        "created": call.now, "currency": currency, "description": source.get("description"),
        "exchange_rate": None, "fee": fee, "fee_details": fees if fee else [], "net": amount - fee,
        "reporting_category": type_, "source": source["id"], "status": "pending", "type": type_,
    }  # fmt: skip
    call.save(transaction)
    return transaction


def settles_on(now: int) -> int:
    """When the money of a charge becomes available: midnight UTC, two days on."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((day + timedelta(days=SETTLING_DAYS)).timestamp())
