"""A look at the provider for whoever reads an invoice that may have been paid meanwhile."""

import asyncio
from datetime import UTC, datetime

import psycopg
import structlog

from grace.domains.payments.service import cards as attempts
from grace.flows.collect_cash import cards
from grace.kit.settings import settings
from grace.kit.tx import transaction
from grace.kit.unit import Unit, UnknownOutcome
from grace.kit.workspace import Workspace
from grace.providers.payments import port
from grace.providers.payments.port import Intent, Refused

log = structlog.get_logger()

LONGEST_S = 3.0
"""Who reads does not wait longer for the provider than this."""


async def look(unit: Unit, *, invoice_id: str) -> bool:
    """Ask the provider what became of the invoice's open attempt, and believe it; True when it was asked.

    At most one look per attempt in `payment_look_every_s`. Whatever goes wrong, the reader gets what is known.
    """
    workspace = unit.tx.workspace
    intent = await attempts.take_look(unit.tx, invoice_id=invoice_id, every_s=settings().payment_look_every_s)
    if intent is None:
        return False
    async with unit.outside():
        asked_at = datetime.now(UTC)
        told = await _ask(workspace, intent)
        if told is not None:
            try:
                async with transaction(unit.workspaces, unit.handle) as tx:
                    await cards.believe(tx, told, asked_at=asked_at)
            except psycopg.OperationalError as busy:
                log.info("looked in vain", workspace=unit.handle, intent=intent, error=type(busy).__name__)
    return True


async def _ask(workspace: Workspace, intent: str) -> Intent | None:
    try:
        async with asyncio.timeout(LONGEST_S):
            return await port.cards().intent(workspace, intent)
    except (TimeoutError, UnknownOutcome, Refused) as error:
        log.info("looked in vain", workspace=workspace.handle, intent=intent, error=type(error).__name__)
        return None
