"""Policy versions: checked, changed only under the rules, never overwritten."""

import psycopg
import pytest

from grace.kit.tx import Principal
from grace.trust.governance import queries
from grace.trust.governance.actions import ActivatePolicy
from grace.trust.governance.cedar import rules_of
from grace.trust.governance.errors import UnsoundPolicy
from grace.trust.governance.models import Outcome, PolicyVersion
from grace.trust.governance.service.perform import perform
from grace.trust.governance.service.policy import activate_policy, install_shipped_policy, rules_behind
from grace.trust.governance.service.vote import vote
from grace.trust.governance.shipped import shipped
from tests.trust.governance import sample
from tests.trust.governance.office import Office
from tests.trust.governance.sample import SampleRefund

STRICTER = sample.text().replace("> 1000000", "> 5000")


async def propose(office: Office, who: Principal, text: str = STRICTER) -> Outcome:
    async with office.tx(who) as tx:
        return await perform(tx, ActivatePolicy(text, [*sample.cases()[:-1], sample.CASES[0] | STRICT_CASE]))


STRICT_CASE = {"context": {"total_usd_minor": 5001}, "expect": "denied", "because": ["sample-never"]}


async def in_force(office: Office) -> PolicyVersion:
    async with office.tx() as tx:
        return (await queries.policy_versions(tx))[0]


async def test_the_shipped_policy_is_installed_once_and_renewed_but_replaces_no_own_text(
    office: Office,
) -> None:
    async with office.workspaces.owner(office.handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("truncate policy_set cascade")
    async with office.tx() as tx:
        installed = await install_shipped_policy(tx)
        assert installed is not None
        assert (installed.version, installed.source, installed.text) == (1, "shipped", shipped().text)
        assert await install_shipped_policy(tx) is None
    async with office.workspaces.owner(office.handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update policy_set set text = '// older', sha256 = repeat('0', 64)")
    async with office.tx() as tx:
        renewed = await install_shipped_policy(tx)
        assert renewed is not None
        assert renewed.version == 2
        assert await rules_behind(tx) == []
        await sample.activate(tx)
        assert await install_shipped_policy(tx) is None
        assert await rules_behind(tx) == []


async def test_which_shipped_rules_a_policy_of_its_own_lacks(office: Office) -> None:
    text = shipped().text
    ids = list(rules_of(text))
    came, changed = ids[0], ids[-1]
    as_it_was = text.replace("critical finding", "grave finding")
    assert rules_of(as_it_was)[changed] != rules_of(text)[changed]
    without_one = as_it_was[as_it_was.index("@id", as_it_was.index(f'"{came}"')) :]

    async def behind(*, then: str, own: str) -> list[str]:
        async with office.workspaces.owner(office.handle) as connection:
            await connection.execute("set session_replication_role = replica")
            await connection.execute("truncate policy_set cascade")
            for version, (source, said) in enumerate((("shipped", then), ("workspace", own)), 1):
                await connection.execute(
                    "insert into policy_set (version, text, cases, sha256, source, activated_at, activated_by)"
                    " values (%s, %s, '[]', repeat('0', 64), %s, now(), 'x')",
                    [version, said, source],
                )
        async with office.tx() as tx:
            return await rules_behind(tx)

    assert await behind(then=without_one, own=without_one) == [came, changed]
    assert await behind(then=without_one, own="// none at all") == [came]  # what was left out was left out on purpose
    assert await behind(then=without_one, own=as_it_was) == [changed]
    assert await behind(then=without_one, own=as_it_was.replace("grave finding", "bad finding")) == []
    assert await behind(then=without_one, own="// laid out otherwise\n" + text.replace("\n", "\n  ")) == []
    assert await behind(then=text, own="") == []


async def test_another_leader_votes_on_a_change_and_then_it_judges(office: Office) -> None:
    ann, bob = await office.member("Ann", "owner"), await office.member("Bob", "admin")
    waiting = await propose(office, ann)
    assert waiting.held
    assert (await in_force(office)).version == 2
    async with office.tx(bob) as tx:
        granted = await vote(tx, decision_id=waiting.decision.id, approve=True, reason="agreed")
    assert granted.ran
    now = await in_force(office)
    assert (now.version, now.source, now.text) == (3, "workspace", STRICTER)
    async with office.tx(ann) as tx:
        await tx.execute("insert into sample_invoice values ('in_1', 1)")
        outcome = await perform(tx, SampleRefund("in_1", 6000))
    assert (outcome.denied, outcome.decision.policy_version) == (True, 3)
    assert len(await office.all("select 1 as one from fact where kind = 'PolicyActivated'")) == 3


async def test_a_change_to_a_policy_that_changed_meanwhile_is_stale(office: Office) -> None:
    ann, bob = await office.member("Ann", "owner"), await office.member("Bob", "admin")
    waiting = await propose(office, ann)
    async with office.tx() as tx:
        await sample.activate(tx, "// another")
    async with office.tx(bob) as tx:
        assert (await vote(tx, decision_id=waiting.decision.id, approve=True)).decision.status == "stale"


async def test_members_and_agents_change_no_rules(office: Office) -> None:
    ann = await office.member("Ann", "owner")
    await office.member("Bob", "admin")
    for who in (await office.member("Mia", "member"), await office.member("Bot", "owner", owner=ann)):
        assert (await propose(office, who)).denied
    assert (await in_force(office)).version == 2


async def test_nobody_is_asked_about_an_unsound_text(office: Office) -> None:
    ann = await office.member("Ann", "owner")
    await office.member("Bob", "admin")
    with pytest.raises(UnsoundPolicy):
        await propose(office, ann, STRICTER.replace("2 of owner,admin", "0 of owner,admin"))
    with pytest.raises(UnsoundPolicy):
        async with office.tx() as tx:
            await activate_policy(tx, text=STRICTER, cases=sample.cases())
    assert await office.all("select id from decision") == []


async def test_a_version_is_never_overwritten(office: Office) -> None:
    for statement in ("update policy_set set text = ''", "delete from policy_set"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with office.tx() as tx:
                await tx.execute(statement)


async def test_a_text_shows_which_past_decisions_it_would_change(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    made = []
    for amount in (1000, 6000, 20000):
        async with office.tx(ann) as tx:
            await tx.execute(f"insert into sample_invoice values ('in_{amount}', 1)")
            made.append((await perform(tx, SampleRefund(f"in_{amount}", amount))).decision.id)
    async with office.tx() as tx:
        changes = await queries.changed_by(tx, STRICTER)
        assert await queries.changed_by(tx, sample.text()) == []
    assert [tuple(change) for change in changes] == [
        (made[2], "sample_refund", "awaiting_approval", "denied"),
        (made[1], "sample_refund", "allowed", "denied"),
    ]
