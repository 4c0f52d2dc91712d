"""What is shown beside the button: why, what changes now and after, what the policy and the scan looked at."""

import difflib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from grace.console.marks import mark
from grace.domains.delivery import queries as delivery
from grace.domains.payments import queries as payments
from grace.domains.proposals import queries as proposals
from grace.kit.display import format_last_day, format_money
from grace.kit.errors import NotFound
from grace.kit.tx import Tx
from grace.trust.governance import queries as governance
from grace.trust.governance.models import Decision, Status
from grace.trust.governance.rules import MAX_LONG
from grace.trust.hunter.rules.scan import scan

SHOWN_LINES = 400
_RISK = {
    "": "None found",
    "info": "None found",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "critical": "Critical",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of changes; `same` stays as it is."""

    name: str
    now: str
    after: str
    change: str = ""
    same: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at: fine, or to be looked at by a person."""

    fine: bool
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one action: the proposer's words, the changes, the checks. `severity` is of Hunter's worst finding and
    `score` its score, 100 when clean; None where there was nothing to scan."""

    why: str = ""
    changes: list[Row] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    severity: str | None = None
    score: int | None = None
    text_diff: str = ""

    @property
    def risk(self) -> str:
        """The worst finding in a word; empty without a scan."""
        return "" if self.severity is None else _RISK[self.severity]

    @property
    def tone(self) -> str:
        """The colour of the risk."""
        return {"medium": "warn", "high": "bad", "critical": "bad"}.get(self.severity or "", "ok")


async def evidence(tx: Tx, decision: Decision) -> Evidence:
    """The evidence of a decision, read now; of one that has ended only what it was judged on stays true."""
    reader = _READERS.get(decision.action)
    waits = decision.status == Status.AWAITING_APPROVAL
    try:
        found = await reader(tx, decision) if reader is not None else Evidence()
    except NotFound:
        found = Evidence()
    return Evidence(
        why=found.why,
        changes=found.changes if waits else [],
        checks=[*(found.checks if waits or found.severity is not None else []), *_facts(decision)],
        severity=found.severity,
        score=found.score,
        text_diff=found.text_diff if waits else "",
    )


async def _refund(tx: Tx, decision: Decision) -> Evidence:
    asked = decision.arguments
    amount, currency, reason = asked["amount_minor"], asked["currency"], asked["reason"]
    paid = await payments.refundable(tx, asked["invoice_id"])
    came, back = sum(one.amount_minor for one in paid), sum(one.back_minor for one in paid)
    left = sum(one.left_minor for one in paid)

    def of(minor: int) -> str:
        return format_money(minor, currency)

    ways = sorted({one.method for one in paid if one.left_minor})
    checks = [
        Check(amount <= left, f"{of(left)} of this invoice can still go back"),
        Check(True, f"Goes back the way it came: {', '.join(ways).replace('_', ' ')}") if ways else None,
        Check(
            back == 0, "First refund of this invoice" if back == 0 else f"{of(back)} of this invoice went back before"
        ),
        Check(amount != left or amount == came, "Amount equals what was paid") if amount == came else None,
    ]
    return _scanned(
        {"reason": reason},
        why=reason,
        changes=[
            Row("Received, less refunds", of(came - back), of(came - back - amount), of(-amount)),
            Row("Given back", of(back), of(back + amount), f"+{of(amount)}"),
            Row("Received in all", of(came), of(came), "None", same=True),
        ],
        checks=[check for check in checks if check is not None],
    )


async def _delivery(tx: Tx, decision: Decision) -> Evidence:
    asked = decision.arguments
    project = await delivery.project(tx, asked["project_id"])
    latest = await delivery.latest_delivery(tx, project.id)
    price = format_money(project.budget_minor, project.currency)
    return _scanned(
        {"spec": asked["spec"]},
        why=asked["spec"],
        changes=[
            Row("Delivery", mark(project.delivery_status or "").word if latest else "None yet", "Queued, then built"),
            Row("Project", mark(project.status).word, mark(project.status).word, "None", same=True),
            Row("Price", price, price, "None", same=True),
        ],
        checks=[Check(latest is None, "First delivery of this project" if latest is None else "Replaces a delivery")],
    )


async def _proposal(tx: Tx, decision: Decision) -> Evidence:
    proposal = await proposals.proposal(tx, decision.arguments["proposal_id"])
    total, found = format_money(proposal.total_minor, proposal.currency), proposal.scan
    budget = proposal.budget_minor
    checks = [
        Check(
            proposal.over_budget_minor == 0,
            f"Within the client's budget of {format_money(budget, proposal.currency)}"
            if proposal.over_budget_minor == 0
            else f"{format_money(proposal.over_budget_minor, proposal.currency)} above the client's budget",
        )
        if budget is not None
        else None,
        *(Check(False, one["why"], one.get("excerpt", "")) for one in found.get("findings", [])[:12]),
        Check(True, "No instructions, odd links or secrets found in the text") if not found.get("findings") else None,
    ]
    return Evidence(
        why=proposal.summary,
        changes=[
            Row("Proposal", mark(proposal.status).word, "Sent"),
            Row("Client's link to answer", "None", f"Until {format_last_day(proposal.expires_at)}"),
            Row("Total", total, total, "None", same=True),
        ],
        checks=[check for check in checks if check is not None],
        severity=found.get("severity") or "",
        score=found.get("score"),
    )


async def _policy(tx: Tx, decision: Decision) -> Evidence:
    asked = decision.arguments
    versions = await governance.policy_versions(tx, limit=1)
    before, text = (versions[0].text if versions else ""), str(asked.get("text", ""))
    lines = list(difflib.unified_diff(before.splitlines(), text.splitlines(), "now", "after", lineterm="", n=2))
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    gone = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    number, cases = (versions[0].version if versions else 0), len(asked.get("cases", []))
    old = len(versions[0].cases) if versions else 0
    return Evidence(
        changes=[
            Row("Policy in force", f"Version {number}", f"Version {number + 1}"),
            Row("Lines", f"{len(before.splitlines())}", f"{len(text.splitlines())}", f"+{added} \u2212{gone}"),
            Row("Tested cases", str(old), str(cases), f"{cases - old:+d}".replace("-", "\u2212"), same=cases == old),
        ],
        checks=[Check(True, "The text parses, its types hold, and all its cases pass")],
        text_diff="\n".join(lines[:SHOWN_LINES]),
    )


_READERS: Mapping[str, Callable[[Tx, Decision], Coroutine[Any, Any, Evidence]]] = {
    "refund_payment": _refund,
    "deliver_project": _delivery,
    "send_proposal": _proposal,
    "activate_policy": _policy,
}


def _scanned(words: Mapping[str, object], *, why: str, changes: list[Row], checks: list[Check]) -> Evidence:
    """With what Hunter says of the proposer's own words."""
    found = scan("message", words)
    said = [Check(False, one.why, one.excerpt) for one in found.findings[:12]]
    if not said and any(words.values()):
        said = [Check(True, "No instructions, odd links or secrets found in the words given")]
    return Evidence(
        why=why, changes=changes, checks=checks + said, severity=str(found.severity or ""), score=found.score
    )


def _facts(decision: Decision) -> list[Check]:
    """The facts that the policy judged, in words; amounts are in US cents."""
    found = []
    for name, value in decision.context.items():
        if name.endswith("_usd_minor") and isinstance(value, int):
            words = name.removesuffix("_usd_minor").replace("_", " ").replace("24h", "within 24 hours")
            sum_ = "no recent exchange rate to value it" if value == MAX_LONG else format_money(value, "USD")
            found.append(Check(value != MAX_LONG, f"{words.capitalize()}, this one included: {sum_}"))
    return found
