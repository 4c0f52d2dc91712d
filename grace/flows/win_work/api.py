"""The door of generating proposals."""

from grace.domains.proposals.schemas import ProposalOut
from grace.flows.win_work import service
from grace.flows.win_work.schemas import GeneratedProposal, GenerateProposal, ProjectPlan
from grace.kit.edge import Doors, InUnit

doors = Doors(tags=["Proposals"])


@doors.post("/api/business/proposals/generate", may="proposals:write", returns=GeneratedProposal)
async def generate_proposal(unit: InUnit, body: GenerateProposal) -> GeneratedProposal:
    """Have the architect write a proposal for a client from the rate card, the templates and past projects."""
    made = await service.generate_proposal(
        unit, client=body.client_id, lead=body.lead_id, requirements=body.requirements, budget=body.budget
    )
    return GeneratedProposal(
        proposal_id=made.proposal.id,
        proposal=ProposalOut.of(made.proposal, None),
        project_plan=ProjectPlan.of(made.plan, made.proposal.currency),
    )
