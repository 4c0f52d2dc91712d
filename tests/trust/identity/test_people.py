"""Users, agents, roles, Parliament: who may change them, and what must stay."""

import asyncio

import pytest

from grace.kit import json
from grace.kit.errors import Conflict, Forbidden, Invalid, Problem
from grace.kit.tx import Principal
from grace.trust.audit.queries import history
from grace.trust.identity import queries
from grace.trust.identity.errors import AboveYou, EmailTaken, LastOwner
from grace.trust.identity.rules import Role
from grace.trust.identity.service import people
from grace.trust.identity.service.bootstrap import bootstrap
from tests.fixtures.office import People
from tests.fixtures.workspace import WorkspaceUnderTest


class TestCreateUser:
    async def test_one_user_has_one_email(self, office: People) -> None:
        ann = await office.user(Role.OWNER)
        async with office.workspace.tx() as tx:
            with pytest.raises(EmailTaken):
                await people.create_user(tx, email=f" {ann.email.upper()}", name="Other", roles=[Role.MEMBER])
            with pytest.raises(Invalid):
                await people.create_user(tx, email="nobody", name="Other", roles=[Role.MEMBER])

    async def test_gives_no_more_than_the_giver_has(self, office: People) -> None:
        admin = await office.principal(await office.user(Role.ADMIN))
        async with office.workspace.tx(admin) as tx:
            for roles, parliament in (([Role.OWNER], False), ([Role.ADMIN], False), ([Role.MEMBER], True)):
                with pytest.raises(AboveYou):
                    await people.create_user(tx, email="new@example.com", name="N", roles=roles, parliament=parliament)
            made = await people.create_user(tx, email="new@example.com", name="N", roles=[Role.OPERATOR])
        assert made.roles == ["operator"]

    async def test_an_agent_never_names_who_votes(self, office: People) -> None:
        owner = await office.principal(await office.user(Role.OWNER))
        async with office.workspace.tx(owner) as tx:
            made = await people.create_agent(tx, name="Bot", roles=[Role.OWNER])
        async with office.workspace.tx(await office.principal(made)) as tx:
            for roles, parliament in (([Role.ADMIN], False), ([Role.MEMBER], True)):
                with pytest.raises(AboveYou):
                    await people.create_user(tx, email="puppet@x.com", name="P", roles=roles, parliament=parliament)
            with pytest.raises(AboveYou):
                await people.set_parliament(tx, principal_id=made.id, member=True)

    async def test_is_audited_by_who_did_it(self, office: People) -> None:
        admin = await office.principal(await office.user(Role.ADMIN))
        async with office.workspace.tx(admin) as tx:
            made = await people.create_user(tx, email="new@example.com", name="N", roles=[Role.MEMBER])
        async with office.workspace.tx() as tx:
            (entry,) = await history(tx, subject=("user", made.id))
        assert (entry.action, entry.principal_id) == ("create_user", admin.id)
        assert "new@example.com" in (entry.payload or "")


class TestAgents:
    async def test_belong_to_the_user_who_makes_them(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        bot = await office.principal(await office.agent(ann))
        assert (bot.kind, bot.owner) == ("agent", ann.id)
        async with office.workspace.tx(bot) as tx:
            with pytest.raises(Forbidden):
                await people.create_agent(tx, name="Another")

    async def test_get_no_role_that_their_owner_lacks(self, office: People) -> None:
        ann = await office.principal(await office.user(Role.MEMBER))
        async with office.workspace.tx(ann) as tx:
            with pytest.raises(AboveYou):
                await people.create_agent(tx, name="Boss", roles=[Role.OPERATOR])


class TestLastOwner:
    async def test_stays(self, office: People) -> None:
        ann, bob = await office.user(Role.OWNER), await office.user(Role.ADMIN)
        await office.agent(ann, Role.OWNER)
        me = await office.principal(ann)
        async with office.workspace.tx(me) as tx:
            with pytest.raises(LastOwner):
                await people.set_roles(tx, principal_id=ann.id, roles=[Role.ADMIN])
            await people.set_roles(tx, principal_id=bob.id, roles=[Role.OWNER])
            await people.set_roles(tx, principal_id=ann.id, roles=[Role.ADMIN])
        async with office.workspace.tx(await office.principal(bob)) as tx:
            with pytest.raises(Conflict):
                await people.disable(tx, principal_id=bob.id)
        async with office.workspace.tx() as tx:
            with pytest.raises(LastOwner):
                await people.disable(tx, principal_id=bob.id)

    @pytest.mark.parametrize("how", ["roles", "disable"])
    async def test_stays_when_two_remove_each_other_at_once(self, office: People, how: str) -> None:
        owners = [await office.user(Role.OWNER), await office.user(Role.OWNER)]
        principals = [await office.principal(owner) for owner in owners]

        async def remove(by: Principal, whom: str) -> str:
            try:
                async with office.workspace.tx(by) as tx:
                    if how == "roles":
                        await people.set_roles(tx, principal_id=whom, roles=[Role.MEMBER])
                    else:
                        await people.disable(tx, principal_id=whom)
            except Problem as refusal:
                return refusal.type
            return "done"

        said = await asyncio.gather(remove(principals[0], owners[1].id), remove(principals[1], owners[0].id))
        assert sorted(said) == ["done", "last-owner"]
        async with office.workspace.tx() as tx:
            assert len(await queries.voters(tx, "owner")) == 1


class TestSetRoles:
    async def test_takes_effect_at_once_and_is_audited(self, office: People) -> None:
        owner, ann = await office.user(Role.OWNER), await office.user(Role.VIEWER)
        assert (await ann.api.get("/api/v1/users")).status_code == 403
        async with office.workspace.tx(await office.principal(owner)) as tx:
            changed = await people.set_roles(tx, principal_id=ann.id, roles=[Role.OPERATOR, Role.MEMBER])
        assert (changed.roles, changed.version) == (["member", "operator"], 2)
        assert (await ann.api.get("/api/v1/users")).status_code == 200
        async with office.workspace.tx() as tx:
            entry = (await history(tx, subject=("user", ann.id)))[0]
        payload = json.loads(entry.payload or "")
        assert entry.action == "set_roles"
        assert (payload["before"]["roles"], payload["after"]["roles"]) == (["viewer"], ["member", "operator"])

    async def test_an_admin_touches_neither_owners_nor_admins(self, office: People) -> None:
        admin = await office.principal(await office.user(Role.ADMIN))
        above = [await office.user(Role.OWNER), await office.user(Role.ADMIN), await office.user(Role.OWNER)]
        async with office.workspace.tx(admin) as tx:
            for person in above:
                with pytest.raises(AboveYou):
                    await people.set_roles(tx, principal_id=person.id, roles=[Role.VIEWER])
                with pytest.raises(AboveYou):
                    await people.disable(tx, principal_id=person.id)


class TestVoters:
    async def test_are_the_active_holders_of_a_role_or_seat(self, office: People) -> None:
        ann = await office.user(Role.OWNER, parliament=True)
        bob = await office.user(Role.ADMIN, Role.OPERATOR, parliament=True)
        bot = await office.agent(bob)
        async with office.workspace.tx(await office.principal(ann)) as tx:
            await people.set_parliament(tx, principal_id=bot.id, member=True)
            assert await queries.voters(tx, "owner") == {ann.id}
            assert await queries.voters(tx, "admin") == {bob.id}
            assert await queries.voters(tx, "viewer") == frozenset()
            assert await queries.voters(tx, "parliament") == {ann.id, bob.id, bot.id}
            await people.disable(tx, principal_id=bob.id)
            assert await queries.voters(tx, "parliament") == {ann.id}, "an agent votes only while its owner may"
            assert await queries.voters(tx, "admin") == frozenset()
            assert await queries.parliament_size(tx) == 1
            with pytest.raises(ValueError, match="nobody"):
                await queries.voters(tx, "nobody")

    async def test_an_agents_role_counts_only_while_its_owner_may_as_much(self, office: People) -> None:
        ann, bob = await office.user(Role.OWNER), await office.user(Role.OWNER)
        bots = [await office.agent(bob, role) for role in (Role.OWNER, Role.ADMIN)]
        async with office.workspace.tx(await office.principal(ann)) as tx:
            assert await queries.voters(tx, "admin") == {bots[1].id}
            await people.set_roles(tx, principal_id=bob.id, roles=[Role.ADMIN])
            assert await queries.voters(tx, "owner") == {ann.id}
            assert await queries.voters(tx, "admin") == {bob.id, bots[1].id}
            await people.set_roles(tx, principal_id=bob.id, roles=[Role.MEMBER])
            assert await queries.voters(tx, "admin") == frozenset()
            for bot in bots:
                found = await queries.principal(tx, bot.id)
                assert found is not None
                assert found.roles == frozenset()
                assert "users:write" not in found.permissions

    async def test_a_principal_is_looked_up_with_the_roles_of_now(self, office: People) -> None:
        owner, ann = await office.user(Role.OWNER), await office.user(Role.MEMBER)
        async with office.workspace.tx(await office.principal(owner)) as tx:
            await people.set_roles(tx, principal_id=ann.id, roles=[Role.VIEWER])
            found = await queries.principal(tx, ann.id)
            assert found is not None
            assert found.roles == {"viewer"}
            await people.disable(tx, principal_id=ann.id)
            assert await queries.principal(tx, ann.id) is None
            assert await queries.principal(tx, "usr_nobody") is None


class TestBootstrap:
    async def test_makes_an_owner_once_and_a_link_always(self, workspace: WorkspaceUnderTest) -> None:
        async with workspace.tx() as tx:
            first = await bootstrap(tx, email="Olive@Example.com")
        async with workspace.tx() as tx:
            again = await bootstrap(tx, email="olive@example.com")
            more = await bootstrap(tx, email="olive@example.com", new_key=True)
        assert (first.user.name, first.user.roles, first.user.parliament) == ("olive", ["owner"], True)
        assert first.user.id == again.user.id == more.user.id
        assert first.api_key is not None
        assert again.api_key is None
        assert more.api_key not in (None, first.api_key)
        assert len({first.sign_in_token, again.sign_in_token, more.sign_in_token}) == 3

    async def test_gives_no_roles_to_who_exists_nor_a_seat_to_a_second_owner(self, office: People) -> None:
        ann = await office.user(Role.VIEWER)
        async with office.workspace.tx() as tx:
            await bootstrap(tx, email="first@example.com")
            second = await bootstrap(tx, email="second@example.com")
            known = await bootstrap(tx, email=ann.email)
        assert (second.user.roles, second.user.parliament) == (["owner"], False)
        assert known.user.roles == ["viewer"]
        assert known.api_key is None
