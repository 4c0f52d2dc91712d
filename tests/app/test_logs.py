"""The logs of a running Grace: JSON lines with the same fields from every process, and nobody's secrets or data."""

import json
import os
import re
import subprocess
from pathlib import Path

import httpx

from tests.fixtures.running import GRACE, RunningGrace, plain_environment

FIELDS = {"time", "level", "event", "component", "request_id", "workspace"}
NAME, EMAIL = "Philippa Zwingenberger", "philippa.zwingenberger@quux.example"


def test_a_flow_leaves_no_secret_and_no_person_in_the_logs(running_grace: RunningGrace) -> None:
    secrets = {NAME, NAME.split()[1], EMAIL, running_grace.api_key, "hunter22hunter22", "grc_main_" + "w" * 40}
    secrets.add((running_grace.data_dir / "master.key").read_text().strip())
    headers = {"Authorization": f"Bearer {running_grace.api_key}"}
    with httpx.Client(base_url=running_grace.url, headers=headers, timeout=30, trust_env=False) as api:
        lead = {"source": "api", "name": NAME, "email": EMAIL, "budget": "900"}
        made = api.post("/api/business/leads", json=lead)
        assert made.status_code == 200
        marker = made.headers["x-request-id"]
        body = {"project_id": 1, "amount": "10.00", "description": NAME, "client_id": made.json()["client_id"]}
        link = httpx.URL(api.post("/api/business/payments/invoice", json=body).json()["hosted_invoice_url"]).path
        secrets.add(link.rpartition("/")[2])
        assert api.get(link).status_code == 200
        assert api.get(f"{link}x").status_code == 404
        api.post("/api/v1/sign-in", json={"workspace": "main", "email": EMAIL, "password": "hunter22hunter22"})
        assert api.get("/api/v1/clients", headers={"Authorization": "Bearer grc_main_" + "w" * 40}).status_code == 401
        assert api.post("/api/v1/webhooks/stripe", content=json.dumps(lead)).status_code >= 400
        assert api.get(f"/nowhere/{EMAIL}?name={NAME}").status_code == 404
        api.post("/api/business/leads", content=b'{"name": "' + NAME.encode() + b'", "email": 5')
    written = {path.stem: path.read_text() for path in (running_grace.data_dir / "logs").glob("*.log")}
    assert {"web", "worker", "sandbox", "launcher"} <= set(written)
    for process, text in written.items():
        for line in text.splitlines():
            assert set(json.loads(line)) >= FIELDS, line
            assert json.loads(line)["component"] == process
        assert [secret for secret in secrets if secret in text] == [], process
    (line,) = (json.loads(line) for line in written["web"].splitlines() if marker in line)
    assert line["event"] == "request"
    assert (line["workspace"], line["route"], line["status"]) == ("main", "/api/business/leads", 200)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["time"])


def test_a_worker_that_loses_its_database_says_so_in_lines(tmp_path: Path) -> None:
    environment = {**plain_environment(), "GRACE_DATABASE_URL": "postgresql://grace:hunter2@127.0.0.1:1/postgres"}
    worker = subprocess.Popen(
        [GRACE, "worker", "--data", tmp_path], env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert worker.stderr is not None
    said = json.loads(worker.stderr.readline())
    worker.terminate()
    rest = worker.communicate(timeout=60)[1]
    assert worker.returncode == 0
    assert all(set(json.loads(line)) >= FIELDS for line in rest.splitlines())
    assert (said["event"], said["component"]) == ("database does not answer", "worker")
    assert "hunter2" not in json.dumps(said) + rest


def test_a_process_that_cannot_start_says_so_in_one_line(tmp_path: Path) -> None:
    environment = {**plain_environment(), "GRACE_PORTT": "1"}
    for command in ("serve", "worker"):
        done = subprocess.run(
            [GRACE, command, "--data", tmp_path], env=environment, capture_output=True, text=True, check=False
        )
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert (json.loads(line)["event"], json.loads(line)["component"]) == (
            "stopped",
            {"serve": "web"}.get(command, command),
        )
        assert "GRACE_PORTT" in json.loads(line)["error"]


def test_the_sandbox_fails_in_lines(tmp_path: Path) -> None:
    program = (
        "import logging; from grace_sandbox import logs; logs.configure()\n"
        "try: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('x').exception('broke off')"
    )
    python = Path(os.environ.get("PYTHON", GRACE.with_name("python")))
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert set(line) >= FIELDS
    assert (line["event"], line["error"], line["component"]) == ("broke off", "ZeroDivisionError", "sandbox")
