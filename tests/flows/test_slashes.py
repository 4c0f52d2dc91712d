"""Ids of the caller's own and invoice numbers may hold a slash: in an address it is written %2F."""

import re
from pathlib import Path

import httpx
import pytest

OPERATE = Path(__file__).parents[2] / "docs" / "operate.md"
ODD = "acme/eu west/100% & ?#ü"
AT = "acme%2Feu%20west%2F100%25%20%26%20%3F%23%C3%BC"


async def test_a_client_with_a_slash_in_its_id_is_reached_at_each_of_its_doors(api: httpx.AsyncClient) -> None:
    made = await api.post("/api/v1/clients", json={"name": "Acme", "external_id": ODD})
    for path in (AT, AT.replace("%2F", "%2f")):
        for door in ("", "/statement", "/payment-methods"):
            assert (await api.get(f"/api/v1/clients/{path}{door}")).status_code == 200
    changed = await api.post(f"/api/v1/clients/{AT}", json={"notes": "found"})
    assert (changed.json()["id"], changed.json()["notes"]) == (made.json()["id"], "found")


async def test_a_slash_that_is_not_encoded_parts_segments(api: httpx.AsyncClient) -> None:
    await api.post("/api/v1/clients", json={"name": "Acme", "external_id": "acme/eu"})
    assert (await api.get("/api/v1/clients/acme/eu")).json()["type"] == "/problems/no-such-address"
    assert (await api.get("/api%2Fv1/clients")).json()["type"] == "/problems/no-such-address"


async def test_what_the_operator_is_told_about_the_proxy(api: httpx.AsyncClient) -> None:
    """nginx passes an address on undecoded when `proxy_pass` names no path; the probe tells who decodes."""
    section = OPERATE.read_text().partition("### Proxy")[2].partition("\n### ")[0]
    nginx = re.search("```nginx\n(.*?)```", section, re.DOTALL)
    assert nginx
    assert re.findall(r"proxy_pass (\S+);", nginx[1]) == ["http://127.0.0.1:8005"]
    assert "rewrite" not in nginx[1]
    told = re.search(r"`(\S+)` with a key has to be answered `(\S+)`, not `(\S+)`", section)
    assert told
    for path, problem in ((told[1], told[2]), (told[1].replace("%2F", "/"), told[3])):
        assert (await api.get(path)).json()["type"] == problem


async def test_a_lead_with_a_slash_in_its_id(api: httpx.AsyncClient) -> None:
    lead = {"source": "api", "name": "Ada", "email": "ada@acme.dev", "external_id": "2026/7"}
    made = (await api.post("/api/business/leads", json=lead)).json()
    assert (await api.post("/api/business/leads/2026%2F7/qualify")).json()["lead_id"] == made["lead_id"]


async def test_an_invoice_by_a_number_with_a_slash(api: httpx.AsyncClient) -> None:
    lines = [{"description": "Work", "unit_price": "100.00"}]
    draft = await api.post("/api/v1/invoices", json={"client_id": "client_abc", "series": "india", "lines": lines})
    issued = (await api.post(f"/api/v1/invoices/{draft.json()['id']}/issue")).json()
    assert "/" in issued["invoice_number"]
    path = issued["invoice_number"].replace("/", "%2F")
    for door in (f"/api/v1/invoices/{path}", f"/api/business/payments/status/{path}"):
        found = (await api.get(door)).json()
        assert found.get("id", found.get("invoice_id")) == issued["id"]
    assert (await api.get(f"/api/v1/invoices/{path}/pdf")).content[:4] == b"%PDF"


@pytest.mark.parametrize("dots", [".", ".."])
async def test_what_clients_take_out_of_addresses_is_refused_as_an_id(api: httpx.AsyncClient, dots: str) -> None:
    refused = await api.post("/api/v1/clients", json={"name": "Acme", "external_id": dots})
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "external_id")
    invoice = {"client_id": dots, "amount": "1.00", "description": "Work"}
    assert (await api.post("/api/business/payments/invoice", json=invoice)).status_code == 422
