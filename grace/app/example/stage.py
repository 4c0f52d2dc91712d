"""Who plays the example business, and what each of its stories needs."""

from dataclasses import dataclass, field
from random import Random

from grace.app.actors.calendar import Calendar
from grace.app.example.plan import Plan
from grace.client.api import Grace
from grace.client.http import Waiting


@dataclass
class Tally:
    """What there is so far."""

    leads: int = 0
    proposals: int = 0
    projects: int = 0
    invoices: int = 0
    payments: int = 0


@dataclass(frozen=True)
class Studio:
    """Who acts: three people and an agent by their keys, clients by links alone, and where payers confirm cards."""

    founder: Grace
    partner: Grace
    operator: Grace
    agent: Grace
    client: Grace
    stripe_api_base: str
    on_wait: Waiting
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Stage:
    """What every story needs."""

    studio: Studio
    calendar: Calendar
    plan: Plan

    def dice(self, name: str) -> Random:
        """Chance of a name of its own: the same whatever else happens."""
        return Random(f"{self.plan.seed} play {name}")  # noqa: S311 - a story, no secret
