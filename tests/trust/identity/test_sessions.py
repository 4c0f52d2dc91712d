"""Keys, sessions and sign-in links: who they let in, until when, and how often."""

import asyncio
from datetime import timedelta

import pytest

from grace.kit.errors import Conflict, Unauthenticated
from grace.kit.tx import ANONYMOUS, Principal
from grace.trust.identity.errors import LinkOver, UnknownLink
from grace.trust.identity.rules import Role
from grace.trust.identity.service import keys, people, sessions
from grace.trust.identity.tokens import new_key, new_token
from tests.fixtures.api import ADDRESS
from tests.fixtures.office import People, Person


async def asked(office: People, *, bearer: str | None = None, session: str | None = None) -> Principal:
    async with office.workspace.tx(ANONYMOUS) as tx:
        return await sessions.authenticate(tx, bearer=bearer, session=session)


async def change(office: People, sql: str, **params: object) -> int:
    async with office.workspace.tx() as tx:
        return await tx.execute(sql, **params)


async def opened(office: People, person: Person) -> str:
    async with office.workspace.tx() as tx:
        token = await sessions.make_sign_in_link(tx, principal_id=person.id)
        return (await sessions.redeem_sign_in_link(tx, token=token)).token


class TestAuthenticate:
    async def test_one_statement_names_the_principal(self, office: People) -> None:
        ann = await office.user(Role.MEMBER, parliament=True)
        cookie = await opened(office, ann)
        await asked(office, bearer=ann.key)
        for bearer, session in [(ann.key, None), (None, cookie)]:
            async with office.workspace.tx(ANONYMOUS) as tx:
                before = tx.statements
                principal = await sessions.authenticate(tx, bearer=bearer, session=session)
                await tx.flush()
                assert tx.statements == before + 1
            assert (principal.kind, principal.id, principal.roles) == ("user", ann.id, {"member"})
            assert (principal.authenticated_at is None) == (bearer is not None)

    async def test_an_agent_is_itself_with_its_owner_and_no_more_than_its_owner(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        bot = await office.agent(ann)
        principal = await asked(office, bearer=bot.key)
        assert (principal.kind, principal.id, principal.owner) == ("agent", bot.id, ann.id)
        assert "payments:write" in principal.permissions
        async with office.workspace.tx() as tx:
            await people.set_roles(tx, principal_id=ann.id, roles=[Role.VIEWER])
        principal = await asked(office, bearer=bot.key)
        assert "payments:write" not in principal.permissions
        assert "clients:read" in principal.permissions

    async def test_a_keys_scopes_limit_it(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        async with office.workspace.tx(await office.principal(ann)) as tx:
            _, key = await keys.create_key(tx, principal_id=ann.id, name="narrow", scopes=["clients:read"])
        assert (await asked(office, bearer=key)).permissions == {"clients:read"}

    async def test_who_is_unknown_revoked_expired_or_disabled_is_nobody(self, office: People) -> None:
        ann, owner = await office.user(Role.MEMBER), await office.user(Role.OWNER)
        bot = await office.agent(ann)
        cookie = await opened(office, ann)
        handle = office.workspace.handle
        unknown = [new_key(handle), new_key("other"), "", "grc_", ann.key + "x", ann.key[:-1], cookie, "Ω", "\x7f"]
        for bearer in unknown:
            with pytest.raises(Unauthenticated):
                await asked(office, bearer=bearer)
        for session in [new_token(handle), "", ann.key, cookie + "x", None]:
            with pytest.raises(Unauthenticated):
                await asked(office, session=session)
        async with office.workspace.tx(await office.principal(owner)) as tx:
            await people.disable(tx, principal_id=ann.id)
        for bearer in (ann.key, bot.key):
            with pytest.raises(Unauthenticated):
                await asked(office, bearer=bearer)
        async with office.workspace.tx(await office.principal(owner)) as tx:
            await people.enable(tx, principal_id=ann.id)
        assert (await asked(office, bearer=bot.key)).id == bot.id
        with pytest.raises(Unauthenticated):
            await asked(office, session=cookie)

    async def test_a_session_ends_after_thirty_days_of_real_time(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        cookie = await opened(office, ann)
        await change(office, "update workspace set clock_offset = interval '400 days'")
        assert (await asked(office, session=cookie)).id == ann.id
        assert await change(office, "update session set expires_at = expires_at - interval '29 days 23 hours'") == 1
        assert (await asked(office, session=cookie)).id == ann.id
        await change(office, "update session set expires_at = expires_at - interval '1 hour'")
        with pytest.raises(Unauthenticated):
            await asked(office, session=cookie)

    async def test_only_hashes_are_stored(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        cookie = await opened(office, ann)
        async with office.workspace.tx() as tx:
            for table in ("api_key", "session", "sign_in_link", "audit_payload", "fact"):
                rows = str(await tx.all(dict, f"select t::text, to_jsonb(t) as j from {table} t"))
                for secret, bare in ((ann.key, ann.key.split("_", 2)[2]), (cookie, cookie.partition(".")[2])):
                    assert secret not in rows
                    assert bare not in rows


class TestLastUse:
    async def test_is_noted_at_most_once_a_minute(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        await asked(office, bearer=ann.key)
        async with office.workspace.tx() as tx:
            first = await tx.value("select last_used_at from api_key")
        await asked(office, bearer=ann.key)
        async with office.workspace.tx() as tx:
            assert await tx.value("select last_used_at from api_key") == first
        await change(office, "update api_key set last_used_at = last_used_at - interval '1 minute'")
        await asked(office, bearer=ann.key)
        async with office.workspace.tx() as tx:
            assert await tx.value("select last_used_at from api_key") > first

    async def test_never_waits_for_a_lock(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        async with office.workspace.tx() as other:
            await other.execute("select id from api_key for update")
            answer = await asyncio.wait_for(ann.api.get("/api/v1/me"), timeout=1)
        assert answer.status_code == 200
        async with office.workspace.tx() as tx:
            assert await tx.value("select last_used_at from api_key") is None

    async def test_many_requests_of_one_key_at_once_all_pass(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        answers = await asyncio.gather(*(ann.api.get("/api/v1/me") for _ in range(12)))
        assert {answer.status_code for answer in answers} == {200}


class TestSignInLink:
    async def test_works_once(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        async with office.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=ann.id)
        async with office.workspace.tx(ANONYMOUS) as tx:
            session = await sessions.redeem_sign_in_link(tx, token=token)
        assert (await asked(office, session=session.token)).id == ann.id
        async with office.workspace.tx(ANONYMOUS) as tx:
            with pytest.raises(LinkOver):
                await sessions.redeem_sign_in_link(tx, token=token)

    async def test_works_once_for_many_at_the_same_moment(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        async with office.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=ann.id)
        browsers = [await office.browser() for _ in range(8)]
        answers = await asyncio.gather(*(browser.post(f"/sign-in/{token}") for browser in browsers))
        assert sorted(answer.status_code for answer in answers) == [303] + [410] * 7
        async with office.workspace.tx() as tx:
            assert await tx.value("select count(*) from session") == 1

    async def test_is_over_after_fifteen_minutes_of_real_time(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        async with office.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=ann.id)
            lifetime = await tx.value("select expires_at - created_at from sign_in_link")
        assert lifetime == timedelta(minutes=15)
        await change(office, "update sign_in_link set expires_at = clock_timestamp()")
        async with office.workspace.tx(ANONYMOUS) as tx:
            with pytest.raises(LinkOver):
                await sessions.redeem_sign_in_link(tx, token=token)

    async def test_of_nobody_or_of_somebody_shut_out_is_refused(self, office: People) -> None:
        ann, owner = await office.user(Role.MEMBER), await office.user(Role.OWNER)
        async with office.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=ann.id)
        async with office.workspace.tx(await office.principal(owner)) as tx:
            await people.disable(tx, principal_id=ann.id)
        for wrong in (token, new_token(office.workspace.handle)):
            async with office.workspace.tx(ANONYMOUS) as tx:
                with pytest.raises(UnknownLink):
                    await sessions.redeem_sign_in_link(tx, token=wrong)
        async with office.workspace.tx() as tx:
            with pytest.raises(Conflict):
                await sessions.make_sign_in_link(tx, principal_id=ann.id)

    async def test_replaces_the_session_of_the_browser(self, office: People) -> None:
        ann, bob = await office.user(Role.MEMBER), await office.user(Role.MEMBER)
        browser = await office.signed_in(ann)
        old = browser.cookies["grace_session"]
        async with office.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=bob.id)
        await browser.post(f"/sign-in/{token}")
        assert (await browser.get("/api/v1/me")).json()["id"] == bob.id
        with pytest.raises(Unauthenticated):
            await asked(office, session=old)

    async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        for address, secure in ((ADDRESS, False), ("https://grace.example.com", True)):
            async with office.workspace.tx() as tx:
                token = await sessions.make_sign_in_link(tx, principal_id=ann.id)
            answer = await (await office.browser()).post(f"{address}/sign-in/{token}")
            attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
            assert {"httponly", "samesite=lax", "path=/", "max-age=2592000"} <= attributes
            assert ("secure" in attributes) is secure
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["location"] == "/app"


class TestSignOut:
    async def test_ends_this_session_only(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        one, other = await office.signed_in(ann), await office.signed_in(ann)
        cookie = one.cookies["grace_session"]
        answer = await one.post("/api/v1/sign-out")
        assert answer.json() == {"signed_out": True}
        assert "grace_session" not in one.cookies
        with pytest.raises(Unauthenticated):
            await asked(office, session=cookie)
        assert (await other.get("/api/v1/me")).status_code == 200

    async def test_of_a_key_ends_nothing(self, office: People) -> None:
        ann = await office.user(Role.MEMBER)
        assert (await ann.api.post("/api/v1/sign-out")).json() == {"signed_out": False}
        assert (await ann.api.get("/api/v1/me")).status_code == 200
