"""Commands take over what the Grace that runs on their data directory has chosen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grace.app import running
from grace.app.locks import file_lock
from tests.fixtures.running import GRACE, RunningGrace, plain_environment


def test_what_a_running_grace_says(tmp_path: Path) -> None:
    running.note(tmp_path, url="http://127.0.0.1:9", chosen={"GRACE_URL": "https://grace.example"})
    assert running.find(tmp_path) is None
    with file_lock(tmp_path / "up.lock", wait_s=0):
        program = "import sys, pathlib; from grace.app import running; print(running.find(pathlib.Path(sys.argv[1])))"
        done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert f"pid={os.getpid()}" in done.stdout
    assert "http://127.0.0.1:9" in done.stdout


def test_what_an_earlier_run_said_does_not_count(tmp_path: Path) -> None:
    (tmp_path / running.NAME).write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "chosen": {}}))
    with file_lock(tmp_path / "up.lock", wait_s=0):
        assert running.find(tmp_path) is None


def test_links_lead_to_the_grace_that_runs(running_grace: RunningGrace) -> None:
    command = [GRACE, "bootstrap", "--workspace", "elsewhere", "--email", "o@example.com", "--json"]
    done = subprocess.run(
        [*command, "--data", running_grace.data_dir],
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["sign_in_url"].startswith(f"{running_grace.url}/sign-in/elsewhere.")


def test_what_the_environment_says_stands(running_grace: RunningGrace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GRACE_URL", "https://mine.example")
    before = dict(os.environ)
    try:
        assert running.adopt(running_grace.data_dir)
        assert os.environ["GRACE_URL"] == "https://mine.example"
        assert os.environ["GRACE_STRIPE_SECRET_KEY"] == "sk_test_{workspace}"
        assert not running.adopt(running_grace.data_dir)
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]


def test_what_it_said_is_taken_back_at_the_end(tmp_path: Path) -> None:
    running.note(tmp_path, url="http://127.0.0.1:9", chosen={})
    running.forget(tmp_path)
    assert not (tmp_path / running.NAME).exists()
    running.forget(tmp_path)
    (tmp_path / running.NAME).write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:9", "chosen": {}}))
    running.forget(tmp_path)
    assert (tmp_path / running.NAME).exists()
