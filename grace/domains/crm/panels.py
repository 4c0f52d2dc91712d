"""What the pipeline's pages show of leads: the board a page at a time, lists, a lead's neighbours and outlook."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from grace.domains.crm.errors import LeadNotFound
from grace.domains.crm.models import Lead
from grace.domains.crm.queries import (
    CLIENT_FOUND,
    LEAD_COLUMNS,
    LEAD_NAMED,
    LEAD_SORTS,
    Reference,
    of_found_clients,
    reference_values,
)
from grace.domains.crm.rules.features import Features
from grace.domains.crm.rules.outlook import USUAL_DAYS, NextAction, Prediction, predict, suggest_next_action
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.service.leads import SERIOUS
from grace.kit.paging import ordering
from grace.kit.tx import Tx
from grace.kit.words import found_in, matching, words_of

RECENT_MOVES = 200
# The client that stands for `l.client_id` now, by way of whatever it was merged into.
_CLIENT = """cross join lateral (with recursive chain as (
      select id, name, company, email, merged_into from client where id = l.client_id
      union all select c.id, c.name, c.company, c.email, c.merged_into from client c join chain
        on c.id = chain.merged_into)
    select * from chain where merged_into is null) c"""
_CARD = """l.id, l.number, l.client_id, coalesce(c.company, c.name) as client, l.project_type, left(l.requirements, 120)
    as requirements, l.source, l.stage, l.score, l.ml_features <> '{}'::jsonb as scored, l.value_estimate_minor,
    l.currency, l.stage_since, l.next_action, l.next_action_date, l.created_at, l.version,
    (select m.principal from lead_move m where m.lead_id = l.id order by m.id desc limit 1) as moved_by"""


@dataclass(frozen=True, slots=True)
class Card:
    """A lead on the board. `moved_by` is the id of who put it where it stands; an amount is in `currency`."""

    id: str
    number: int
    client_id: str
    client: str
    project_type: str | None
    requirements: str | None
    source: str
    stage: str
    score: int
    scored: bool
    value_estimate_minor: int
    currency: str
    stage_since: datetime
    next_action: str | None
    next_action_date: datetime | None
    created_at: datetime
    version: int
    moved_by: str

    @property
    def need(self) -> str:
        """What it is about, in a line."""
        said = self.project_type or (self.requirements or "").partition("\n")[0] or "nothing said yet"
        return said[0].upper() + said[1:]

    def stuck_days(self, now: datetime) -> int | None:
        """For how many days it has stood still, if that is longer than twice the usual time."""
        usual = USUAL_DAYS.get(Stage(self.stage))
        stood = now - self.stage_since
        return stood.days if usual is not None and stood > timedelta(days=2 * usual) else None

    def is_due(self, now: datetime) -> bool:
        """Whether its next action is to be done by tomorrow."""
        return self.next_action_date is not None and self.next_action_date <= now + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a column begins: after the lead that stood there."""

    since: datetime
    id: str


async def board(tx: Tx, stages: Mapping[Stage, Place | None], *, limit: int) -> dict[str, list[Card]]:
    """At most `limit` leads of each stage, those that came last first, from each stage's place on."""
    rows = await tx.all(
        Card,
        f"select {_CARD} from unnest(%(stages)s::text[], %(since)s::timestamptz[], %(ids)s::text[])"
        " w (stage, since, id)"
        " cross join lateral (select * from lead l where l.stage = w.stage"
        " and (w.id is null or (l.stage_since, l.id) < (w.since, w.id))"
        f" order by l.stage_since desc, l.id desc limit %(limit)s) l {_CLIENT} order by l.stage_since desc, l.id desc",
        stages=[stage.value for stage in stages],
        since=[place and place.since for place in stages.values()],
        ids=[place and place.id for place in stages.values()],
        limit=limit,
    )
    found: dict[str, list[Card]] = {stage.value: [] for stage in stages}
    for row in rows:
        found[row.stage].append(row)
    return found


@dataclass(frozen=True, slots=True)
class LatestMove:
    """Somebody's latest move, so far as the lead still stands there."""

    lead_id: str
    client: str
    from_stage: str
    to_stage: str
    version: int


async def latest_move(tx: Tx, *, by: str, within: timedelta) -> LatestMove | None:
    """What somebody moved last and just now, of the workspace's latest moves; None when nothing is to be undone."""
    return await tx.first(
        LatestMove,
        "select lead_id, client, from_stage, to_stage, version from ("
        "select m.id, l.id as lead_id, coalesce(c.company, c.name) as client, m.from_stage, m.to_stage,"
        " l.version, l.stage from (select * from lead_move order by id desc limit %(most)s) m"
        f" join lead l on l.id = m.lead_id {_CLIENT}"
        " where m.principal = %(by)s and m.at > %(after)s order by m.id desc limit 1) latest"
        " where from_stage is not null and stage = to_stage",
        by=by,
        after=tx.now - within,
        most=RECENT_MOVES,
    )


@dataclass(frozen=True, slots=True)
class OpenedLead(Lead):
    """A lead with the client that stands for its own now, and who stands above and below it in its column."""

    standing_id: str
    name: str
    company: str | None
    email: str | None
    above: str | None
    below: str | None

    @property
    def client(self) -> str:
        """What the client is called."""
        return self.company or self.name


async def opened(tx: Tx, reference: Reference) -> OpenedLead:
    """A lead with what its drawer says around it; LeadNotFound."""
    beside = "select b.id from lead b where b.stage = l.stage and (b.stage_since, b.id)"
    found = await tx.first(
        OpenedLead,
        f"select {LEAD_COLUMNS}, c.id as standing_id, c.name, c.company, c.email,"
        f" ({beside} > (l.stage_since, l.id) order by b.stage_since, b.id limit 1) as above,"
        f" ({beside} < (l.stage_since, l.id) order by b.stage_since desc, b.id desc limit 1) as below"
        f" from lead l {_CLIENT} where {LEAD_NAMED}",
        **reference_values(reference),
    )
    if found is None:
        raise LeadNotFound(reference)
    return found


def outlook(lead: Lead, *, now: datetime, has_email: bool) -> tuple[Prediction, NextAction]:
    """The chance that the lead becomes a contract, and what to do next, as of now."""
    features = Features(**lead.ml_features) if lead.ml_features else None
    days, stage = (now - lead.stage_since).days, Stage(lead.stage)
    scanned: Mapping[str, Any] = lead.qualification_data.get("scan", {})
    return predict(stage, score=lead.score if features else None, days_in_stage=days, features=features), (
        suggest_next_action(
            stage,
            now=now,
            features=features,
            days_in_stage=days,
            qualified=(lead.qualified_at is not None) if features else None,
            flagged=scanned.get("severity") in SERIOUS,
            has_email=has_email,
        )
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which leads to list; None does not filter. The words of `q` begin some of the client's name, company and e-mail,
    or of what is needed."""

    stage: str | None = None
    source: str | None = None
    q: str | None = None
    client_ids: list[str] | None = None


_NEEDED = found_in(words_of("coalesce(l.project_type, '') || ' ' || coalesce(l.requirements, '')"))
_BY = (f"select l.id from lead l where {_NEEDED}", of_found_clients("lead"))


async def listed(tx: Tx, where: Wanted, *, sort: str, after: str | None, limit: int) -> list[Card]:
    """A page of leads as cards."""
    order = ordering(sort, table="lead l", columns=LEAD_SORTS)
    fits = await matching(tx, where.q, "l.id", where=f"({_NEEDED} or {CLIENT_FOUND})", by=_BY)
    return await tx.all(
        Card,
        f"select {_CARD} from (select l.* from lead l join client c on c.id = l.client_id where {order.after}"
        " and (%(stage)s::text is null or l.stage = %(stage)s)"
        " and (%(source)s::text is null or l.source = %(source)s)"
        " and (%(client_ids)s::text[] is null or l.client_id = any(%(client_ids)s))"
        f" and {fits.sql} order by {order.by} limit %(limit)s) l {_CLIENT} order by {order.by}",
        after=after,
        limit=limit,
        **fits.params,
        **asdict(where),
    )
