"""The page on the sandbox names every fault with its options, and every door."""

import re
from pathlib import Path

from grace_sandbox.faults import KINDS
from grace_sandbox.server import DEFAULT_PORT

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_every_fault_is_described_with_its_options() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE.partition("## Faults")[2], re.M)
    described = {kind: set(re.findall(r"`(\w+)`", options)) for kind, options in rows}
    assert described == {kind: set(options) for kind, options in KINDS.items()}


def test_the_start_command_is_the_real_one() -> None:
    assert f"python -m grace_sandbox --port {DEFAULT_PORT} --state" in PAGE


def test_every_door_is_described(sandbox_app_paths: set[str]) -> None:
    described = set(re.findall(r"(/_?\w+(?:/\{\w+\})*)[` ]", PAGE.partition("## Control")[2].partition("##")[0]))
    assert sandbox_app_paths <= described
