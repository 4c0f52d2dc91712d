"""API keys: whose they are, what they may, and that a narrow one makes no wide one."""

import httpx

from grace.trust.audit.queries import history
from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person


async def make(api: httpx.AsyncClient, **body: object) -> httpx.Response:
    return await api.post("/api/v1/api-keys", json={"name": "a key", **body})


class TestCreateKey:
    async def test_is_shown_once_and_works(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        answer = await make(ann.api, scopes=["clients:read", "keys:read"])
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        handle, secret = made["api_key"].removeprefix("grc_").split("_", 1)
        assert (handle, len(secret)) == (office.workspace.handle, 43)
        narrow = await office.browser(key=made["api_key"])
        assert (await narrow.get("/api/v1/me")).json()["permissions"] == ["clients:read", "keys:read"]
        listed = await narrow.get("/api/v1/api-keys")
        assert secret not in listed.text
        assert [key["id"] for key in listed.json()["items"]][-1] == made["id"]
        async with office.workspace.tx() as tx:
            (entry,) = await history(tx, subject=("key", made["id"]))
        assert entry.action == "create_key"
        assert secret not in (entry.payload or "")

    async def test_a_repeated_request_makes_one_key_and_hides_it(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        body = {"name": "once"}
        answers = [
            await ann.api.post("/api/v1/api-keys", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2)
        ]
        first, second = (answer.json() for answer in answers)
        assert first["id"] == second["id"]
        assert (first["api_key"] is None, second["api_key"]) == (False, None)

    async def test_a_narrow_key_makes_no_wide_one(self, office: People) -> None:
        owner = await office.user(Role.OWNER)
        made = (await make(owner.api, scopes=["keys:write", "clients:read"])).json()
        narrow = await office.browser(key=made["api_key"])
        assert (await make(narrow)).json()["type"] == "/problems/above-you"
        assert (await make(narrow, scopes=["users:write"])).status_code == 403
        assert (await make(narrow, scopes=["*"])).status_code == 403
        assert (await make(narrow, scopes=["*:read"])).status_code == 403
        assert (await make(narrow, scopes=["clients:read"])).status_code == 201

    async def test_nobody_makes_a_key_that_acts_as_another(self, office: People) -> None:
        owner, ann = await office.user(Role.OWNER), await office.user(Role.MEMBER)
        bot = await office.agent(ann)
        assert (await make(owner.api, agent_id=ann.id)).status_code == 403
        assert (await make(owner.api, agent_id=bot.id)).status_code == 403
        assert (await make(owner.api, agent_id="agt_nobody")).status_code == 404
        made = await make(ann.api, agent_id=bot.id)
        me = (await (await office.browser(key=made.json()["api_key"])).get("/api/v1/me")).json()
        assert (me["id"], me["kind"], me["owner_id"]) == (bot.id, "agent", ann.id)
        assert (await make(bot.api)).status_code == 403, "an agent makes no keys"

    async def test_scopes_stay_within_the_role(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        for scopes in (["audit:read"], ["*"], ["*:read"], ["rates:write"]):
            answer = await make(ann.api, scopes=scopes)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/above-you")
        owner = await office.user(Role.OWNER)
        bot = await office.agent(owner)
        assert (await make(owner.api, agent_id=bot.id, scopes=["audit:read"])).status_code == 403
        assert (await make(owner.api, agent_id=bot.id, scopes=["clients:read"])).status_code == 201
        for wrong in ([], ["clients"], ["clients:fly"]):
            assert (await make(ann.api, scopes=wrong)).status_code == 422


class TestRevokeKey:
    async def revoke(self, person: Person, key_id: str) -> int:
        return (await person.api.delete(f"/api/v1/api-keys/{key_id}")).status_code

    async def test_ends_it_at_once_and_for_ever(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        made = (await make(ann.api)).json()
        client = await office.browser(key=made["api_key"])
        assert (await client.get("/api/v1/me")).status_code == 200
        assert await self.revoke(ann, made["id"]) == 200
        refused = await client.get("/api/v1/me")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert await self.revoke(ann, made["id"]) == 200
        async with office.workspace.tx() as tx:
            entries = await history(tx, subject=("key", made["id"]))
        assert [entry.action for entry in entries] == ["revoke_key", "create_key"]

    async def test_is_for_its_holder_the_agents_owner_and_who_manages_users(self, office: People) -> None:
        ann, bob, admin = await office.user(Role.MEMBER), await office.user(Role.MEMBER), await office.user(Role.ADMIN)
        bot = await office.agent(ann)
        keys = [(await make(ann.api)).json()["id"], (await make(ann.api, agent_id=bot.id)).json()["id"]]
        for key_id in keys:
            assert await self.revoke(bob, key_id) == 404
            seen = (await bob.api.get("/api/v1/api-keys")).json()["items"]
            assert key_id not in {key["id"] for key in seen}
        assert await self.revoke(ann, keys[1]) == 200
        assert await self.revoke(admin, keys[0]) == 200
        assert await self.revoke(ann, "key_nobody") == 404
