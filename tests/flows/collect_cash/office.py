"""Short ways to do over HTTP what the tests of this flow need."""

from typing import Any

import httpx


async def draft(api: httpx.AsyncClient, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A draft; by default of one line of 100.00."""
    body = {"client_id": "client_abc", "lines": list(lines) or [{"description": "Work", "unit_price": 100}], **more}
    answer = await api.post("/api/v1/invoices", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def issue(api: httpx.AsyncClient, invoice_id: str) -> dict[str, Any]:
    """Issue a draft."""
    answer = await api.post(f"/api/v1/invoices/{invoice_id}/issue")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def issued(api: httpx.AsyncClient, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An issued invoice."""
    return await issue(api, (await draft(api, *lines, **more))["id"])


async def pay(api: httpx.AsyncClient, invoice_id: str, amount: Any, **more: Any) -> httpx.Response:
    """Record a payment by bank."""
    body = {"invoice_id": invoice_id, "amount": amount, "method": "bank_transfer", **more}
    return await api.post("/api/v1/payments/manual", json=body)


async def get(api: httpx.AsyncClient, invoice_id: str) -> dict[str, Any]:
    """The invoice's record."""
    answer = await api.get(f"/api/v1/invoices/{invoice_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
