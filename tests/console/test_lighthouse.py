"""Lighthouse judges the pages that people see most."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest

from tests.fixtures.browser import ROOT, Visitors

LEAST = 0.95


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", ["/app", "/app/pipeline", "/app/approvals", "pay"])
async def test_the_score_is_high(visitors: Visitors, tmp_path: Path, path: str) -> None:
    page = await visitors.user()
    cookies = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    if path == "pay":
        path = await pay_page(visitors.api)
    headers = tmp_path / "headers.json"
    headers.write_text(json.dumps({"Cookie": f"grace_session={cookies['grace_session']}"}))
    command = (str(ROOT / "scripts" / "lighthouse"), f"{visitors.grace.url}{path}", str(headers))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]
    report = json.loads(printed)
    low = {name: found["score"] for name, found in report["categories"].items() if found["score"] < LEAST}
    assert low == {}


async def pay_page(api: httpx.AsyncClient) -> str:
    client = await api.post("/api/v1/clients", json={"name": "Lighthouse", "email": "light@house.example"})
    body = {"client_id": client.json()["id"], "amount": 1500, "description": "Work"}
    invoice = await api.post("/api/business/payments/invoice", json=body)
    return httpx.URL(invoice.json()["hosted_invoice_url"]).path
