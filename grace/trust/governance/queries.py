"""Questions about decisions, votes, policies and rates."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from grace.kit.errors import NotFound
from grace.kit.money import check_currency
from grace.kit.tx import Principal, Tx
from grace.trust.governance import registry
from grace.trust.governance.cedar import PolicyText, known, parsed
from grace.trust.governance.models import Change, Decision, ExchangeRate, PolicyVersion, Status, Vote
from grace.trust.governance.rules import MAX_LONG, is_recent, usd_minor

DECISION = (
    "id, number, action, effect, arguments, arguments_sha256, state_sha256, context, inputs_sha256,"
    " policy_version, reasons, status, proposer_kind, proposer_id, proposer_name, proposer_owner,"
    " proposer_roles, proposed_at, expires_at, decided_at, result, version"
)
POLICY = "version, text, cases, sha256, source, activated_at, activated_by"
MAX_COMPARED = 200


async def decision(tx: Tx, decision_id: str, *, lock: bool = False) -> Decision:
    """A decision by its id, or by its number; NotFound. With `lock` nobody else changes it meanwhile."""
    found = await tx.first(
        Decision,
        f"select {DECISION} from decision where id = %(key)s or number::text = %(key)s"
        + (" for update" if lock else ""),
        key=decision_id,
    )
    if found is None:
        raise NotFound("There is no such decision.")
    return found


async def decisions(
    tx: Tx, *, status: Status | None = None, before: int | None = None, limit: int = 50
) -> list[Decision]:
    """Decisions, the newest first; `before` is the number of the last one seen."""
    return await tx.all(
        Decision,
        f"select {DECISION} from decision where (%(status)s::text is null or status = %(status)s)"
        " and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s",
        status=status,
        before=before,
        limit=limit,
    )


async def decisions_among(
    tx: Tx, statuses: Collection[Status], *, before: int | None = None, limit: int = 50
) -> list[Decision]:
    """Decisions of some statuses, the newest first; `before` is the number of the last one seen."""
    return await tx.all(
        Decision,
        f"select {DECISION} from unnest(%(statuses)s::text[]) as wanted (name)"
        " cross join lateral (select * from decision where status = wanted.name"
        " and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s) d"
        " order by number desc limit %(limit)s",
        statuses=sorted(statuses),
        before=before,
        limit=limit,
    )


async def awaiting_from_others(tx: Tx, *, action: str, arguments_sha256: str) -> Decision | None:
    """The oldest decision that awaits approval of exactly this action and was proposed by someone else."""
    return await tx.first(
        Decision,
        f"select {DECISION} from decision where status = 'awaiting_approval' and action = %(action)s"
        " and arguments_sha256 = %(sha256)s and proposer_id <> %(me)s order by number limit 1",
        action=action,
        sha256=arguments_sha256,
        me=tx.principal.id,
    )


async def awaiting_from_me(tx: Tx, *, action: str, arguments_sha256: str) -> Decision | None:
    """The decision that awaits approval of exactly this action of the principal, locked."""
    return await tx.first(
        Decision,
        f"select {DECISION} from decision where status = 'awaiting_approval' and action = %(action)s"
        " and arguments_sha256 = %(sha256)s and proposer_id = %(me)s for update",
        action=action,
        sha256=arguments_sha256,
        me=tx.principal.id,
    )


async def awaiting_about(tx: Tx, *, action: str, argument: str, values: Sequence[str]) -> dict[str, str]:
    """Of actions of this name that await approval, the id of the newest for each value of one argument."""
    rows = await tx.all(
        dict,
        "select id, arguments ->> %(argument)s as about from decision where status = 'awaiting_approval'"
        " and action = %(action)s and arguments ->> %(argument)s = any(%(values)s) order by number",
        action=action,
        argument=argument,
        values=list(values),
    )
    return {row["about"]: row["id"] for row in rows}


async def votes(tx: Tx, decision_id: str) -> list[Vote]:
    """The votes on a decision, in the order in which they were cast."""
    return await tx.all(
        Vote,
        "select decision_id, person, voter_kind, voter_id, voter_name, approve, reason, solo, cast_at"
        " from vote where decision_id = %(id)s order by cast_at, person",
        id=decision_id,
    )


class InForce(NamedTuple):
    """The policy that judges now."""

    version: int
    policy: PolicyText


async def policy_in_force(tx: Tx) -> InForce | None:
    """The policy that judges now; None when there is none, or when its text is not what its hash says."""
    head = await tx.first(dict, "select version, sha256 from policy_set order by version desc limit 1")
    if head is None:
        return None
    policy = known(head["sha256"])
    if policy is None:
        policy = parsed((await policy_version(tx, head["version"])).text)
    return InForce(head["version"], policy) if policy.sha256 == head["sha256"] else None


async def policy_version(tx: Tx, version: int) -> PolicyVersion:
    """A policy version with its text and cases; NotFound."""
    found = await tx.first(
        PolicyVersion, f"select {POLICY} from policy_set where version = %(version)s", version=version
    )
    if found is None:
        raise NotFound("There is no such policy version.")
    return found


async def policy_versions(tx: Tx, *, before: int | None = None, limit: int = 50) -> list[PolicyVersion]:
    """Policy versions, the one in force first."""
    return await tx.all(
        PolicyVersion,
        f"select {POLICY} from policy_set where (%(before)s::bigint is null or version < %(before)s)"
        " order by version desc limit %(limit)s",
        before=before,
        limit=limit,
    )


async def changed_by(tx: Tx, text: str) -> list[Change]:
    """Which of the latest 200 decisions this text would judge otherwise, on the facts of their time."""
    policy = parsed(text)
    changes: list[Change] = []
    for past in await decisions(tx, limit=MAX_COMPARED):
        kind = registry.named(past.action)
        if kind is None:
            continue
        was = Status(past.status) if past.state_sha256 is None else Status.AWAITING_APPROVAL
        would_be = policy.judge(
            kind,
            principal=proposer(past),
            workspace=tx.workspace.handle,
            context=_as_facts(past.context),
        ).status
        if was is not would_be:
            changes.append(Change(past.id, past.action, was, would_be))
    return changes


async def usd_equivalent_minor(tx: Tx, amount_minor: int, currency: str) -> int:
    """The worth of an amount in US cents, rounded up, by the latest rate of the last 7 days (business time).

    Without such a rate it is the largest number there is, above every threshold.
    """
    code = check_currency(currency)
    if code == "USD":
        return usd_minor(amount_minor, code, Fraction(1))
    today = tx.now.date()
    rate = await latest_rate(tx, code)
    if rate is None or not is_recent(rate.on_date, today):
        return MAX_LONG
    return usd_minor(amount_minor, code, Fraction(Decimal(rate.per_usd)))


async def latest_rate(tx: Tx, currency: str) -> ExchangeRate | None:
    """The newest rate of a currency."""
    return await tx.first(
        ExchangeRate,
        "select currency, on_date, per_usd from exchange_rate where currency = %(currency)s"
        " order by on_date desc limit 1",
        currency=currency,
    )


async def latest_rates(tx: Tx, currencies: Collection[str]) -> list[ExchangeRate]:
    """The newest rate of each of these currencies that has one."""
    return await tx.all(
        ExchangeRate,
        "select r.* from unnest(%(currencies)s::text[]) as c (code) cross join lateral ("
        "select currency, on_date, per_usd from exchange_rate where currency = c.code order by on_date desc limit 1) r"
        " order by r.currency",
        currencies=sorted(currencies),
    )


def proposer(past: Decision) -> Principal:
    """Who proposed, with the roles of that time."""
    return Principal(
        past.proposer_kind,  # type: ignore[arg-type]
        past.proposer_id,
        past.proposer_name,
        frozenset(past.proposer_roles),
        owner=past.proposer_owner,
    )


def _as_facts(stored: dict[str, Any]) -> dict[str, object]:
    return {name: frozenset(fact) if isinstance(fact, list) else fact for name, fact in stored.items()}
