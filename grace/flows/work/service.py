"""The verbs of long work, and the steps in which it comes along."""

from datetime import timedelta
from typing import Any

from grace.flows.work import queries
from grace.flows.work.facts import WorkMoved, WorkTurned
from grace.flows.work.models import COLUMNS, OPEN, RIGHTS, WORK_PREFIX, Kind, State, Work
from grace.kit import json
from grace.kit.edge import permits
from grace.kit.errors import Conflict, Forbidden
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

MOST_OPEN = 20
ATTEMPTS = 8
CONFIRM_WITHIN = timedelta(days=7)
FILES_FOR = timedelta(days=30)
GIVEN_UP = "It was taken up {} times and did not get through. The log of the worker says why."


class Over(Exception):
    """The work was stopped, or another worker has taken it up: this one writes no more."""


async def begin(
    tx: Tx, *, kind: Kind, arguments: dict[str, Any], key: str | None = None, digest: str | None = None
) -> Work:
    """Have work done. `digest` is of the file that it works on, `key` the caller's own, under which it begins once."""
    may = RIGHTS[kind].act
    if not permits(tx.principal, may):
        raise Forbidden(f"This needs the permission {may!r}.", permission=may)
    if await queries.open_count(tx) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} pieces of work are not ended yet: stop one, or wait.", type="too-much-work")
    made = await tx.one(
        Work,
        "insert into work (id, kind, arguments, begun_by, key, digest, begun_at, moved_at)"
        " values (%(id)s, %(kind)s, %(arguments)s::jsonb, %(by)s, %(key)s, %(digest)s, %(now)s, %(now)s)"
        f" returning {COLUMNS}",
        id=new_id(WORK_PREFIX),
        kind=kind,
        arguments=json.dumps(arguments),
        by=tx.principal.id,
        key=key,
        digest=digest if key else None,
        now=tx.real_now,
    )
    audit.record(
        tx, action="begin_work", subject=("work", made.id), after={"kind": kind, **arguments, "sha256": digest}
    )
    _moved(tx, made, None)
    return made


async def confirm(tx: Tx, work_id: str) -> Work:
    """Let an import that has looked at its file begin; Conflict when it does not wait for that."""
    found = await queries.work(tx, work_id, act=True, lock=True)
    if found.confirmed_by is not None and found.state != "stopped":
        return found
    if found.state != "ready":
        raise Conflict("It does not wait to be confirmed.", type="wrong-state", state=found.state)
    made = await _changed(
        tx, found, state="waiting", confirmed_by=tx.principal.id, done=0, position=0, attempt=0, expires_at=None,
        doing="", result={"expected": _lasting(found.result)},
    )  # fmt: skip
    audit.record(tx, action="confirm_work", subject=("work", found.id))
    return made


async def look_again(tx: Tx, work_id: str, *, arguments: dict[str, Any]) -> Work:
    """Let an import look at its file once more, reading it in another way."""
    found = await queries.work(tx, work_id, act=True, lock=True)
    if found.state != "ready":
        raise Conflict("It does not wait to be confirmed.", type="wrong-state", state=found.state)
    wanted = {**found.arguments, **arguments}
    audit.record(tx, action="change_work", subject=("work", found.id), before=found.arguments, after=wanted)
    return await _changed(
        tx, found, state="waiting", arguments=wanted, done=0, position=0, attempt=0, expires_at=None, doing=""
    )


async def stop(tx: Tx, work_id: str) -> Work:
    """End work that is not ended. What it has done stays done; twice has the effect of once."""
    found = await queries.work(tx, work_id, act=True, lock=True)
    if found.state == "stopped":
        return found
    if found.ended_at is not None:
        raise Conflict("It has ended already.", type="wrong-state", state=found.state)
    return await _stopped(tx, found)


async def take_up(tx: Tx, work_id: str) -> Work | None:
    """Begin, or go on after a worker that died; None when there is nothing to do."""
    found = await tx.first(Work, f"select {COLUMNS} from work where id = %(id)s for update", id=work_id)
    if found is None or found.state not in ("waiting", "running"):
        return None
    if found.attempt >= ATTEMPTS:
        await fail(tx, found, GIVEN_UP.format(found.attempt))
        return None
    return await _changed(
        tx, found, state="running", attempt=found.attempt + 1, taken_at=tx.real_now, taken_done=found.done
    )


async def mine(tx: Tx, taken: Work) -> Work:
    """The work as it stands, locked; Over when whoever took it up has it no more."""
    found = await tx.first(Work, f"select {COLUMNS} from work where id = %(id)s for update", id=taken.id)
    if found is None or found.state != "running" or found.attempt != taken.attempt:
        raise Over
    return found


async def advance(tx: Tx, work: Work, **columns: Any) -> Work:
    """Say how far it has come (`done`, `total`, `doing`, `position`, `result`), in the transaction of the step."""
    return await _changed(tx, work, **columns)


async def ask(tx: Tx, work: Work, *, rows: int, result: dict[str, Any]) -> Work:
    """Wait to be confirmed, with what would come of it."""
    return await _changed(
        tx, work, state="ready", done=rows, total=rows, doing="", result=result, expires_at=tx.now + CONFIRM_WITHIN
    )


async def finish(tx: Tx, work: Work, *, result: dict[str, Any], file_name: str | None = None) -> Work:
    """It is done; its file can be fetched for 30 days."""
    audit.record(tx, action="end_work", subject=("work", work.id), after={"state": "done", "result": result})
    columns = {"result": result, "file_name": file_name, "done": work.total or work.done, "doing": ""}
    return await _ended(tx, work, state="done", **columns)


async def fail(tx: Tx, work: Work, error: str) -> Work:
    """It cannot go on; `error` is a sentence for a person."""
    audit.record(tx, action="end_work", subject=("work", work.id), after={"state": "failed", "error": error})
    return await _ended(tx, work, state="failed", error=error[:1000])


async def expire_due(tx: Tx) -> None:
    """Forget files whose time is over, and end what nobody confirmed."""
    due = await tx.all(
        Work, f"select {COLUMNS} from work where expires_at <= %(now)s order by id limit 100 for update", now=tx.now
    )
    for found in due:
        if found.state == "ready":
            await _stopped(tx, found)
        else:
            await tx.execute("delete from work_piece where work_id = %(id)s", id=found.id)
            await _changed(tx, found, expires_at=None, file_name=None)


async def _stopped(tx: Tx, found: Work) -> Work:
    result = _lasting(found.result)
    if found.state == "ready":
        result = {"expected": result}  # nothing of it has come
    audit.record(tx, action="stop_work", subject=("work", found.id), after={"done": found.done, "result": result})
    return await _ended(tx, found, state="stopped", stopped_by=tx.principal.id, result=result)


async def _ended(tx: Tx, work: Work, **columns: Any) -> Work:
    await tx.execute("delete from work_piece where work_id = %(id)s and side = 'in'", id=work.id)
    kept = await tx.value("select exists (select from work_piece where work_id = %(id)s)", id=work.id)
    expires_at = tx.now + FILES_FOR if kept else None
    columns["result"] = _lasting(columns.get("result", work.result))
    return await _changed(tx, work, ended_at=tx.real_now, expires_at=expires_at, **columns)


def _lasting(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a result: not the rows of people that an import has shown."""
    return {name: value for name, value in result.items() if name not in ("first", "fields")}


async def _changed(tx: Tx, work: Work, **columns: Any) -> Work:
    """Write columns that are ours to name, and say that it moved."""
    values = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in columns.items()}
    sets = ", ".join(
        f"{name} = %({name})s" + ("::jsonb" if isinstance(columns[name], dict) else "") for name in columns
    )
    made = await tx.one(
        Work,
        f"update work set {sets}, moved_at = %(moved)s, version = version + 1 where id = %(id)s returning {COLUMNS}",
        id=work.id,
        moved=tx.real_now,
        **values,
    )
    _moved(tx, made, work.state)
    return made


def _moved(tx: Tx, work: Work, was: State | None) -> None:
    tx.emit(WorkMoved(work.id, work.state, work.version))
    if was is None or _busy(was) != _busy(work.state):
        tx.emit(WorkTurned(work.id, work.version))


def _busy(state: State) -> tuple[bool, bool]:
    """What a glance tells apart: whether it is not over, and whether it waits for a person."""
    return state in OPEN, state == "ready"
