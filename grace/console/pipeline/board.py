"""The board: a column per stage, cards that are dragged or moved by their menu, and a move that is undone."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.pipeline.view import View, view_of
from grace.console.shell import see, show
from grace.domains.crm import api, panels, queries
from grace.domains.crm.api import LeadPath
from grace.domains.crm.panels import Card, LatestMove
from grace.domains.crm.rules.stages import Move as Allowed
from grace.domains.crm.rules.stages import Stage, allowed_moves, judge_move
from grace.domains.crm.schemas.leads import Move
from grace.domains.proposals import queries as proposals
from grace.insight.pipeline import StageSum, stage_sums
from grace.kit.edge import Doors, InTx, permits
from grace.kit.tx import Tx
from grace.trust.identity import queries as identity
from grace.trust.identity.queries import Named

doors = Doors(tags=["Console"])
PAGE = 20
LIVE = "lead client proposal decision"
UNDO = timedelta(seconds=60)
"""For how long a move can be undone from the board."""


@dataclass(frozen=True, slots=True)
class Flag:
    """The one thing that a card points out."""

    tone: str
    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A card with its flag and who put it where it stands."""

    card: Card
    flag: Flag | None
    mover: Named | None


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with its sum and the page of it that is shown; `rest` leads come after it."""

    stage: Stage
    sum: StageSum
    cards: list[Shown]
    rest: int
    further: str
    begins_later: bool


@doors.get("/app/pipeline", may="leads:read", hidden=True)
async def pipeline(tx: InTx, request: Request) -> Response:
    """The board."""
    view = view_of(request.query_params)
    return await show(request, tx, "pipeline/board.html", here="pipeline", live=LIVE, **await board(tx, view))


@doors.post("/app/pipeline/{lead}/move", may="leads:write", hidden=True)
async def move(tx: InTx, request: Request, lead: LeadPath) -> Response:
    """Move a lead to another stage: a card that is dropped, a menu, the drawer, and undoing."""
    moved = await api.move_lead(tx, lead, await read_form(request, Move))
    client = await queries.client(tx, (await queries.lead(tx, moved.lead_id)).client_id)
    view = view_of(request.query_params)
    stands = f"/app/pipeline/{moved.lead_id}" if request.query_params.get("from") == "lead" else "/app/pipeline"
    return see(f"{stands}{view.query}", f"{client.company or client.name} is in {word(moved.stage)} now.")


async def board(tx: Tx, view: View) -> dict[str, Any]:
    """What the board's template needs."""
    sums = await stage_sums(tx)
    starts = {stage: view.starts[stage].place if stage in view.starts else None for stage in view.columns}
    found = await panels.board(tx, starts, limit=PAGE + 1)
    cards = [card for column in found.values() for card in column]
    waiting = await proposals.awaiting(tx, [card.id for card in cards])
    movers = await identity.names(tx, [card.moved_by for card in cards])
    columns = []
    for stage in view.columns:
        shown = found[stage][:PAGE]
        passed = view.starts[stage].passed if stage in view.starts else 0
        more = len(found[stage]) > PAGE
        columns.append(
            Column(
                stage,
                sums[stage],
                [Shown(card, _flag(tx, card, waiting), movers.get(card.moved_by)) for card in shown],
                rest=max(sums[stage].count - passed - len(shown), 1) if more else 0,
                further=view.further(stage, shown[-1], len(shown)) if more else "",
                begins_later=stage in view.starts,
            )
        )
    return {
        "view": view,
        "columns": columns,
        "rails": [(stage, sums[stage], _rail(view, stage)) for stage in Stage if stage not in view.columns],
        "total": sum(sums[stage].count for stage in view.columns),
        "worth": sum(sums[stage].value_minor for stage in view.columns),
        "undo": await _undo(tx),
        "word": word,
        "age": age,
        "allowed_moves": allowed_moves,
        "next_stage": next_stage,
        "Stage": Stage,
    }


def word(stage: str) -> str:
    """A stage as people read it."""
    return stage.capitalize()


def next_stage(stage: Stage) -> Stage:
    """Where a lead goes next, if all goes well."""
    order = list(Stage)
    ahead = [to for to in allowed_moves(stage) if to is not Stage.LOST and order.index(to) > order.index(stage)]
    return ahead[0] if ahead else stage


def age(tx_now: Any, since: Any) -> str:
    """How long a lead stands where it stands: `Today`, `3 d`."""
    days = (tx_now - since).days
    return "Today" if days < 1 else f"{days} d"


def _rail(view: View, stage: Stage) -> str:
    """Where a stage that is no column opens."""
    selling, delivering = View("selling"), View("delivering")
    if stage in selling.columns:
        return view.showing("selling")
    return view.showing("delivering" if stage in delivering.columns else "all")


async def _undo(tx: Tx) -> LatestMove | None:
    """The reader's own latest move, if the graph has a way back."""
    if not permits(tx.principal, "leads:write"):
        return None
    latest = await panels.latest_move(tx, by=tx.principal.id, within=UNDO)
    if latest is None or not isinstance(judge_move(Stage(latest.to_stage), Stage(latest.from_stage)), Allowed):
        return None
    return latest


def _flag(tx: Tx, card: Card, waiting: dict[str, str]) -> Flag | None:
    if card.id in waiting:
        return Flag("wait", "stamp", "Waiting for approval")
    days = card.stuck_days(tx.now)
    if days is not None:
        return Flag("warn", "clock-alert", f"In {word(card.stage)} for {days} days")
    if card.next_action and card.is_due(tx.now) and card.stage not in (Stage.LOST, Stage.REPEAT):
        return Flag("agent", "sparkles", card.next_action)
    return None
