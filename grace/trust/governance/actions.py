"""Governance's own action: the rules are changed under the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grace.kit.tx import Tx
from grace.trust.governance import queries, registry
from grace.trust.governance.checks import CHANGES_THE_RULES, check
from grace.trust.governance.models import PolicyVersion
from grace.trust.governance.registry import action
from grace.trust.governance.service import policy


async def _activate(tx: Tx, asked: "ActivatePolicy") -> PolicyVersion:
    return await policy.activate_policy(tx, text=asked.text, cases=asked.cases)


async def _checked(tx: Tx, asked: "ActivatePolicy") -> Mapping[str, object]:
    """No facts; but nobody is asked to vote on a text that could not come into force."""
    check(asked.text, asked.cases, registry.registered())
    return {}


async def _replaced(tx: Tx, asked: "ActivatePolicy") -> Mapping[str, object]:
    """The text that the change was judged against."""
    in_force = await queries.policy_in_force(tx)
    return {"in_force": in_force and in_force.version}


@action(
    name=CHANGES_THE_RULES,
    effect="policy",
    executor=_activate,
    context=_checked,
    state=_replaced,
    context_types={},
)
@dataclass(frozen=True, slots=True)
class ActivatePolicy:
    """Put another policy text in force; `cases` are its tests."""

    text: str
    cases: list[dict[str, Any]]
