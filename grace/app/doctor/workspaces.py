"""Checks of one workspace."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from psycopg import AsyncConnection

from grace.app.checks import check_books, verify_log
from grace.app.doctor.findings import Finding, fine, notice, problem
from grace.app.metrics import figures
from grace.kit.credentials import WrongCredential, credential, is_loopback
from grace.kit.keys import Keys, OtherKey
from grace.kit.migrations import files
from grace.kit.settings import Settings
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit.queries import stored_signer
from grace.trust.audit.rules.notes import MalformedNote, parse_checkpoint, split_notes
from grace.trust.audit.service import open_signer
from grace.trust.governance.queries import policy_versions
from grace.trust.governance.service.policy import rules_behind
from grace.trust.governance.shipped import shipped

TAIL_BYTES = 64 * 1024
PATIENCE_S = 60.0
LATE_S = 300
BEHIND_S = 30
UNSEALED_S = 5
APPEND_ONLY = ("fact", "audit_entry", "audit_leaf", "audit_node", "audit_checkpoint", "ledger_posting", "ledger_entry")


@dataclass(frozen=True, slots=True)
class Place:
    """The workspace that is looked at. `has_key` is false when this installation's master key cannot be read."""

    workspaces: Workspaces
    handle: str
    settings: Settings
    has_key: bool


async def check_schema(place: Place) -> AsyncIterator[Finding]:
    """Its migrations are those of this version."""
    async with place.workspaces.owner(place.handle) as connection:
        cursor = await connection.execute("select to_regclass('migration') is not null")
        applied: dict[str, str] = {}
        if (await cursor.fetchone() or [False])[0]:
            cursor = await connection.execute("select name, checksum from migration")
            applied = dict(await cursor.fetchall())
    ours = {name: sha256(text.encode()).hexdigest() for name, text in files()}
    pending = [name for name in ours if name not in applied]
    newer = sorted(set(applied) - set(ours))
    changed = sorted(name for name, checksum in applied.items() if ours.get(name, checksum) != checksum)
    if pending:
        yield problem(
            "schema", f"{len(pending)} migrations are pending: {', '.join(pending[:5])}.",
            why="This version expects a schema that is not there yet, and fails.", cure="grace migrate",
        )  # fmt: skip
    if newer:
        yield problem(
            "schema", f"A newer version has migrated it: {', '.join(newer[:5])}.",
            why="This version does not know that schema.", cure="Install the newer version again.",
        )  # fmt: skip
    if changed:
        yield problem(
            "schema", f"{', '.join(changed[:5])} were applied with another text.",
            why="The schema is not the one that this version was tested with.",
            cure="Install the version that made it; migrations are never edited.",
        )  # fmt: skip
    if not pending and not newer and not changed:
        yield fine("schema", f"All {len(ours)} migrations are applied.")


async def check_key(place: Place) -> AsyncIterator[Finding]:
    """The master key is the one under which its own keys are sealed."""
    if not place.has_key:
        return
    async with place.workspaces.owner(place.handle) as connection:
        cursor = await connection.execute("select coalesce(keys_of, handle) from workspace")
        row = await cursor.fetchone()
        signer = await stored_signer(connection)
    if row is None:
        yield problem(
            "workspace", "Its creation was interrupted: it has no row.", why="Nothing can be served from it.",
            cure=f"`grace workspace create {place.handle}` again makes what is missing.",
        )  # fmt: skip
        return
    keys: Keys = place.workspaces.keys(row[0])
    try:
        if signer is not None:
            open_signer(keys, signer)
    except OtherKey:
        yield problem(
            "master key", "The master key is not the one that this workspace was made under.",
            why="Its log cannot be signed, and its links and stored answers cannot be opened.",
            cure="Put the right key in place (GRACE_MASTER_KEY_FILE, or master.key in the data directory).",
        )  # fmt: skip
    else:
        yield fine("master key", "It opens the log's signing key.")


async def check_guards(place: Place) -> AsyncIterator[Finding]:
    """What is append-only is so by privilege, where there is the role, and by triggers that are on."""
    async with place.workspaces.owner(place.handle) as connection:
        cursor = await connection.execute(
            "select t.name from unnest(%s::text[]) t (name) where not exists (select from pg_trigger g"
            " where g.tgrelid = to_regclass(t.name) and g.tgname in ('append_only', 'ledger_append_only')"
            " and g.tgenabled in ('O', 'A')) order by 1",
            [list(APPEND_ONLY)],
        )
        off = [name for (name,) in await cursor.fetchall()]
        cursor = await connection.execute(
            "select distinct t.name from unnest(%s::text[]) t (name)"
            " cross join unnest(array['update', 'delete', 'truncate']) p (privilege)"
            " join pg_roles r on r.rolname = 'grace_app'"
            " where has_table_privilege('grace_app', t.name, p.privilege) order by 1",
            [list(APPEND_ONLY)],
        )
        open_to_app = [name for (name,) in await cursor.fetchall()]
    if off:
        yield problem(
            "append-only", f"The trigger that refuses changes is off or gone on {', '.join(off)}.",
            why="History could be changed without a trace in the database.",
            cure="Ask who did that, run `grace audit verify` and `grace ledger check`, and enable it"
            " (ALTER TABLE … ENABLE TRIGGER), or restore a backup.",
        )  # fmt: skip
    if open_to_app:
        yield problem(
            "append-only", f"The role grace_app may change {', '.join(open_to_app)}.",
            why="A mistake in the application could change history.",
            cure=f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(open_to_app)} FROM grace_app.",
        )  # fmt: skip
    if not off and not open_to_app:
        yield fine("append-only", "Its guards are on.")


async def check_policy(place: Place) -> AsyncIterator[Finding]:
    """The policy in force is the shipped one of this version, or the workspace's own with what is new in that one."""
    async with transaction(place.workspaces, place.handle) as tx:
        versions, behind = await policy_versions(tx, limit=1), await rules_behind(tx)
    if not versions:
        yield problem("policy", "No policy is in force.", why="Every governed action is denied.", cure="grace migrate")
    elif versions[0].source == "shipped" and versions[0].text != shipped().text:
        yield problem(
            "policy", f"The shipped policy in force (version {versions[0].version}) is of an older version of Grace.",
            why="Actions that came since are not covered by it, and denied.", cure="grace migrate",
        )  # fmt: skip
    elif behind:
        yield notice(
            "policy", f"The workspace's own policy lacks rules of the shipped one: {', '.join(behind)}.",
            why="They came or changed with a newer version of Grace; an action that no rule permits is denied.",
            cure="Take them over from grace/trust/governance/policies, or write rules of those ids that say what you"
            " want, and propose the text (POST /api/v1/policies).",
        )  # fmt: skip
    else:
        yield fine("policy", f"Version {versions[0].version} is in force ({versions[0].source}).")


async def check_work(place: Place) -> AsyncIterator[Finding]:
    """A worker lives and keeps up, and nothing is stuck."""
    values = await figures.read(
        place.workspaces, place.handle, stalled_s=place.settings.worker_stalled_s, time_limit_s=PATIENCE_S
    )
    age = values.get(("grace_worker_heartbeat_age_seconds", ""))
    if age is None or age > place.settings.worker_stalled_s:
        yield problem(
            "worker", "No worker has ever said that it lives." if age is None else
            f"No worker has said for {age:.0f} s that it lives.",
            why="Facts, jobs and due work wait, and the log is not sealed.",
            cure="Start `grace worker` (or `grace up`); its log says why it ended.",
        )  # fmt: skip
    else:
        yield fine("worker", f"It lives (said so {age:.0f} s ago).")
    for finding in judge_work(values):
        yield finding


def judge_work(values: figures.Values) -> list[Finding]:
    """What the figures say about work that does not get done."""

    def value(name: str, label: str = "") -> float:
        return values.get((name, label), 0.0)

    findings = []
    stuck = {
        "reactions": value("grace_reactions_stuck"),
        "jobs": value("grace_jobs_failed"),
        "jobs of dead workers": value("grace_jobs_stuck"),
    }
    if any(stuck.values()):
        counted = ", ".join(f"{count:.0f} {what}" for what, count in stuck.items() if count)
        findings.append(problem(
            "stuck work", f"{counted} are stuck.", why="They ran out of attempts; what they were to do is not done.",
            cure="GET /api/v1/stuck-work says which and why; replay them once the cause is gone.",
        ))  # fmt: skip
    if cases := value("grace_provider_calls", "case"):
        findings.append(problem(
            "provider calls", f"{cases:.0f} calls to a provider wait for a person.",
            why="Whether they had an effect there is unknown.",
            cure="Look at the provider, then retry or drop them (/api/v1/provider-calls).",
        ))  # fmt: skip
    late = {kind: seconds for (name, kind), seconds in values.items() if name == "grace_due_late_seconds"}
    behind = {
        **{f"due work {kind}": (seconds, LATE_S) for kind, seconds in late.items()},
        "facts to dispatch": (value("grace_facts_oldest_age_seconds"), BEHIND_S),
        "reactions": (value("grace_reactions_oldest_age_seconds"), BEHIND_S * 2),
        "audit entries to seal": (value("grace_audit_unsealed_age_seconds"), UNSEALED_S),
    }
    for what, (seconds, most) in behind.items():
        if seconds > most:
            findings.append(problem(
                "backlog", f"The oldest of {what} has waited for {seconds:.0f} s.",
                why="The worker does not run, does not keep up, or a transaction holds it up.",
                cure="See the findings about worker and transactions; start more workers.",
            ))  # fmt: skip
    return findings or [fine("work", "Nothing is stuck or late.")]


async def check_outside(place: Place) -> AsyncIterator[Finding]:
    """The checkpoints kept outside the database end in one that the database has."""
    path = place.settings.data_dir / "checkpoints" / f"{place.handle}.log"
    text = _tail(path)
    if text is None:
        yield notice(
            "checkpoints", f"There is no {path}.", why="Nothing outside the database proves that its log is complete.",
            cure="The worker writes it; run it with this data directory, and copy the file elsewhere.",
        )  # fmt: skip
        return
    last = _last_note(text)
    async with place.workspaces.owner(place.handle) as connection:
        known = last is not None and await _has(connection, *last)
    if known:
        yield fine("checkpoints", f"The file outside and the database agree on {last[0] if last else 0} entries.")
    else:
        yield problem(
            "checkpoints", f"{path} ends in a checkpoint that the database does not have.",
            why="The log was rewound or rewritten, or the file is of another workspace; nothing is sealed meanwhile.",
            cure="`grace audit verify --against` that file. If the log was given up on purpose, move the file aside.",
        )  # fmt: skip


def _tail(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


def _last_note(text: str) -> tuple[int, bytes] | None:
    # A tail begins anywhere in a note: which blocks belong together shows when the pairs are read.
    for aligned in (text, text.partition("\n\n")[2]):
        for note in reversed(split_notes(aligned)):
            try:
                parsed = parse_checkpoint(note)
            except MalformedNote:
                continue
            return parsed.size, parsed.root
    return None


async def _has(connection: AsyncConnection, size: int, root: bytes) -> bool:
    cursor = await connection.execute("select root = %s from audit_checkpoint where size = %s", [root, size])
    return bool((await cursor.fetchone() or [False])[0])


async def check_provider(place: Place) -> AsyncIterator[Finding]:
    """The provider's keys belong into this workspace, and the provider reports back."""
    async with transaction(place.workspaces, place.handle) as tx:
        try:
            key = credential(tx.workspace, "stripe_secret_key", configured=place.settings)
        except WrongCredential as wrong:
            yield problem(
                "provider keys", wrong.detail, why="No payment can be taken in this workspace.",
                cure="Set the keys of the right kind, or run this workspace in an installation of its own.",
            )  # fmt: skip
            return
        if key is None:
            yield notice(
                "provider keys", "No card provider is configured.", why="Invoices can be paid by bank transfer only.",
                cure="Set GRACE_STRIPE_SECRET_KEY and GRACE_STRIPE_PUBLISHABLE_KEY.",
            )  # fmt: skip
            return
        yield fine("provider keys", f"They are those of a {tx.workspace.kind} account.")
        if tx.workspace.kind == "live" and is_loopback(place.settings.url):
            yield problem(
                "address", f"GRACE_URL is {place.settings.url}.",
                why="Links to clients and the provider's events lead to this machine itself.",
                cure="Set GRACE_URL to the public address.",
            )  # fmt: skip
        yield await _endpoint(tx, place.settings.url)


async def _endpoint(tx: Tx, url: str) -> Finding:
    active = await tx.all(str, "select url from webhook_endpoint where state = 'active'")
    switched_off = await tx.value("select exists (select from webhook_endpoint where state = 'off')")
    last = await tx.value(
        "select extract(epoch from clock_timestamp() - received_at)::float8 from inbox order by id desc limit 1"
    )
    heard = "none has come yet" if last is None else f"the last came {last / 3600:.1f} hours ago"
    cure = "It is registered when the worker runs after a start; see the provider's dashboard and the worker's log."
    if not active:
        return (notice if switched_off else problem)(  # a restored copy's are off on purpose
            "webhooks", f"No endpoint is registered at the provider; {heard}.",
            why="Payments are noticed only when they are asked for, once an hour.", cure=cure,
        )  # fmt: skip
    if not any(one.startswith(url.rstrip("/")) for one in active):
        return notice(
            "webhooks", f"The endpoint is registered under another address than GRACE_URL; {heard}.",
            why="Events go to the old address.", cure="Keep the old address leading here, or restart: " + cure,
        )  # fmt: skip
    return fine("webhooks", f"An endpoint is registered; of its events {heard}.")


async def check_books_deep(place: Place) -> AsyncIterator[Finding]:
    """The whole ledger, from its entries."""
    found = await check_books(place.workspaces, place.handle)
    if found["ok"]:
        yield fine("books", found["lines"][0])
    for line in found["findings"]:
        yield problem(
            "books", line, why="The books do not follow from their entries.",
            cure="Stop the worker, keep a backup of this state, and find out who wrote to the database.",
        )  # fmt: skip


async def check_log_deep(place: Place) -> AsyncIterator[Finding]:
    """The whole log, against the checkpoints kept outside where there are any."""
    path = place.settings.data_dir / "checkpoints" / f"{place.handle}.log"
    outside = path.read_bytes() if path.exists() else None
    found = await verify_log(place.workspaces, place.handle, outside=outside)
    if found["ok"]:
        yield fine("log", found["lines"][-2 if outside else -3])
    for line in found["findings"]:
        yield problem(
            "log", line, why="History was changed, or a checkpoint is of another log.",
            cure="Keep a backup of this state; `grace audit verify --against` a checkpoint that you kept elsewhere.",
        )  # fmt: skip


FIRST = (check_schema,)
"""Where one of these finds a problem, the others would only repeat it."""
CHECKS = (check_key, check_guards, check_policy, check_work, check_outside, check_provider)
DEEP = (check_books_deep, check_log_deep)
