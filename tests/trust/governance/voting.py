"""Votes on the sample's refunds, as the tests tell them."""

from grace.kit.tx import Principal
from grace.trust.governance import queries
from grace.trust.governance.models import Decision, Outcome
from grace.trust.governance.service.perform import perform
from grace.trust.governance.service.vote import vote
from tests.trust.governance.office import Office
from tests.trust.governance.sample import SampleRefund


async def held(office: Office, proposer: Principal, amount_minor: int = 20000) -> str:
    async with office.tx(proposer) as tx:
        await tx.execute("insert into sample_invoice values ('in_1', 1) on conflict do nothing")
        outcome = await perform(tx, SampleRefund("in_1", amount_minor))
        assert outcome.held
        return outcome.decision.id


async def cast(office: Office, voter: Principal, decision_id: str, approve: bool = True, reason: str = "") -> Outcome:
    async with office.tx(voter) as tx:
        return await vote(tx, decision_id=decision_id, approve=approve, reason=reason)


async def stored(office: Office, decision_id: str) -> Decision:
    async with office.tx() as tx:
        return await queries.decision(tx, decision_id)


async def refunds(office: Office) -> list[int]:
    return [row["amount_minor"] for row in await office.all("select amount_minor from sample_refund order by id")]
