"""Policy texts coming into force. Nothing is ever overwritten: the highest version is in force."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from grace.kit import json
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.governance import queries, registry
from grace.trust.governance.cedar import rules_of
from grace.trust.governance.checks import check
from grace.trust.governance.facts import PolicyActivated
from grace.trust.governance.models import PolicyVersion
from grace.trust.governance.shipped import shipped


async def activate_policy(tx: Tx, *, text: str, cases: Sequence[Mapping[str, Any]]) -> PolicyVersion:
    """Put a text in force that passes its checks and its cases; UnsoundPolicy names every finding."""
    check(text, cases, registry.registered())
    return await _activate(tx, text, cases, "workspace")


async def install_shipped_policy(tx: Tx) -> PolicyVersion | None:
    """Put the shipped text in force in a new workspace, or in one that runs an older shipped text.

    A workspace with a text of its own keeps it: None.
    """
    current = await queries.policy_versions(tx, limit=1)
    text, cases = shipped().text, shipped().cases
    if current and (current[0].source != "shipped" or current[0].text == text):
        return None
    return await _activate(tx, text, cases, "shipped")


async def rules_behind(tx: Tx) -> list[str]:
    """The `@id`s of shipped rules that came or changed since the workspace went its own way, and that its own text
    still has as they were, or not at all. What the owner wrote otherwise, or left out, is the owner's."""
    versions = await queries.policy_versions(tx, limit=1)
    if not versions or versions[0].source == "shipped":
        return []
    last: str | None = await tx.value(
        "select text from policy_set where source = 'shipped' order by version desc limit 1"
    )
    now, own, then = rules_of(shipped().text), rules_of(versions[0].text), rules_of(last or "")
    return [name for name, rule in now.items() if then.get(name) != rule and own.get(name) == then.get(name)]


async def _activate(tx: Tx, text: str, cases: Sequence[Mapping[str, Any]], source: str) -> PolicyVersion:
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('policy_set', 0))")
    before = await queries.policy_versions(tx, limit=1)
    activated = await tx.one(
        PolicyVersion,
        "insert into policy_set (version, text, cases, sha256, source, activated_at, activated_by)"
        " values (%(version)s, %(text)s, %(cases)s::jsonb, %(sha256)s, %(source)s, %(now)s, %(by)s)"
        f" returning {queries.POLICY}",
        version=before[0].version + 1 if before else 1,
        text=text,
        cases=json.dumps(list(cases)),
        sha256=sha256(text.encode()).hexdigest(),
        source=source,
        now=tx.now,
        by=tx.principal.id,
    )
    audit.record(
        tx,
        action="activate_policy",
        subject=("policy", str(activated.version)),
        before=before[0] if before else None,
        after=activated,
    )
    tx.emit(PolicyActivated(activated.version, activated.sha256))
    return activated
