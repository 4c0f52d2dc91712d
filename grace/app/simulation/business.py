"""What has happened so far, as the people of the simulation remember it, and how they ask for more.

Only answers count: what was refused or never answered is not remembered. Everything is drawn from one seed.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from grace.app.actors.browser import confirm_card
from grace.app.simulation.stage import HANDLE, LOOK_EVERY_S, Stage
from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.client.http import Json

T = TypeVar("T")
PATIENCE_S = 60.0
REFUSALS = range(400, 500)


@dataclass
class Told:
    """A request that was answered, to be sent once more."""

    who: Grace
    path: str
    body: Json
    key: str
    answer: Any


@dataclass
class Business:
    """The people with their keys, and what they remember.

    `asked` counts requests: their keys come from it. `ahead` is how far the business's clock is before the real one.
    """

    stage: Stage
    dice: random.Random
    people: dict[str, Grace]
    client: Grace
    asked: int = 0
    ahead: timedelta = timedelta(0)
    leads: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    sending: list[str] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    contracts: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    surveys: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    invoices: list[Json] = field(default_factory=list)
    payments: list[Json] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    @property
    def founder(self) -> Grace:
        """Who runs the business."""
        return self.people["founder"]

    def one_of(self, things: Sequence[T]) -> T | None:
        """Any of them; None when there are none."""
        return self.dice.choice(things) if things else None

    async def act(self, who: Grace, path: str, body: Json | None = None) -> Any:
        """Act once, whatever dies meanwhile: the request is repeated under its key until it is answered."""
        self.asked += 1
        key = f"request-{self.asked}"
        answer = await who.post(path, body, key=key)
        self.told.append(Told(who, path, body or {}, key, answer))
        if isinstance(answer, dict) and answer.get("decision_id") and answer.get("requires_approval"):
            self.decisions.append(answer["decision_id"])
        return answer

    async def confirm(self, link: str, intent: Json, card: str) -> str:
        """The payer's browser gives the card to the provider."""
        try:
            return await confirm_card(
                self.stage.provider,
                client_secret=intent["client_secret"],
                publishable_key=intent["publishable_key"],
                return_url=link,
                deadline_s=PATIENCE_S,
                on_wait=lambda why, waited_s: None,
                card=card,
            )
        except GraceError as error:
            return error.detail

    async def at_provider(self, path: str, form: dict[str, Any]) -> Json:
        """What the founder does in the provider's own dashboard."""
        self.asked += 1
        headers = {"Idempotency-Key": f"dashboard-{self.asked}"}
        auth = (f"sk_test_{HANDLE}", "")
        async with httpx.AsyncClient(base_url=self.stage.provider, auth=auth, trust_env=False) as dashboard:
            while True:
                with suppress(httpx.TransportError):
                    return dict((await dashboard.post(path, data=form, headers=headers)).json())
                await asyncio.sleep(LOOK_EVERY_S)

    async def work(self, *, hurry: bool = False) -> None:
        """The worker does what is to be done."""
        async with Grace(self.stage.url, None, patience_s=PATIENCE_S) as office:
            await office.post("/_work", {"hurry": hurry})
