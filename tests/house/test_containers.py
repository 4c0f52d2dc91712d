"""Containerfile and compose.yaml, checked without an engine: by a linter of compose files and by rules of our own.

The usual linter of container files, hadolint, may not be a dependency here (GPL); the rules that matter are below.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from grace.app.cli import app
from grace.kit.settings import known_names

ROOT = Path(__file__).parents[2]
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY)\w*$")


def instructions() -> list[tuple[str, str]]:
    """What the Containerfile says, a line each."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], " ".join(line.split(None, 1)[1].split())) for line in lines]


def compose() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return said


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def test_compose_is_sound_to_its_linter() -> None:
    linter = Path(sys.executable).with_name("compose-lint")
    done = subprocess.run([linter, "check", "compose.yaml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found = set(re.findall(r"^\s+\d+\s+[A-Z]+\s+(CL-\d+)", done.stdout, re.MULTILINE))
    assert found <= {"CL-0019"}, done.stdout  # digests: which one is for whoever builds and pulls


def test_the_linter_bites(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text("services: {x: {image: 'a:1', privileged: true, volumes: ['/var/run/docker.sock:/s']}}")
    linter = Path(sys.executable).with_name("compose-lint")
    assert subprocess.run([linter, "check", broken], capture_output=True, check=False).returncode != 0


def test_the_image_runs_as_nobody_in_particular_from_pinned_parts() -> None:
    said = instructions()
    stages = [value for name, value in said if name == "FROM"]
    assert all(re.fullmatch(r"docker\.io/library/\w+:[\w.-]*\d[\w.-]*( AS \w+)?", stage) for stage in stages), stages
    final = said[max(index for index, (name, _) in enumerate(said) if name == "FROM") :]
    assert [value for name, value in final if name == "USER"] == ["10001:10001"]
    assert [name for name, _ in final][-2:] == ["ENTRYPOINT", "CMD"]
    assert {"HEALTHCHECK", "VOLUME", "EXPOSE", "STOPSIGNAL"} <= {name for name, _ in final}
    installs = [value for name, value in said if name == "RUN" and "pip install" in value]
    assert all("--no-cache-dir" in value and re.search(r"==\d", value) for value in installs)
    assert all("--frozen" in value for name, value in said if name == "RUN" and "uv sync" in value)
    assert not [name for name, _ in said if name == "ADD"]


def test_the_image_holds_what_the_package_needs_and_no_secret() -> None:
    copied = " ".join(value for name, value in instructions() if name == "COPY")
    for needed in ("pyproject.toml", "uv.lock", "./grace", "./grace_sandbox", "./migrations"):
        assert needed in copied
    assert not re.search(r"COPY (--\S+ )*\. ", (ROOT / "Containerfile").read_text()), "the whole checkout"
    for name, value in instructions():
        if name in ("ENV", "ARG"):
            assert not [key for key in re.findall(r"(\w+)=", value) if SECRET.search(key)]
    settings = {key for _, value in instructions() for key in re.findall(r"(GRACE_\w+)=", value)}
    assert settings <= known_names()


@pytest.mark.parametrize("name", ["database", "migrate", "web", "worker", "try"])
def test_every_service_has_no_more_than_it_needs(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), "not root"
    assert {"mem_limit", "pids_limit", "cpus", "restart", "healthcheck", "logging"} <= set(service)
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "cap_add"} & set(service)
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), "only the proxy's machine"
    volumes = [volume.partition(":")[0] for volume in service.get("volumes", ())]
    assert set(volumes) <= set(compose()["volumes"]), "nothing of the host"


def test_the_services_are_those_and_the_sandbox_is_only_in_its_profile() -> None:
    assert set(services()) == {"database", "migrate", "web", "worker", "try"}
    assert [name for name, service in services().items() if "profiles" in service] == ["try"]
    assert services()["database"]["image"].startswith("docker.io/library/postgres:18")
    assert services()["database"]["volumes"] == ["database:/var/lib/postgresql"], "18 keeps its data below this"
    assert compose()["networks"]["back"] == {"internal": True}
    assert services()["database"]["networks"] == ["back"]
    for name in ("web", "worker"):
        assert services()[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_no_secret_is_written_down_and_every_name_is_a_setting() -> None:
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not key.endswith("_FILE"):
                assert re.fullmatch(r"\$\{\w+(:[-?][^}]*)?\}", str(value)), f"{name}: {key}"
            if key.startswith("GRACE_"):
                assert key in known_names(), key
    assert re.search(r":\$\{GRACE_DB_PASSWORD:\?", str(services()["web"]["environment"]["GRACE_DATABASE_URL"]))


def test_every_command_is_one_of_grace() -> None:
    commands = {str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands}
    for name, service in services().items():
        if name != "database":
            assert service["command"][0] in commands
        check = service["healthcheck"].get("test", ["CMD", "grace", "worker"])
        if check[1] == "grace":
            assert check[2] in commands
    assert dict(instructions())["CMD"] == '["serve"]'
