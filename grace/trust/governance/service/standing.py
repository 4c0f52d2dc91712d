"""Where a held action stands, for whoever looks at it: the votes it needs, has, and may still get."""

from collections.abc import Mapping
from dataclasses import dataclass

from grace.kit.tx import Tx
from grace.trust.governance import queries
from grace.trust.governance.models import Decision, Reason, Vote
from grace.trust.governance.rules import is_parliament_of_one, person, tally
from grace.trust.governance.service import decisions
from grace.trust.governance.service.vote import is_solo, why_not
from grace.trust.identity import queries as identity


@dataclass(frozen=True, slots=True)
class HoldStanding:
    """One hold: how many of its voters' approvals it needs and has."""

    reason: Reason
    needed: int
    approvals: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The votes of a decision. `voters` may vote by today's members; `why_not` says why the reader may not approve
    (a reason given), `solo` that they are the Parliament of one, `decides` that their approval would run it."""

    holds: list[HoldStanding]
    votes: list[Vote]
    voters: list[identity.Member]
    why_not: str | None
    solo: bool
    decides: bool


async def standing(tx: Tx, decision: Decision) -> Standing:
    """Where a decision stands, as the principal sees it. Two statements."""
    holds, cast = decision.holds, await queries.votes(tx, decision.id)
    members = await identity.members(tx, decisions.groups_of(holds))
    benches = decisions.seated(holds, members)
    alone = is_parliament_of_one(benches.values(), decision.proposer_id)
    votes = {one.voter_id: one.approve for one in cast}
    mine = {one.voter_id: one.approve for one in cast if one.person != person(tx.principal)}
    mine[tx.principal.id] = True
    found, voters, met = list[HoldStanding](), dict[str, str](), list[bool]()
    for hold in holds:
        bench = benches[hold.policy or ""]
        may = bench.voters(proposer_id=decision.proposer_id, proposer_owner=decision.proposer_owner, alone=alone)
        voters.update(may)
        needed = bench.quorum.needed(len(set(may.values())))
        found.append(HoldStanding(hold, needed, sum(votes.get(voter, False) for voter in may)))
        met.append(tally(bench.quorum, may, mine) == "met")
    return Standing(
        holds=found,
        votes=cast,
        voters=_once(members, voters),
        why_not=why_not(tx, decision, benches.values(), reason="given"),
        solo=is_solo(tx.principal, decision, benches.values()),
        decides=all(met),
    )


def _once(members: Mapping[str, list[identity.Member]], voters: Mapping[str, str]) -> list[identity.Member]:
    """Each voter once, in the order of their numbers within a group."""
    known = {one.id: one for group in members.values() for one in group if one.id in voters}
    return list(known.values())
