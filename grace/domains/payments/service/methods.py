"""Cards that clients agreed to be charged with again."""

from collections.abc import Mapping
from dataclasses import replace

import psycopg

from grace.domains.payments import queries
from grace.domains.payments.models import METHOD_COLUMNS, StoredMethod
from grace.domains.payments.service import calls, cards
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.providers.payments.port import Method, Refused
from grace.providers.payments.port import cards as provider
from grace.trust.audit import service as audit


async def begin_method(
    tx: Tx, *, client_id: str, provider_method: str, client_details: Mapping[str, str], make_default: bool
) -> StoredMethod:
    """Order that a method is kept for a client; one that is kept already only becomes the default."""
    cards.check_configured(tx)
    known = await tx.first(
        StoredMethod,
        f"select {METHOD_COLUMNS} from payment_method where provider = %(provider)s and client_id = %(client)s"
        " and provider_method = %(method)s and state <> 'refused' order by number limit 1 for update",
        provider=provider().name,
        client=client_id,
        method=provider_method,
    )
    if known is not None:
        return await _make_default(tx, known) if make_default and known.state == "active" else known
    method = await tx.one(
        StoredMethod,
        "insert into payment_method (id, client_id, provider, provider_method, created_at) values (%(id)s, %(client)s,"
        f" %(provider)s, %(method)s, %(now)s) returning {METHOD_COLUMNS}",
        id=new_id("card"),
        client=client_id,
        provider=provider().name,
        method=provider_method,
        now=tx.now,
    )
    await calls.order(
        tx,
        kind="attach_method",
        noun=method.id,
        arguments={
            **await cards.customer_arguments(tx, client_id=client_id, details=client_details),
            "method": provider_method,
            "make_default": make_default,
        },
    )
    return method


async def attached(tx: Tx, method_id: str, told: Method, *, make_default: bool) -> StoredMethod:
    """The provider keeps the method; a client's first one is the default in any case."""
    method = await queries.method(tx, method_id, lock=True)
    if method.state != "pending":
        return method
    await cards.know_customer(tx, method.client_id, told.customer)
    try:
        async with tx.savepoint():
            after = await tx.one(
                StoredMethod,
                "update payment_method set state = 'active', provider_method = %(method)s, brand = %(brand)s,"
                " last4 = %(last4)s, exp_month = %(month)s, exp_year = %(year)s, version = version + 1"
                f" where id = %(id)s returning {METHOD_COLUMNS}",
                id=method.id,
                method=told.id,
                brand=told.brand,
                last4=told.last4,
                month=told.exp_month,
                year=told.exp_year,
            )
    except psycopg.errors.UniqueViolation:
        return await refused(tx, method.id, Refused("This card is stored already.", code="stored_already"))
    audit.record(
        tx,
        action="store_payment_method",
        subject=("payment_method", after.id),
        before={"state": method.state},
        after={"client_id": after.client_id, "brand": after.brand, "last4": after.last4},
    )
    first = await queries.default_method(tx, [after.client_id]) is None
    return await _make_default(tx, after) if make_default or first else after


async def refused(tx: Tx, method_id: str, why: Refused) -> StoredMethod:
    """The provider does not keep the method."""
    method = await queries.method(tx, method_id, lock=True)
    if method.state != "pending":
        return method
    after = replace(
        method, state="refused", failure_code=why.code[:100], failure_message=why.message, version=method.version + 1
    )
    await tx.execute(
        "update payment_method set state = 'refused', failure_code = %(code)s, failure_message = %(message)s,"
        " version = %(version)s where id = %(id)s",
        id=method.id,
        code=after.failure_code,
        message=after.failure_message,
        version=after.version,
    )
    audit.record(
        tx,
        action="refuse_payment_method",
        subject=("payment_method", method.id),
        before={"state": method.state},
        after={"state": "refused", "failure_code": after.failure_code},
    )
    return after


async def _make_default(tx: Tx, method: StoredMethod) -> StoredMethod:
    if method.is_default:
        return method
    await tx.execute(
        "update payment_method set is_default = false, version = version + 1 where client_id = %(client)s"
        " and is_default",
        client=method.client_id,
    )
    await tx.execute(
        "update payment_method set is_default = true, version = version + 1 where id = %(id)s", id=method.id
    )
    audit.record(
        tx,
        action="choose_default_payment_method",
        subject=("payment_method", method.id),
        after={"client_id": method.client_id},
    )
    return replace(method, is_default=True, version=method.version + 1)
