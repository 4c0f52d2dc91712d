"""What people of a business, their clients and payers do, each act a few requests.

Who acts is a `Grace`: with a key it is somebody of the business, without one a client who has only signed links.
Every act raises GraceError when a door refuses, or when what must follow has not happened.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from grace.app.actors.browser import TEST_CARD, Challenge, confirm_card
from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.client.http import Json, Waiting

DEADLINE_S = 120.0
POLL_S = 0.15

T = TypeVar("T")


async def approve(decision_id: str, *votes: tuple[Grace, str]) -> Json:
    """Each votes for a held action with a reason; the last vote must run it. Answers the decision."""
    decision: Json = {"status": "without a vote"}
    for voter, reason in votes:
        decision = await voter.vote(decision_id, approve=True, reason=reason)
    expect(decision["status"] == "executed", f"The votes should have run it; the decision is {decision['status']}.")
    return decision


async def accept_proposal(staff: Grace, client: Grace, proposal_id: str, *, name: str) -> None:
    """The client accepts by the link that was sent."""
    proposal = await staff.proposal(proposal_id)
    await client.act_on_link(proposal["client_url"], "accept", name=name)


async def decline_proposal(staff: Grace, client: Grace, proposal_id: str, *, reason: str) -> None:
    """The client declines by the link that was sent."""
    proposal = await staff.proposal(proposal_id)
    await client.act_on_link(proposal["client_url"], "decline", reason=reason)


async def sign_contract(client: Grace, contract: Json, *, name: str) -> None:
    """The client signs by its link."""
    await client.act_on_link(contract["client_url"], "sign", name=name)


async def complete_milestones(staff: Grace, project: Json, *, upto: int | None = None) -> None:
    """Each open milestone is done in the hours that were planned; the first `upto` of them, or all."""
    for milestone in project["milestones"][:upto]:
        if milestone["completed_at"] is None:
            await staff.complete_milestone(project["id"], milestone["number"], hours_spent=milestone["hours"])


async def pay_by_card(
    client: Grace,
    pay_link: str,
    *,
    stripe_api_base: str,
    on_wait: Waiting,
    card: str = TEST_CARD,
    challenge: Challenge = "complete",
) -> str:
    """The payer's browser asks for an intent by the pay link and confirms it at the provider; answers its id."""

    async def intent() -> Json | None:
        answer = await client.act_on_link(pay_link, "intent")
        return answer if answer.get("client_secret") else None

    asked = await until("the card provider", intent, on_wait=on_wait)
    return await confirm_card(
        stripe_api_base,
        client_secret=asked["client_secret"],
        publishable_key=asked["publishable_key"],
        return_url=pay_link,
        deadline_s=DEADLINE_S,
        on_wait=on_wait,
        card=card,
        challenge=challenge,
    )


async def first(found: Awaitable[Sequence[Json]]) -> Json | None:
    """The first of a list, None when it is empty."""
    return next(iter(await found), None)


async def until(what: str, ask: Callable[[], Awaitable[T | None]], *, on_wait: Waiting) -> T:
    """Ask until there is an answer; GraceError when the deadline passes."""
    started = time.monotonic()
    while True:
        found = await ask()
        if found is not None:
            return found
        waited_s = time.monotonic() - started
        if waited_s > DEADLINE_S:
            raise cannot_go_on(f"Waited {DEADLINE_S:.0f} s for {what}.")
        on_wait(f"waiting for {what}.", waited_s)
        await asyncio.sleep(POLL_S)


def held(answer: Json) -> str:
    """The decision of an answer that must be held for approval."""
    expect(answer.get("status") == "awaiting_approval", f"The policy should have held this: {answer}")
    return str(answer["decision_id"])


def expect(holds: bool, otherwise: str) -> None:
    """GraceError that says `otherwise` unless it holds."""
    if not holds:
        raise cannot_go_on(otherwise)


def cannot_go_on(detail: str) -> GraceError:
    """What happened is not what must have happened."""
    return GraceError({"type": "/problems/story", "title": "The story cannot go on", "status": None, "detail": detail})
