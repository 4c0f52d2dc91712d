"""Disasters from a seed: whatever is killed or fails, the books, the log and the provider agree afterwards."""

import json
import random
import subprocess
import sys
from typing import Any

import pytest

from grace.app.simulation.actors import ACTS, VICTIMS
from grace.app.simulation.office import Scythe
from tests.fixtures.running import plain_environment

IN_CI, AT_NIGHT, STEPS = range(1, 11), range(100, 300), 35


def play(seed: int, *, steps: int) -> dict[str, Any]:
    """Play a seed in processes of its own; what it tells."""
    done = subprocess.run(
        [sys.executable, "-m", "grace.app", "simulate", "--seed", str(seed), "--steps", str(steps), "--json"],
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(lines[-1])
    assert (done.returncode == 0) == told["ok"]
    return told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", IN_CI)
def test_everything_is_right_afterwards(seed: int) -> None:
    told = play(seed, steps=STEPS)
    assert told["findings"] == [], (told["folder"], told["done"])
    assert len(told["done"]) == STEPS


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", AT_NIGHT)
def test_everything_is_right_afterwards_at_night(seed: int) -> None:
    told = play(seed, steps=120)
    assert told["findings"] == [], (told["folder"], told["done"])


@pytest.mark.timeout(900)
def test_the_same_seed_plays_the_same() -> None:
    """Act by act, refusals and deaths included; ids are made anew."""
    first, second = (play(2, steps=15) for _ in range(2))
    assert [act.split(":")[0] for act in first["done"]] == [act.split(":")[0] for act in second["done"]]
    outcomes = [[act for act in told["done"] if "refused" in act or act.startswith("doom")] for told in (first, second)]
    assert outcomes[0] == outcomes[1]
    assert first["deaths"] == second["deaths"]


def test_every_act_is_played_by_the_seeds_of_ci() -> None:
    weights, acts = zip(*ACTS, strict=True)
    drawn = {act for seed in IN_CI for act in random.Random(seed).choices(acts, weights, k=STEPS)}
    assert drawn == set(acts)
    assert set(VICTIMS) == {"office", "sandbox", "database"}


def test_the_scythe_falls_at_the_statement_it_was_aimed_at() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        scythe = Scythe()
        scythe.aim(pid=victim.pid, after=2)
        for _ in range(2):
            scythe.swing()
        assert victim.poll() is None
        scythe.swing()
        assert victim.wait(60) == -9
        scythe.swing()
