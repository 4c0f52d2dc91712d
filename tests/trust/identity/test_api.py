"""The doors of identity over the wire."""

import httpx
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from grace.trust.identity.rules import Role
from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.office import People


class TestMe:
    async def test_says_who_and_where(self, api: httpx.AsyncClient, owner: Bootstrapped) -> None:
        me = (await api.get("/api/v1/me")).json()
        assert (me["id"], me["kind"], me["email"]) == (owner.user.id, "user", "owner@example.com")
        assert (me["roles"], me["parliament"]) == (["owner"], True)
        assert "*" in me["permissions"]
        assert me["authenticated_at"] is None
        assert me["workspace"]["kind"] == "test"


class TestUsers:
    async def test_an_invited_user_signs_in_makes_a_key_and_is_that_user(
        self, api: httpx.AsyncClient, office: People
    ) -> None:
        body = {"name": "Ann", "email": "ann@example.com", "roles": ["admin"], "parliament": True}
        answer = await api.post("/api/v1/users", json=body)
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        assert (made["roles"], made["parliament"]) == (["admin"], True)
        browser = await office.browser()
        assert (await browser.post(made["sign_in_url"])).headers["location"] == "/app"
        key = (await browser.post("/api/v1/api-keys", json={"name": "laptop"})).json()["api_key"]
        me = (await (await office.browser(key=key)).get("/api/v1/me")).json()
        assert (me["id"], me["authenticated_at"]) == (made["id"], None)

    async def test_the_link_is_not_kept_for_a_repeated_request(self, api: httpx.AsyncClient) -> None:
        body = {"name": "Ann", "email": "ann@example.com", "roles": ["member"]}
        answers = [await api.post("/api/v1/users", json=body, headers={"Idempotency-Key": "u1"}) for _ in range(2)]
        first, second = (answer.json() for answer in answers)
        assert first["sign_in_url"].startswith("http://127.0.0.1:8005/sign-in/")
        assert second == first | {"sign_in_url": None}

    async def test_refuses_what_is_wrong(self, api: httpx.AsyncClient) -> None:
        good = {"name": "Ann", "email": "ann@example.com", "roles": ["member"]}
        for change in ({"roles": []}, {"roles": ["king"]}, {"email": "ann"}, {"name": " "}, {"votes": True}):
            answer = await api.post("/api/v1/users", json=good | change)
            assert answer.status_code == 422, change
        assert (await api.post("/api/v1/users", json=good)).status_code == 201
        again = await api.post("/api/v1/users", json=good | {"email": "ANN@example.com"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/email-taken")

    async def test_are_listed_by_page_and_role(self, api: httpx.AsyncClient, office: People) -> None:
        for n in range(4):
            await office.user(Role.VIEWER if n % 2 else Role.MEMBER)
        seen, cursor = [], None
        while True:
            params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await api.get("/api/v1/users", params=params)).json()
            assert len(page["items"]) <= 2
            seen += [user["email"] for user in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == ["owner@example.com", *(f"user{n}@example.com" for n in range(1, 5))]
        viewers = (await api.get("/api/v1/users", params={"role": "viewer"})).json()["items"]
        assert [user["roles"] for user in viewers] == [["viewer"], ["viewer"]]
        for wrong in ({"cursor": "x"}, {"cursor": "WyJhIl0"}, {"limit": "0"}, {"role": "king"}):
            assert (await api.get("/api/v1/users", params=wrong)).status_code == 422

    async def test_roles_seat_and_shutting_out(
        self, api: httpx.AsyncClient, office: People, owner: Bootstrapped
    ) -> None:
        ann = await office.user(Role.MEMBER)
        path = f"/api/v1/users/{ann.id}"
        assert (await api.post(f"{path}/roles", json={"roles": ["operator"]})).json()["roles"] == ["operator"]
        assert (await api.post(f"{path}/parliament", json={"member": True})).json()["parliament"] is True
        assert (await api.post(f"{path}/disable")).json()["disabled_at"] is not None
        assert (await ann.api.get("/api/v1/me")).status_code == 401
        assert (await api.post(f"{path}/enable")).json()["disabled_at"] is None
        assert (await ann.api.get("/api/v1/me")).status_code == 200
        last = await api.post(f"/api/v1/users/{owner.user.id}/roles", json={"roles": ["admin"]})
        assert (last.status_code, last.json()["type"]) == (409, "/problems/last-owner")
        for what in ("roles", "parliament", "disable", "enable"):
            body = {"roles": ["member"]} if what == "roles" else {"member": True}
            assert (await api.post(f"/api/v1/users/usr_nobody/{what}", json=body)).status_code == 404


class TestAgents:
    async def test_are_made_listed_and_stopped_by_their_owner(self, office: People) -> None:
        ann, bob, owner = await office.user(Role.MEMBER), await office.user(Role.MEMBER), await office.user(Role.OWNER)
        made = (await ann.api.post("/api/v1/agents", json={"name": "Scout"})).json()
        assert (made["owner_id"], made["roles"]) == (ann.id, ["agent"])
        key = (await ann.api.post("/api/v1/api-keys", json={"name": "k", "agent_id": made["id"]})).json()
        bot = await office.browser(key=key["api_key"])
        assert (await bot.get("/api/v1/me")).json()["kind"] == "agent"
        assert [agent["id"] for agent in (await bob.api.get("/api/v1/agents")).json()["items"]] == [made["id"]]
        path = f"/api/v1/agents/{made['id']}"
        assert (await ann.api.post(f"{path}/disable")).status_code == 200
        assert (await bot.get("/api/v1/me")).status_code == 401
        assert (await ann.api.post(f"{path}/enable")).status_code == 200
        assert (await bot.get("/api/v1/me")).status_code == 200
        assert (await owner.api.post(f"{path}/disable")).status_code == 200
        assert (await owner.api.post(f"/api/v1/users/{made['id']}/disable")).status_code == 404, "an agent is no user"

    async def test_of_another_is_not_stopped_by_an_equal(self, office: People) -> None:
        ann, viewer = await office.user(Role.OPERATOR), await office.user(Role.MEMBER)
        bot = await office.agent(ann, Role.OPERATOR)
        answer = await viewer.api.post(f"/api/v1/agents/{bot.id}/disable")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/above-you")


class TestForeignOrigin:
    async def test_a_cookie_acts_for_no_other_site(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        browser = await office.signed_in(ann)
        body = {"name": "stolen"}
        foreign = [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ]
        for path in ("/api/v1/api-keys", "/api/v1/agents", "/api/v1/sign-out", "/sign-out"):
            for headers in foreign:
                answer = await browser.post(path, json=body, headers=headers)
                assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
        assert (await browser.get("/api/v1/me", headers=foreign[0])).status_code == 200, "reading changes nothing"
        own = {"Origin": "http://127.0.0.1:8005", "Sec-Fetch-Site": "same-origin"}
        assert (await browser.post("/api/v1/api-keys", json=body, headers=own)).status_code == 201

    async def test_a_key_is_sent_on_purpose(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        answer = await ann.api.post("/api/v1/agents", json={"name": "b"}, headers={"Origin": "https://app.example"})
        assert answer.status_code == 201


SAID = {
    "Send your key as `Authorization: Bearer grc_…`, or sign in.",
    "The key or session is not known.",
    "The key or session is not known, or it is over.",
}
"""Nothing of what was sent is said back."""
HEADER = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=200),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["Bearer ", "bearer ", "Bearer", "Basic ", "Bearer  ", "Token "]),
        st.sampled_from(["", "grc_", "grc_{handle}_", "grc_{handle}", "grc_nowhere_", "grc__", "{handle}."]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80),
    ),
)


class TestStrangeCredentials:
    @hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(header=HEADER, as_cookie=st.booleans())
    async def test_are_nobodys(self, visitor: httpx.AsyncClient, header: str, as_cookie: bool) -> None:
        sent = header.replace("{handle}", "t1")
        name = "Cookie" if as_cookie else "Authorization"
        value = f"grace_session={sent}" if as_cookie else sent
        answer = await visitor.get("/api/v1/me", headers=[(name.encode(), value.encode("latin-1"))])
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        document = answer.json()
        assert document["request_id"] == answer.headers["x-request-id"]
        assert document["detail"] in SAID

    async def test_a_bad_key_is_not_saved_by_a_good_cookie(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        browser = await office.signed_in(ann)
        answer = await browser.get("/api/v1/me", headers={"Authorization": f"Bearer {ann.key[:-1]}"})
        assert answer.status_code == 401

    async def test_a_key_of_one_workspace_opens_no_other(self, office: People, api: httpx.AsyncClient) -> None:
        key = str(api.headers["authorization"]).removeprefix("Bearer ")
        elsewhere = key.replace(f"grc_{office.workspace.handle}_", "grc_postgres_")
        assert (await (await office.browser(key=elsewhere)).get("/api/v1/me")).status_code == 401
