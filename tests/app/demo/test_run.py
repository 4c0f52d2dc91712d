"""`grace demo` from outside: a Grace that runs, one of its own, and what it says at the end."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from grace.app import running, supervisor
from grace.app.postgres import server
from tests.fixtures.running import GRACE, RunningGrace, plain_environment

NAMES = [
    "lead_captured", "lead_qualified", "proposal_generated", "sending_held", "sending_approved", "proposal_accepted",
    "contract_signed", "project_begun", "delivery_held", "delivery_approved", "work_delivered", "invoice_issued",
    "card_confirmed", "paid", "survey_answered", "repeat",
]  # fmt: skip


def demo(*arguments: object, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GRACE, "demo", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1], parse_float=Decimal)
    return found


def test_a_job_from_lead_to_cash_on_a_running_grace(running_grace: RunningGrace) -> None:
    done = demo("--json", "--data", running_grace.data_dir, environment=plain_environment())
    report = told(done)
    assert len(done.stdout.splitlines()) == 1
    assert report["workspace"].startswith("demo") and report["workspace"].isalnum()
    assert [step["name"] for step in report["steps"]] == NAMES
    assert all(step["id"] and step["at"].endswith("Z") and step["seconds"] >= 0 for step in report["steps"])
    assert report["verification"] == {
        "ok": True,
        "ledger": True,
        "audit": True,
        "audit_entries": report["verification"]["audit_entries"],
        "findings": [],
    }
    assert report["verification"]["audit_entries"] > 30
    assert len(bytes.fromhex(report["audit_root"])) == 32
    assert report["seconds"] <= 30
    _assert_books(report)
    for check in (["ledger", "check"], ["audit", "verify"]):
        subprocess.run(
            [GRACE, *check, "--data", running_grace.data_dir, "--workspace", report["workspace"]],
            env=plain_environment(),
            check=True,
            capture_output=True,
        )
    address, _, port = running_grace.url.rpartition(":")
    state = httpx.get(f"{address}:{int(port) + 1}/_state", trust_env=False).json()
    payments = state["accounts"][report["workspace"]]["payments"]
    assert [(p["succeeded_charges"], p["double"]) for p in payments] == [(1, False)]


def _assert_books(report: dict[str, Any]) -> None:
    assert sum(line["balance"] for line in report["balances"]) == 0
    assert report["difference_minor"] == 0
    assert report["client_balance"] == 0
    lines = report["statement"][0]["lines"]
    assert [line["kind"] for line in lines] == ["invoice_issued", "payment_received"]
    assert lines[0]["amount"] == -lines[1]["amount"] == report["lifetime_value"]
    assert report["lifetime_value"] > 5000


def test_without_a_running_grace_it_starts_one_and_stops_it(tmp_path: Path) -> None:
    try:
        done = demo("--data", tmp_path / "data", environment=plain_environment())
        assert done.returncode == 0, done.stdout + done.stderr
        assert "No Grace runs on this data directory; starting one" in done.stdout
        assert "Statement of account, USD" in done.stdout
        assert "Every proof holds." in done.stdout
        assert supervisor.holder(tmp_path / "data") is None
        assert running.find(tmp_path / "data") is None
        assert server.status(tmp_path / "data") is None
    finally:
        server.discard(tmp_path / "data")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_grace_that_cannot_start_is_said(tmp_path: Path, as_json: bool) -> None:
    wrong = {**plain_environment(), "GRACE_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    done = demo("--data", tmp_path, *(["--json"] if as_json else []), environment=wrong)
    assert done.returncode == 1
    said = done.stderr if as_json else done.stdout
    assert "The demo stopped: Grace did not start" in said.replace("\n", " ")
    if as_json:
        assert json.loads(done.stdout.splitlines()[-1])["ok"] is False
