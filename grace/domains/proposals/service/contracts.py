"""Contracts: made from an accepted proposal and the workspace's clauses, signed by the client."""

from dataclasses import replace
from datetime import timedelta

from grace.domains.proposals import queries
from grace.domains.proposals.errors import WrongState
from grace.domains.proposals.facts import ContractFact, ContractMade, ContractSigned
from grace.domains.proposals.models import CONTRACT_PREFIX, Contract, Parties, Proposal
from grace.domains.proposals.queries import CONTRACT_COLUMNS
from grace.domains.proposals.rules.contract import (
    AgreedItem,
    AgreedPayment,
    ContractTerms,
    Party,
    write_contract,
)
from grace.domains.proposals.schemas import CLAUSES, Clauses
from grace.kit import json, links
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

LINK = "contract"
LINK_LIFETIME = timedelta(days=365)


async def make_contract(tx: Tx, *, proposal: Proposal) -> Contract:
    """The contract of a proposal that was accepted just now, with the link to sign it."""
    return await _insert(tx, proposal, revision=1)


async def revise_contract(tx: Tx, *, reference: queries.Reference) -> Contract:
    """The next version of an unsigned contract, with today's clauses; the link to the old one ends.

    WrongState once it is signed or superseded.
    """
    before = await queries.contract(tx, reference, lock=True)
    if before.status != "open":
        raise WrongState(f"Only an open contract is made anew; this one is {before.status}.", current=before.status)
    await _change(tx, before, replace(before, status="superseded"), "supersede_contract")
    await links.revoke(tx, kind=LINK, subject=before.id)
    return await _insert(tx, await queries.proposal(tx, before.proposal_id), revision=before.revision + 1)


async def sign_contract(tx: Tx, *, contract_id: str, name: str) -> tuple[Contract, bool]:
    """The client signs by typing a name. The same signature again changes nothing (False); WrongState otherwise."""
    before = await queries.contract(tx, contract_id, lock=True)
    if before.status == "signed" and before.signed_by == name:
        return before, False
    if before.status != "open":
        raise WrongState(f"This contract is {before.status} already.", current=before.status)
    after = replace(before, status="signed", signed_at=tx.now, signed_by=name)
    after = await _change(tx, before, after, "sign_contract")
    tx.emit(_fact(ContractSigned, after))
    return after, True


async def _insert(tx: Tx, proposal: Proposal, *, revision: int) -> Contract:
    clauses = await CLAUSES.read(tx)
    number = f"C-{proposal.number}" + (f"-{revision}" if revision > 1 else "")
    written = write_contract(
        _terms(tx, proposal, clauses, number), clauses=clauses.texts(), clauses_version=clauses.name()
    )
    contract = await tx.one(
        Contract,
        "insert into contract as c (id, contract_number, proposal_id, client_id, lead_id, revision, title, content,"
        " clauses_version, sha256, parties, currency, total_minor, created_at) values (%(id)s, %(contract_number)s,"
        " %(proposal)s, %(client)s, %(lead)s, %(revision)s, %(title)s, %(content)s, %(clauses)s, %(sha256)s,"
        f" %(parties)s::jsonb, %(currency)s, %(total)s, %(now)s) returning {CONTRACT_COLUMNS}",
        id=new_id(CONTRACT_PREFIX),
        contract_number=number,
        proposal=proposal.id,
        client=proposal.client_id,
        lead=proposal.lead_id,
        revision=revision,
        title=proposal.title,
        content=written.text,
        clauses=written.clauses_version,
        sha256=written.sha256,
        parties=json.dumps(proposal.parties),
        currency=proposal.currency,
        total=proposal.total_minor,
        now=tx.now,
    )
    await links.make(tx, kind=LINK, subject=contract.id, lifetime=LINK_LIFETIME)
    audit.record(tx, action="make_contract", subject=("contract", contract.id), after=_shown(contract))
    tx.emit(_fact(ContractMade, contract))
    return contract


def _terms(tx: Tx, proposal: Proposal, clauses: Clauses, number: str) -> ContractTerms:
    who = Parties(**proposal.parties)
    version = f" (version {proposal.revision})" if proposal.revision > 1 else ""
    return ContractTerms(
        number=number,
        project=proposal.title,
        made_on=tx.now.date(),
        provider=Party(
            who.signer or who.business, who.business, who.business_address, who.business_email, who.business_tax_id
        ),
        client=Party(who.client, who.client_company, who.client_address, who.client_email, who.client_tax_id),
        proposal=f"{proposal.name}{version}",
        currency=proposal.currency,
        total_minor=proposal.total_minor,
        weeks=proposal.weeks,
        items=tuple(
            AgreedItem(
                one["title"], one["description"], tuple(one["includes"]), tuple(one["acceptance"]), one["price_minor"]
            )
            for one in proposal.deliverables
        ),
        payments=tuple(AgreedPayment(part["due"], part["amount_minor"]) for part in proposal.payments),
        law=clauses.law,
        payment_days=clauses.payment_days,
    )


async def _change(tx: Tx, before: Contract, after: Contract, action: str) -> Contract:
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    await tx.execute(
        "update contract set status = %(status)s, signed_at = %(signed_at)s, signed_by = %(signed_by)s,"
        " version = %(version)s, updated_at = %(now)s where id = %(id)s",
        status=after.status,
        signed_at=after.signed_at,
        signed_by=after.signed_by,
        version=after.version,
        now=tx.now,
        id=after.id,
    )
    audit.record(tx, action=action, subject=("contract", after.id), before=_shown(before), after=_shown(after))
    return after


def _fact(kind: type[ContractFact], contract: Contract) -> ContractFact:
    return kind(contract.id, contract.proposal_id, contract.client_id, contract.lead_id, contract.version)


def _shown(contract: Contract) -> dict[str, object]:
    """What the audit log keeps of a contract: above all the hash of what is signed."""
    names = ("contract_number", "proposal_id", "revision", "status", "sha256", "currency", "total_minor",
             "clauses_version", "signed_at", "signed_by")  # fmt: skip
    return {name: getattr(contract, name) for name in names}
