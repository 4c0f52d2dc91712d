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


async def test_name_and_zone_are_changed_and_audited(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    before = (await api.get("/api/v1/workspace")).json()
    assert before["time_zone"] == "UTC"
    changed = await api.put("/api/v1/workspace", json={"name": " Harbour ", "time_zone": "asia/kolkata"})
    assert changed.json() == before | {"name": "Harbour", "time_zone": "Asia/Kolkata"}
    assert (await api.get("/api/v1/workspace")).json() == changed.json()
    assert (await api.get("/api/v1/me")).json()["workspace"] == changed.json()
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from audit_entry where action = 'change_workspace'") == 1


@pytest.mark.parametrize("zone", ["", "IST", "Europe/Atlantis", "../../etc/passwd", "UTC+2", "Europe/Berlin\u0000"])
async def test_what_is_no_zone_changes_nothing(api: httpx.AsyncClient, zone: str) -> None:
    answer = await api.put("/api/v1/workspace", json={"name": "Harbour", "time_zone": zone})
    assert answer.status_code in (400, 422)
    assert (await api.get("/api/v1/workspace")).json()["name"] != "Harbour"


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
