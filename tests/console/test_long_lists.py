"""Lists over more rows than are picked one by one, or counted: the same answers, by other ways."""

import re

import httpx
import pytest

from grace.trust.identity.rules import Role
from tests.fixtures.office import People

MANY = """
insert into client (id, name, email, source, created_at) select 'cust_' || lpad(n::text, 26, '0'),
  case when n % 1200 = 0 then 'Osprey ' else 'Guest ' end || n, n || '@example.com', 'website',
  now() - n * interval '1 minute' from generate_series(1, 2400) n;
insert into lead (id, client_id, source, stage, currency, value_estimate_minor, stage_since, created_at)
select 'lead_' || right(id, 26), id, 'website', 'LEAD', 'USD', right(id, 26)::int, created_at, created_at from client;
insert into invoice (id, client_id, state, series, series_period, series_number, invoice_number, currency, net_minor,
  tax_minor, total_minor, taxes, issuer, client, issued_at, due_at, created_at)
select 'in_' || right(id, 26), id, 'issued', 'INV', '', right(id, 26)::int, 'INV-' || right(id, 4), 'USD', 100, 0, 100,
  '[]', '{}', '{"name": "Formerly Heron", "company": null}', created_at, '2100-01-01', created_at from client;
insert into payment (id, invoice_id, client_id, provider, method, reference, currency, amount_minor, net_minor, status,
  received_at, recorded_by, verification_signature, created_at)
select 'pay_' || right(id, 26), id, client_id, 'manual', 'upi', 'ref-' || right(id, 4), 'USD', 100, 100, 'paid',
  created_at, 'x', 'x', created_at from invoice;
"""


@pytest.fixture
async def browser(office: People) -> httpx.AsyncClient:
    async with office.workspace.workspaces.owner(office.workspace.handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute(MANY.encode())
    return await office.signed_in(await office.user(Role.OWNER))


async def shown(browser: httpx.AsyncClient, path: str) -> list[str]:
    """The numbers of the nouns that a page lists, in its order."""
    answer = await browser.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    found = re.findall(r'data-item[^>]*href="/app/\w+/\w+?_0*([1-9]\d*)', answer.text)
    return found or re.findall(r'id="row-\w+?_0*([1-9]\d*)"', answer.text)


@pytest.mark.parametrize("path", ["/app/pipeline/list?q=", "/app/clients?q=", "/app/invoices?q=", "/app/payments?q="])
async def test_few_and_many_are_found_in_the_order_of_the_list(browser: httpx.AsyncClient, path: str) -> None:
    assert sorted(await shown(browser, f"{path}OSPREY")) == ["1200", "2400"]
    assert await shown(browser, f"{path}guest 0599") == await shown(browser, f"{path}%26") == []
    many = await shown(browser, f"{path}gue")
    assert len(many) == 50 and not {"1200", "2400"} & set(many)
    everything = await shown(browser, path)
    assert [n for n in everything if n not in {"1200", "2400"}] == many[: len(set(everything) - {"1200", "2400"})]


async def test_money_is_found_by_its_number_its_reference_and_a_name_it_once_had(browser: httpx.AsyncClient) -> None:
    assert await shown(browser, "/app/invoices?q=inv-0777") == await shown(browser, "/app/payments?q=inv-0777")
    assert await shown(browser, "/app/payments?q=ref-0777") == ["777"]
    assert len(await shown(browser, "/app/invoices?q=heron")) == 50


async def test_a_count_that_stops_says_so(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/app/invoices", headers={"Accept": "text/html"})).text
    counts = dict(re.findall(r'tab=(\w+)"[^>]*>\w+<span class="num muted">([^<]+)<', page))
    assert counts == {"draft": "0", "sent": "1,000+", "late": "0", "paid": "0", "all": "1,000+"}
