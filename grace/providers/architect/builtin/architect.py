"""The builtin architect: the port fulfilled by rules and templates, without network, clock or chance."""

from grace.providers.architect.builtin.building import build
from grace.providers.architect.builtin.proposing import VERSION, propose, revise
from grace.providers.architect.port import BuildSpec, DeliveryResult, ProposalBrief, ProposalDraft


class BuiltinArchitect:
    """Works offline; the same brief always gives the same answer."""

    @property
    def name(self) -> str:
        """The back end and its version."""
        return VERSION

    async def propose(self, brief: ProposalBrief) -> ProposalDraft:
        """Write a proposal; see `Architect.propose`."""
        return propose(brief)

    async def revise(self, brief: ProposalBrief, draft: ProposalDraft) -> ProposalDraft:
        """Write it anew; see `Architect.revise`."""
        return revise(brief, draft)

    async def build(self, spec: BuildSpec) -> DeliveryResult:
        """Build the delivery pack; see `Architect.build`."""
        return build(spec)
