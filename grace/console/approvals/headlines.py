"""How an action reads in a list and above its page: the verb, the amount, the noun."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grace.insight.naming import Noun
from grace.kit.display import format_money
from grace.kit.money import DIGITS
from grace.trust.governance import registry
from grace.trust.governance.models import Decision
from grace.trust.governance.rules import Quorum


@dataclass(frozen=True, slots=True)
class Headline:
    """`Refund` `$12,400.00` `to Mossgate Logistics`. `weight` is the sum that the action is about, if any: its own
    amount or what its noun comes to. `approve` is the button's verb, `icon` the action's."""

    verb: str
    amount: str
    rest: str
    weight: str
    approve: str
    icon: str
    noun: Noun | None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verb, self.amount, self.rest)))


_ICONS = {
    "message": "send",
    "money_in": "wallet",
    "money_out": "undo-2",
    "work": "package",
    "data": "layers",
    "secret": "key-round",
    "policy": "scale",
}
UNDO = {
    "message": "No: what was sent stays sent",
    "money_in": "Yes, by a refund",
    "money_out": "No: the money leaves at once",
    "work": "Yes: nothing reaches the client by itself",
    "data": "Yes",
    "secret": "No",
    "policy": "Yes, by another version",
}
"""Whether an action can be undone, by its effect."""
IRREVERSIBLE = frozenset({"message", "money_out", "secret"})


def ids_in(decisions: Iterable[Decision]) -> set[str]:
    """The ids that the arguments and results of some decisions name."""
    found = set[str]()
    for decision in decisions:
        given = decision.result if isinstance(decision.result, dict) else {}
        for values in (decision.arguments, given):
            found.update(value for name, value in values.items() if name.endswith("id") and isinstance(value, str))
    return found


def headline(decision: Decision, nouns: Mapping[str, Noun]) -> Headline:
    """The headline of a decision; an action that is new here reads by its name."""
    asked, amount = decision.arguments, money_of(decision)
    noun = next((nouns[v] for n, v in asked.items() if n.endswith("_id") and isinstance(v, str) and v in nouns), None)
    client = (noun.client_name if noun else None) or "a client"
    label = noun.label if noun else ""
    worth = ""
    if noun is not None and noun.amount_minor is not None and noun.currency in DIGITS:
        worth = format_money(noun.amount_minor, noun.currency)
    weight = amount or worth
    approve = f"Approve {weight}" if weight else "Approve"
    verb, rest = {
        "refund_payment": ("Refund", f"to {client}"),
        "send_proposal": (f"Send proposal {label}".strip(), f"to {client}"),
        "deliver_project": ("Deliver", label or "a project"),
        "activate_policy": ("Put another policy in force", ""),
    }.get(decision.action, (decision.action.replace("_", " ").capitalize(), label))
    if decision.action == "activate_policy":
        approve = "Approve the policy"
    return Headline(verb, amount, rest, weight, approve, _ICONS.get(decision.effect, "circle-dot"), noun)


def quorum_words(text: str) -> str:
    """`1 of the owners and admins` for `1 of owner,admin`, `most of Parliament` for a majority."""
    quorum = Quorum.parse(text)
    groups = " and ".join("Parliament" if group == "parliament" else f"{group}s" for group in quorum.groups)
    of = groups if groups == "Parliament" else f"the {groups}"
    return f"{'most' if quorum.count is None else quorum.count} of {of}"


def needs(decision: Decision) -> str:
    """What a waiting decision needs, in a few words: `1 vote`, `Parliament`."""
    holds = [Quorum.parse(hold.quorum) for hold in decision.holds]
    if any(hold.count is None for hold in holds):
        return "Parliament"
    most = max((hold.count or 1 for hold in holds), default=1)
    return f"{most} vote{'' if most == 1 else 's'}"


def money_of(decision: Decision) -> str:
    """The amount that an action moves, by the field that it declares; empty when it moves none."""
    kind = registry.named(decision.action)
    minor = decision.arguments.get(kind.money) if kind and kind.money else None
    currency = decision.arguments.get("currency")
    return format_money(minor, currency) if isinstance(minor, int) and currency in DIGITS else ""
