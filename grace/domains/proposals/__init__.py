"""Proposals and the contracts made from them.

Nouns: proposal (draft → sent → accepted | declined | expired | superseded; what it says never changes, a new
version of the offer is a new proposal with the next `revision`), contract (open → signed | superseded).
Verbs: `service.proposals.write_proposal`, `revise_proposal`, `send_proposal` (by its action alone),
`accept_proposal`, `decline_proposal`, `expire_due`; `service.contracts.make_contract`, `revise_contract`,
`sign_contract`. Facts: ProposalWritten, ProposalRevised, ProposalSent, ProposalAccepted, ProposalDeclined,
ProposalExpired, ProposalSuperseded, ContractMade, ContractSigned. Invariants, kept by the database: a lead has
at most one accepted proposal, a proposal one standing contract.
"""
