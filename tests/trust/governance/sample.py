"""A small domain for the tests: invoices that are paid back under a policy of three holds and one denial."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grace.kit.errors import Conflict, NotFound
from grace.kit.tx import Tx
from grace.trust.governance import actions as _registers_activate_policy  # noqa: F401
from grace.trust.governance import queries
from grace.trust.governance.registry import action
from grace.trust.governance.service import policy
from grace.trust.governance.shipped import shipped

TABLES = """
create table sample_invoice (id text primary key, version integer not null);
create table sample_refund (id bigint generated always as identity, invoice_id text not null references sample_invoice,
    amount_minor bigint not null, currency text not null, principal text not null);
grant select, insert, update, delete on sample_invoice, sample_refund to grace_app;
"""
REFUSED_BY_EXECUTOR = 13

POLICY = """
@id("sample-staff") permit (principal, action == Action::"sample_refund", resource)
when { principal is Agent || principal in [Role::"owner", Role::"admin", Role::"member"] };

@id("sample-big") @says("Above 100 dollars.") @quorum("majority of parliament") @solo
forbid (principal, action == Action::"sample_refund", resource)
when { context.total_usd_minor > 10000 } unless { context.approved_quorums.contains("sample-big") };

@id("sample-huge") @says("Above 1,000 dollars.") @quorum("2 of owner,admin")
forbid (principal, action == Action::"sample_refund", resource)
when { context.total_usd_minor > 100000 } unless { context.approved_quorums.contains("sample-huge") };

@id("sample-never") @says("Above 10,000 dollars: never.")
forbid (principal, action == Action::"sample_refund", resource) when { context.total_usd_minor > 1000000 };
"""
CASES: list[dict[str, Any]] = [
    {
        "name": "small",
        "action": "sample_refund",
        "principal": {"kind": "user", "roles": ["member"]},
        "context": {"total_usd_minor": 10000},
        "expect": "allowed",
    }
]


@dataclass(frozen=True, slots=True)
class Refunded:
    """What the executor gives back."""

    id: int
    secret: str


async def _total(tx: Tx, asked: "SampleRefund") -> Mapping[str, object]:
    invoice = await tx.first(dict, "select id from sample_invoice where id = %(id)s for update", id=asked.invoice_id)
    if invoice is None:
        raise NotFound("There is no such invoice.")
    total = asked.amount_minor + await tx.value(
        "select coalesce(sum(amount_minor), 0)::bigint from sample_refund where invoice_id = %(id)s",
        id=asked.invoice_id,
    )
    return {"total_usd_minor": await queries.usd_equivalent_minor(tx, total, asked.currency)}


async def _version(tx: Tx, asked: "SampleRefund") -> Mapping[str, object]:
    version = await tx.value("select version from sample_invoice where id = %(id)s", id=asked.invoice_id)
    if version is None:
        raise NotFound("There is no such invoice.")
    return {"version": version}


async def _refund(tx: Tx, asked: "SampleRefund") -> Refunded:
    if asked.amount_minor % 100 == REFUSED_BY_EXECUTOR:
        raise Conflict("Thirteen cents are bad luck.")
    number = await tx.value(
        "insert into sample_refund (invoice_id, amount_minor, currency, principal)"
        " values (%(invoice)s, %(amount)s, %(currency)s, %(principal)s) returning id",
        invoice=asked.invoice_id,
        amount=asked.amount_minor,
        currency=asked.currency,
        principal=tx.principal.id,
    )
    await tx.execute("update sample_invoice set version = version + 1 where id = %(id)s", id=asked.invoice_id)
    return Refunded(number, "do-not-keep")


@action(
    name="sample_refund",
    effect="money_out",
    money="amount_minor",
    executor=_refund,
    context=_total,
    state=_version,
    context_types={"total_usd_minor": int},
)
@dataclass(frozen=True, slots=True)
class SampleRefund:
    """Pay back part of an invoice."""

    invoice_id: str
    amount_minor: int
    currency: str = "USD"


def text(extra: str = "") -> str:
    """The sample's policy with the shipped one for changing it."""
    rules = shipped().text
    return rules[rules.index("// Putting another policy") : rules.index("// Delivering")] + POLICY + extra


def cases() -> list[dict[str, Any]]:
    """Their cases."""
    return [case for case in shipped().cases if case["action"] == "activate_policy"] + CASES


async def activate(tx: Tx, extra: str = "") -> None:
    """Put the sample's policy in force."""
    await policy.activate_policy(tx, text=text(extra), cases=cases())
