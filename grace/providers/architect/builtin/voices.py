"""How a proposal speaks, by kind of project: an opening sentence and a paragraph on how the work is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grace.providers.architect.port import WorkKind


@dataclass(frozen=True, slots=True)
class Voice:
    """The words for one kind of project."""

    opening: str
    approach: str


VOICES: Mapping[WorkKind | None, Voice] = MappingProxyType(
    {
        None: Voice(
            "Thank you for telling us what you need.",
            "We work in small steps. You see something real every week, and you decide what comes "
            "next before money "
            "is spent on it.",
        ),
        WorkKind.WEBSITE: Voice(
            "Thank you for telling us about the site you have in mind.",
            "We start with the pages that bring you enquiries or save you calls, and put a first "
            "version online on a "
            "test address early. You judge it on your own phone, not from a drawing.",
        ),
        WorkKind.SHOP: Voice(
            "Thank you for telling us about the shop you have in mind.",
            "We build the way from product to paid order first and polish afterwards. Before a "
            "customer sees it, you "
            "and we have bought, cancelled and refunded in it ourselves.",
        ),
        WorkKind.APP: Voice(
            "Thank you for walking us through the product you have in mind.",
            "We build the one thing your users come for first, and let a few of them try it before "
            "the rest is built. "
            "What they do with it decides the order of the remaining work.",
        ),
        WorkKind.API: Voice(
            "Thank you for the clear description of what other systems should be able to do with yours.",
            "We write the description of the interface first and agree on it with you, because "
            "changing a text costs "
            "minutes and changing a published interface costs weeks.",
        ),
        WorkKind.INTEGRATION: Voice(
            "Thank you for explaining which systems should work together.",
            "The part that goes wrong in integrations is rarely the connection, it is the "
            "exceptions: doubles, missing "
            "fields, outages. So we agree on those first and test them on purpose.",
        ),
        WorkKind.AUTOMATION: Voice(
            "Thank you for showing us where time is lost today.",
            "We first watch the process as it is done now, then automate the frequent cases and "
            "leave the odd ones to "
            "a person. For a while both run side by side, until you trust the result.",
        ),
        WorkKind.DATA: Voice(
            "Thank you for telling us which figures you need to decide.",
            "We begin with the decisions, then define each figure in one sentence, then build. Ten "
            "figures of your "
            "choice are checked against the source before anybody relies on them.",
        ),
        WorkKind.AI: Voice(
            "Thank you for telling us what you hope AI can take over.",
            "We agree on a test first: real cases with right answers. A simple version comes early "
            "and is measured "
            "against it; what does not pass stays with people.",
        ),
        WorkKind.DESIGN: Voice(
            "Thank you for telling us how you want to be seen.",
            "You get two directions to react to, not ten. We decide on one together, finish it, and "
            "hand over "
            "everything you need to use it without us.",
        ),
        WorkKind.SECURITY: Voice(
            "Thank you for your trust in asking us to look for weak spots.",
            "We test what an attacker would test, rank what we find by the harm it could do, and fix in that order.",
        ),
        WorkKind.DISCOVERY: Voice(
            "Thank you for getting in touch.",
            "We think the honest first step is a short, fixed-price one: we work out together what "
            "is worth building, "
            "and you get a plan and a price that you can take anywhere.",
        ),
    }
)
