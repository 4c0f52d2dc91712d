"""The pipeline over HTTP: conversion, value by stage and source, velocity, what stands still."""

from decimal import Decimal
from typing import Any

import httpx

from grace.domains.crm.rules.stages import LINE
from grace.insight.figures import PLACES
from grace.kit import json
from grace.kit.money import DIGITS
from tests.domains.crm.test_leads import capture
from tests.fixtures.workspace import WorkspaceUnderTest


async def pipeline(api: httpx.AsyncClient, **params: Any) -> Any:
    answer = await api.get("/api/business/pipeline", params=params)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content)


async def test_the_pipeline_counts_what_it_holds(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    won, lost = (await capture(api))["lead_id"], (await capture(api, source="website", budget="1000"))["lead_id"]
    await api.post(f"/api/business/leads/{won}/qualify")
    await api.post(f"/api/business/leads/{lost}/stage", json={"stage": "LOST"})
    found = await pipeline(api)
    stages = {row["stage"]: row for row in found["stages"]}
    assert [row["stage"] for row in found["stages"]][-1] == "LOST"
    assert (stages["QUALIFIED"]["count"], stages["LOST"]["count"]) == (1, 1)
    assert stages["LEAD"]["conversion"] == Decimal("0.5")
    assert (stages["QUALIFIED"]["value"], stages["LEAD"]["value"]) == (24000, 0)
    assert found["sources"][0] == {"source": "referral", "count": 1, "value": 24000, "conversion": 0}
    assert [(c["stage"], c["source"], c["value"]) for c in found["by_stage_and_source"]] == [
        ("QUALIFIED", "referral", 24000), ("LOST", "website", 1000)]  # fmt: skip
    assert found["velocity_days"] is None
    assert found["stuck"] == []
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("update workspace set clock_offset = '30 days'")
    assert [row["lead_id"] for row in (await pipeline(api))["stuck"]] == [won]
    for stage in ("PROPOSAL", "CONTRACT"):
        await api.post(f"/api/business/leads/{won}/stage", json={"stage": stage})
    found = await pipeline(api)
    assert found["velocity_days"] == 30
    assert {row["stage"]: row["days"] for row in found["stages"] if row["days"] is not None} == {
        "LEAD": 0, "QUALIFIED": 30, "PROPOSAL": 0}  # fmt: skip
    assert (await pipeline(api, **{"to": "2020-01-01T00:00:00Z"}))["sources"] == []


async def test_the_database_knows_stages_and_digits_as_the_rules_do(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        for stage in LINE:
            assert await tx.value("select insight_place(%(stage)s)", stage=stage.value) == PLACES[stage]
        assert await tx.value("select insight_place('LOST')") is None
        digits = await tx.all(
            int, "select insight_digits(c) from unnest(%(all)s::text[]) with ordinality u (c, n) order by n",
            all=list(DIGITS),
        )  # fmt: skip
        assert dict(zip(DIGITS, digits, strict=True)) == DIGITS
