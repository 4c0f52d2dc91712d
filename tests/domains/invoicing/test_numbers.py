"""Gapless numbers: many issue at once, some fail in between."""

import asyncio
from datetime import date

import httpx
import psycopg
import pytest

from grace.domains.invoicing import service
from grace.domains.invoicing.models import Party
from grace.domains.invoicing.rules.numbering import Series, formatted
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, issue, issued


class Interrupted(Exception):
    """What the test makes happen after a number was given."""


async def numbers(workspace: WorkspaceUnderTest, series: str) -> list[int]:
    async with workspace.tx() as tx:
        return await tx.all(
            int, "select series_number from invoice where series = %(s)s and series_number > 0 order by 1", s=series
        )


async def test_twenty_at_once_with_failures_in_between_leave_no_gap(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    drafts = [(await draft(api))["id"] for _ in range(20)]

    async def issue_or_fail(number: int, invoice_id: str) -> bool:
        try:
            async with workspace.tx() as tx:
                await service.issue_invoice(tx, reference=invoice_id, client=Party("A client"))
                if number % 3 == 0:
                    raise Interrupted
        except Interrupted:
            return False
        return True

    done = await asyncio.gather(*(issue_or_fail(n, invoice_id) for n, invoice_id in enumerate(drafts)))
    assert done.count(True) == 13
    assert await numbers(workspace, "standard") == list(range(1, 14))
    answers = await asyncio.gather(
        *(api.post(f"/api/v1/invoices/{drafts[n]}/issue") for n, was in enumerate(done) if not was)
    )
    assert [answer.status_code for answer in answers] == [200] * 7
    assert await numbers(workspace, "standard") == list(range(1, 21))
    async with workspace.tx() as tx:
        booked = await tx.value("select count(*) from ledger_posting where kind = 'invoice_issued'")
    assert booked == 20


async def test_each_series_and_fiscal_year_counts_for_itself(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    one, two = await issued(api, series="india"), await issued(api, series="india")
    today = date.fromisoformat(one["issued_at"][:10])
    series = Series("{FY}/{n:05}", 4, 16)
    assert [one["invoice_number"], two["invoice_number"]] == [formatted(series, today, 1), formatted(series, today, 2)]
    assert len(one["invoice_number"]) <= 16
    assert (await issued(api))["invoice_number"].endswith("-1")
    next_year = f"{today.year + 1}-{today:%m-%d}T12:00:00Z" if (today.month, today.day) != (2, 29) else ""
    moved = await api.post("/api/v1/test-clock", json={"to": next_year or f"{today.year + 1}-03-01T12:00:00Z"})
    assert moved.status_code == 200, moved.text
    assert (await issued(api, series="india"))["invoice_number"].endswith("/00001")
    assert (await issued(api))["invoice_number"].endswith("-2")


async def test_a_number_that_another_series_gave_is_refused_and_leaves_no_gap(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    both = {"series": {"a": {"pattern": "X{n}"}, "b": {"pattern": "X{n:01}"}}, "default_series": "a"}
    assert (await api.put("/api/v1/settings/invoicing", json=both)).status_code == 200
    await issued(api)
    late = await draft(api, series="b")
    refused = await api.post(f"/api/v1/invoices/{late['id']}/issue")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/number-unavailable")
    assert await numbers(workspace, "b") == []
    short = {"series": {"a": {"pattern": "XXXX{n}", "max_length": 5}, "b": {"pattern": "Y{n}"}}, "default_series": "a"}
    assert (await api.put("/api/v1/settings/invoicing", json=short)).status_code == 200
    assert (await issue(api, late["id"]))["invoice_number"] == "Y1"


async def test_a_series_that_is_gone_is_a_problem(api: httpx.AsyncClient) -> None:
    made = await draft(api, series="india")
    only = {"series": {"a": {"pattern": "A{n}"}}, "default_series": "a"}
    assert (await api.put("/api/v1/settings/invoicing", json=only)).status_code == 200
    answer = await api.post(f"/api/v1/invoices/{made['id']}/issue")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-series")


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice_counter set last = last + 2",
        "update invoice_counter set last = last - 1",
        "update invoice_counter set period = 'x', last = last + 1",
        "delete from invoice_counter",
    ],
)
async def test_the_database_counts_one_by_one(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, statement: str
) -> None:
    await issued(api)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            await owner.execute(statement)
