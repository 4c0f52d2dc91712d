"""Pure decisions about votes, hashes and thresholds."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from typing import Any, Literal

from grace.kit import json
from grace.kit.money import DIGITS
from grace.kit.tx import Principal
from grace.trust.governance.errors import UnreadableQuorum
from grace.trust.identity.rules import has_just_signed_in

GROUPS = frozenset({"owner", "admin", "parliament"})
"""Who a `@quorum` may name."""

MAX_LONG = 2**63 - 1
"""Cedar's largest number: an amount that nobody can value is above every threshold."""

RATE_MAX_AGE = timedelta(days=7)

_QUORUM = re.compile(r"(majority|[1-9][0-9]{0,2}) of ([a-z]+(?:,[a-z]+)*)")


@dataclass(frozen=True, slots=True)
class Quorum:
    """`count` votes, or more than half (None), of the members of `groups` taken together."""

    count: int | None
    groups: tuple[str, ...]

    @classmethod
    def parse(cls, text: str | None) -> "Quorum":
        """From `"1 of owner,admin"` or `"majority of parliament"`; anything else is UnreadableQuorum."""
        match = _QUORUM.fullmatch(text or "")
        if match is None:
            raise UnreadableQuorum(f"{text!r} is not of the form 'N of group' or 'majority of group'")
        groups = tuple(match[2].split(","))
        unknown = set(groups) - GROUPS
        if unknown or len(set(groups)) < len(groups):
            raise UnreadableQuorum(f"{text!r} names groups other than {', '.join(sorted(GROUPS))}, or one twice")
        return cls(None if match[1] == "majority" else int(match[1]), groups)

    def needed(self, voters: int) -> int:
        """Votes needed when `voters` people may vote; at least one."""
        return voters // 2 + 1 if self.count is None else self.count


@dataclass(frozen=True, slots=True)
class Bench:
    """The `members` now of the groups that a hold's quorum names, each with the person whose vote it casts.

    An agent casts its owner's. `solo` is as the policy says.
    """

    quorum: Quorum
    members: Mapping[str, str]
    solo: bool

    def voters(self, *, proposer_id: str, proposer_owner: str | None, alone: bool) -> Mapping[str, str]:
        """The members who may vote: neither the proposer, save in a Parliament of one, nor its side's agents."""
        return {
            member: person
            for member, person in self.members.items()
            if (member != proposer_id or alone) and (member == person or person not in (proposer_id, proposer_owner))
        }


def is_parliament_of_one(benches: Collection[Bench], proposer_id: str) -> bool:
    """Whether the proposer is the only person who could vote, for every hold, and every hold admits that."""
    people = {person for bench in benches for person in bench.members.values()}
    return people == {proposer_id} and all(bench.solo and proposer_id in bench.members for bench in benches)


def can_be_met(quorum: Quorum, voters: Mapping[str, str]) -> bool:
    """Whether these voters suffice, should all of them approve."""
    people = len(set(voters.values()))
    return 0 < quorum.needed(people) <= people


def tally(quorum: Quorum, voters: Mapping[str, str], votes: Mapping[str, bool]) -> Literal["met", "open", "rejected"]:
    """Where a hold stands; `votes` say who approves, one of them a person. Only those of `voters` count.

    A quorum of a number: one vote against ends it. A majority: it ends when one can no longer be reached.
    """
    counted = [approve for voter, approve in votes.items() if voter in voters]
    approving, against = counted.count(True), counted.count(False)
    people = len(set(voters.values()))
    needed = quorum.needed(people)
    if against and (quorum.count is not None or against > people - needed):
        return "rejected"
    return "met" if approving >= needed else "open"


def why_no_vote(
    principal: Principal, *, voters: Collection[str], proposer_id: str, proposer_owner: str | None
) -> str | None:
    """Why this principal may not vote on that proposer's action; None when it may.

    `voters` are the members of all groups that the holds name. A proposer is refused here; the Parliament of
    one is judged apart.
    """
    if principal.kind not in ("user", "agent"):
        return "Only users and agents of this workspace vote."
    if principal.id == proposer_id:
        return "The proposer's own vote never counts."
    if principal.kind == "agent" and principal.owner in (None, proposer_id):
        return "An agent never votes on an action of its owner."
    if principal.kind == "agent" and principal.owner == proposer_owner:
        return "An agent never votes on an action of another agent of its owner."
    if principal.id not in voters:
        return "The policy names others to vote on this action."
    return None


def why_no_solo_vote(principal: Principal, *, reason: str, real_now: datetime) -> str | None:
    """Why a single voting member may not yet approve an own action; None when they may."""
    if principal.kind != "user":
        return "Only a person can approve an own action."
    if not has_just_signed_in(principal, real_now=real_now):
        return "To approve your own action as the only voting member, sign in again first."
    if not reason.strip():
        return "To approve your own action as the only voting member, give a reason."
    return None


def person(principal: Principal) -> str:
    """Whose vote it is: an agent's is its owner's."""
    return principal.owner or principal.id


def canonical(value: Any) -> str:
    """One text for one JSON value: keys sorted, no spaces. Decimals must already be text."""
    return json.dumps(_sorted(value))


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return sha256(canonical(value).encode()).hexdigest()


def usd_minor(amount_minor: int, currency: str, per_usd: Fraction) -> int:
    """The worth in US cents, rounded up, of an amount in a currency of which a dollar buys `per_usd`."""
    if amount_minor < 0:
        raise ValueError("a threshold is measured on an amount of zero or more")
    cents = Fraction(amount_minor, 10 ** DIGITS[currency]) / per_usd * 100
    return min(-(-cents.numerator // cents.denominator), MAX_LONG)


def is_recent(on_date: date, today: date) -> bool:
    """Whether a rate of that day still measures a threshold today."""
    return timedelta(0) <= today - on_date <= RATE_MAX_AGE


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, frozenset | set):
        return [_sorted(item) for item in sorted(value)]
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value
