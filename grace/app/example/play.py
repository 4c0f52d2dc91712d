"""Plays a plan: founder, partner, operator, their agent, clients and payers act through a year of half-weeks."""

from decimal import Decimal
from random import Random

from grace.app.actors import acts
from grace.app.example import words
from grace.app.example.cash import collect, pay_back
from grace.app.example.plan import DAYS, MONTH, Opportunity, Work
from grace.app.example.stage import Stage, Studio
from grace.client.api import Grace
from grace.client.http import Json


def begin(stage: Stage) -> None:
    """Let everybody wait for their day."""
    stage.calendar.begin(_rates(stage))
    for one in stage.plan.opportunities:
        stage.calendar.begin(_arrive(stage, one))


async def _rates(stage: Stage) -> None:
    """The partner enters the rates, week by week in a whole year, so that policies can value other currencies."""
    every = 2 if stage.plan.size == "whole" else MONTH
    for number in range(0, DAYS + 1, every):
        rates = stage.plan.rates[number]
        day = stage.calendar.days[stage.calendar.today].date()
        listed = [{"currency": code, "per_usd": rate, "on_date": day.isoformat()} for code, rate in rates.items()]
        await stage.studio.partner.post("/api/v1/rates", {"rates": listed})
        await stage.calendar.until(number + every, first=True)


async def _arrive(stage: Stage, one: Opportunity) -> None:
    """A lead is captured, by the agent when it came by itself, and scored."""
    await stage.calendar.until(one.day)
    who, studio = one.contact, stage.studio
    catcher = studio.agent if one.source in ("website", "email", "api", "upwork") else studio.operator
    lead = await catcher.capture_lead(
        source=one.source,
        name=who.name,
        email=who.email,
        company=who.company,
        industry=who.industry,
        country=who.country,
        timezone=who.timezone,
        project_type=one.project_type,
        timeline=one.timeline,
        requirements=one.requirements,
        budget=one.budget,
        value_estimate=one.budget,
    )
    studio.tally.leads += 1
    await studio.agent.qualify_lead(lead["lead_id"])
    await _pursue(stage, one, client_id=lead["client_id"], lead_id=lead["lead_id"])


async def _pursue(stage: Stage, one: Opportunity, *, client_id: str, lead_id: str) -> None:
    """What becomes of it, until it is won or over."""
    studio, dice = stage.studio, stage.dice(one.name)
    arrived = stage.calendar.today
    if one.fate in ("unqualified", "quiet"):
        if one.fate == "quiet":
            await _call(studio.operator, lead_id, dice)
        await stage.calendar.until(arrived + 4 + one.patience)
        if dice.random() < 0.7:
            await studio.operator.move_lead(lead_id, "LOST", reason=one.reason)
        return
    if one.fate != "waiting":
        await stage.calendar.until(arrived + 1, first=True)
    made = await studio.operator.generate_proposal(
        client_id=client_id, lead_id=lead_id, requirements=one.requirements, budget=one.budget
    )
    proposal_id = made["proposal"]["id"]
    studio.tally.proposals += 1
    if one.fate == "draft":
        return
    decision_id = acts.held(await studio.agent.send_proposal(proposal_id))
    if one.fate == "waiting":
        return
    await acts.approve(decision_id, (dice.choice((studio.founder, studio.partner)), dice.choice(words.VOTES)))
    if one.fate in ("open", "silent"):
        return
    sent = stage.calendar.today
    if one.negotiated:
        await stage.calendar.until(sent + 1)
        await _call(studio.operator, lead_id, dice)
        await studio.operator.move_lead(lead_id, "NEGOTIATION", reason="Scope and dates are discussed.")
    await stage.calendar.until(sent + one.patience)
    if one.fate == "won":
        await acts.accept_proposal(studio.operator, studio.client, proposal_id, name=one.contact.name)
        await _deliver(stage, one, client_id=client_id, lead_id=lead_id, proposal_id=proposal_id)
        return
    if one.fate == "declined":
        await acts.decline_proposal(studio.operator, studio.client, proposal_id, reason=one.reason)
    await studio.operator.move_lead(lead_id, "LOST", reason=one.reason)


async def _call(staff: Grace, lead_id: str, dice: Random) -> None:
    """Somebody of the studio has talked with the client."""
    told = {"interaction_type": "call", "channel": "phone", "content": dice.choice(words.CALLS)}
    await staff.post(f"/api/v1/leads/{lead_id}/interactions", {**told, "sentiment": dice.choice(("0.2", "0.5", "0.7"))})


async def _deliver(stage: Stage, one: Opportunity, *, client_id: str, lead_id: str, proposal_id: str) -> None:
    """Contract, work in milestones, money, survey, and what follows."""
    studio, calendar, dice, work = stage.studio, stage.calendar, stage.dice(f"{one.name} work"), one.work
    assert work is not None
    contract = await acts.first(studio.operator.contracts(proposal_id=proposal_id))
    assert contract is not None
    await acts.sign_contract(studio.client, contract, name=one.contact.name)
    await calendar.until(calendar.today + 1)
    project = await acts.first(studio.operator.projects(lead_id=lead_id))
    assert project is not None
    studio.tally.projects += 1
    await _ask_for_delivery(studio, project, dice)
    if work.deposit:
        amount = (project["budget"] * 4 / 10).quantize(Decimal("0.01"))
        invoice = await studio.operator.invoice_project(project["id"], amount=amount)
        calendar.begin(collect(stage, invoice, work.payments[1], name=f"{one.name} deposit"))
    begun = calendar.today
    await calendar.until(begun + work.pace // 2)
    await acts.complete_milestones(studio.operator, project, upto=len(project["milestones"]) // 2)
    await calendar.until(begun + work.pace)
    await acts.complete_milestones(studio.operator, await studio.operator.project(project["id"]))
    await studio.operator.mark_delivered(project["id"])
    invoice = await studio.operator.invoice_project(project["id"])
    calendar.begin(collect(stage, invoice, work.payments[0], name=one.name))
    if work.refund:
        calendar.begin(pay_back(stage, invoice, work.refund, after=work.payments[0].after))
    if work.care:
        calendar.begin(_care(stage, one, work, client_id))
    if work.score is not None:
        await _rate(stage, project["id"], work, delivered=calendar.today)
    if work.again is not None:
        await _again(stage, work.again, client_id=client_id, lead_id=lead_id)


async def _ask_for_delivery(studio: Studio, project: Json, dice: Random) -> None:
    """The operator has it built; above the threshold founder and partner vote for it."""
    answer = await studio.operator.deliver_project(project["id"], spec="As offered; keep the texts short.")
    if answer.get("status") == "awaiting_approval":
        votes = [(voter, dice.choice(words.DELIVERY_VOTES)) for voter in (studio.founder, studio.partner)]
        await acts.approve(answer["decision_id"], *votes)


async def _rate(stage: Stage, project_id: str, work: Work, *, delivered: int) -> None:
    """The client answers the survey."""
    await stage.calendar.until(delivered + 2)
    found = await stage.studio.operator.satisfaction(project_id)
    await stage.studio.client.act_on_link(found["survey_url"], "", score=work.score, comment=work.comment)


async def _again(stage: Stage, one: Opportunity, *, client_id: str, lead_id: str) -> None:
    """Paid and rated, a new lead of the client is open: it is told what comes next, and pursued."""
    operator = stage.studio.operator
    while True:
        await stage.calendar.until(stage.calendar.today + 2)
        if (await operator.lead(lead_id))["stage"] == "REPEAT":
            break
    follows = next(lead for lead in await operator.leads(client_id=client_id) if lead["follows"] == lead_id)
    await stage.calendar.until(stage.calendar.today + one.day)
    await operator.post(
        f"/api/v1/leads/{follows['id']}/interactions",
        {"interaction_type": "call", "channel": "phone", "content": one.requirements, "sentiment": "0.8"},
    )
    await stage.studio.agent.qualify_lead(follows["id"])
    await _pursue(stage, one, client_id=client_id, lead_id=follows["id"])


async def _care(stage: Stage, one: Opportunity, work: Work, client_id: str) -> None:
    """Running care, invoiced month by month in the client's own currency."""
    for number, payment in enumerate(work.care):
        await stage.calendar.until(stage.calendar.today + MONTH)
        month = stage.calendar.days[min(stage.calendar.today, DAYS)].strftime("%B %Y")
        invoice = await stage.studio.operator.create_invoice(
            client_id=client_id,
            amount=work.care_amount,
            currency=one.contact.currency,
            description=words.CARE.format(month=month),
        )
        stage.calendar.begin(collect(stage, invoice, payment, name=f"{one.name} care {number}"))
