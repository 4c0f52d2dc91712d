"""Where leads come from, as a form offers it."""

from grace.console.words import say
from grace.domains.crm.rules.sources import SHIPPED
from grace.domains.crm.schemas.clients import LEAD_SOURCES
from grace.kit.tx import Tx


async def source_choices(tx: Tx) -> list[tuple[str, str]]:
    """Key and word of every source: those that Grace knows, then the workspace's own."""
    keys = [*SHIPPED, *(await LEAD_SOURCES.read(tx)).own]
    return [(key, say(key)) for key in keys]
