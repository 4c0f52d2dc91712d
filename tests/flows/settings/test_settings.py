"""Settings over HTTP."""

from typing import Any

import httpx
import pytest

from tests.fixtures.workspace import WorkspaceUnderTest

INVOICING = "/api/v1/settings/invoicing"


async def test_every_setting_has_defaults(api: httpx.AsyncClient) -> None:
    listed = {item["name"]: item["value"] for item in (await api.get("/api/v1/settings")).json()["items"]}
    assert listed["invoicing"]["default_series"] == "standard"
    assert listed["invoicing"]["series"]["standard"]["pattern"] == "INV-{YYYYMMDD}-{n}"
    assert listed["invoicing"]["series"]["india"]["max_length"] == 16
    assert listed["issuer"]["tax_id"] is None


async def test_a_setting_is_replaced_and_audited(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    answer = await api.put("/api/v1/settings/issuer", json={"name": "Us Ltd"})
    assert answer.json()["value"]["name"] == "Us Ltd"
    assert (await api.get("/api/v1/settings/issuer")).json() == answer.json()
    async with workspace.tx() as tx:
        entries = await tx.value("select count(*) from audit_entry where action = 'change_setting'")
    assert entries == 1


@pytest.mark.parametrize(
    "value",
    [
        {"unknown": 1},
        {"due_days": -1},
        {"due_days": "soon"},
        {"default_series": "nope"},
        {"series": {}},
        {"series": {"a": {"pattern": "no number"}}, "default_series": "a"},
        {"series": {"A b": {"pattern": "{n}"}}, "default_series": "A b"},
        {"series": {"a": {"pattern": "{n}"}, "b": {"pattern": "{n}"}}, "default_series": "a"},
        {"series": {"a": {"pattern": "{FY}{n}", "fiscal_year_starts": 13}}, "default_series": "a"},
    ],
)
async def test_wrong_values_are_refused(api: httpx.AsyncClient, value: dict[str, Any]) -> None:
    before = (await api.get(INVOICING)).json()
    answer = await api.put(INVOICING, json=value)
    assert answer.status_code == 422, answer.text
    assert (await api.get(INVOICING)).json() == before


async def test_unknown_settings_are_not_found(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/settings/nothing")).status_code == 404
    assert (await api.put("/api/v1/settings/nothing", json={})).status_code == 404
