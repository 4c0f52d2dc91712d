"""The address of the form for outsiders: opened, read, replaced, closed; and what is sent by it."""

from datetime import timedelta

from grace.domains.crm.rules.sources import is_source
from grace.domains.crm.schemas.clients import LEAD_SOURCES
from grace.domains.crm.schemas.lead_form import Enquiry, LeadForm
from grace.domains.crm.service.leads import CapturedLead, capture_lead
from grace.kit import links
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

LINK = "lead_form"
SUBJECT = "form"
LIFETIME = timedelta(days=3650)
USUAL_SOURCE = "website"


async def address(tx: Tx) -> str | None:
    """The token of the form's link, None while it is closed."""
    return (await links.tokens(tx, kind=LINK, subjects=[SUBJECT])).get(SUBJECT)


async def open_form(tx: Tx, *, anew: bool) -> str:
    """The token of the form's link, made if there is none; `anew` ends the one that stands."""
    stands = await address(tx)
    if stands is not None and not anew:
        return stands
    if stands is not None:
        await links.revoke(tx, kind=LINK, subject=SUBJECT)
    audit.record(tx, action="replace_lead_form" if stands else "open_lead_form", subject=("setting", "lead_form"))
    return await links.make(tx, kind=LINK, subject=SUBJECT, lifetime=LIFETIME)


async def close_form(tx: Tx) -> None:
    """End the form's link."""
    await links.revoke(tx, kind=LINK, subject=SUBJECT)
    audit.record(tx, action="close_lead_form", subject=("setting", "lead_form"))


async def send_enquiry(tx: Tx, form: LeadForm, enquiry: Enquiry) -> CapturedLead:
    """Capture what somebody sent. A source that the workspace has dropped since counts as the website."""
    own = frozenset() if is_source(form.source) else frozenset((await LEAD_SOURCES.read(tx)).own)
    source = form.source if is_source(form.source, own=own) else USUAL_SOURCE
    return await capture_lead(tx, source=source, client=enquiry.client(), lead=enquiry.lead(tx.workspace.currency))
