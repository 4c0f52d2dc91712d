"""`grace import leads`: every row once, under the rules of capture, whatever interrupts it."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grace.app import importing
from grace.kit.errors import Invalid
from grace.kit.exports import open_export
from tests.app.importing_files import PIPELINE, XEDUCATION, people, write
from tests.fixtures.workspace import WorkspaceUnderTest

COUNTS = """select (select count(*) from lead) as leads, (select count(*) from client) as clients,
    (select count(*) from lead_move) as moves, (select count(*) from interaction) as interactions,
    (select count(*) from fact where kind in ('LeadCaptured', 'ClientCreated')) as facts,
    (select count(*) from audit_entry where action in ('import_lead', 'create_client')) as entries"""


async def run(workspace: WorkspaceUnderTest, file: Path, *, dry: bool = False, **how: Any) -> importing.Summary:
    """The whole import of a file."""
    export = open_export(file)
    options = {"maps": [], "stages": [], "empty": [], "source": None, "keep_rest": False} | how
    reading = importing.reading_of(export, **options)
    rejected = file.parent / "rejected.csv" if os.access(file.parent, os.W_OK) else Path(os.devnull)
    return await importing.run(workspace.workspaces, workspace.handle, export, reading, rejected=rejected, dry=dry)


async def counts(workspace: WorkspaceUnderTest) -> dict[str, int]:
    """How many rows there are."""
    async with workspace.tx() as tx:
        return dict(await tx.one(dict, COUNTS))


def figures(done: importing.Summary) -> tuple[int, int, int, int]:
    return done.created, done.merged, done.known, done.rejected


async def test_every_row_is_a_lead_of_its_client(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    done = await run(workspace, write(tmp_path / "a.csv.gz", people(1_200)), keep_rest=True)
    assert figures(done) == (1_080, 120, 0, 0)
    found = await counts(workspace)
    assert (found["leads"], found["clients"], found["interactions"]) == (1_200, 1_080, 1_200)
    assert (found["facts"], found["entries"]) == (2_280, 2_280)
    async with workspace.tx() as tx:
        lead = await tx.one(
            dict,
            "select l.*, c.name, c.email, c.company, c.email_key, c.domain_key from lead l join client c"
            " on c.id = l.client_id order by l.number limit 1",
        )
        lost = "select count(*) from lead where stage = 'LOST' and lost_at is not null"
        assert await tx.value("select count(*) from lead_move") == 1_200 + await tx.value(lost)
        await tx.execute("select 1")
    assert (lead["name"], lead["email"]) == ("Person 1", "p1@company1.example.com")
    assert (lead["email_key"], lead["domain_key"]) == ("p1@company1.example.com", "company1.example.com")
    assert lead["metadata"] == {"Owner": "Owner 1"}
    assert lead["value_estimate_minor"] % 100 == 50


async def test_again_nothing_comes_twice(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", people(60), separator=";")
    await run(workspace, file)
    before = await counts(workspace)
    assert figures(await run(workspace, file)) == (0, 0, 60, 0)
    more = write(tmp_path / "b.csv", people(70)[50:])
    assert figures(await run(workspace, more)) == (9, 1, 10, 0)
    assert (await counts(workspace))["leads"] == before["leads"] + 10


async def test_external_ids_dedupe_leads_and_clients(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    header = ["Deal", "Account ID", "Name"]
    rows = [["d1", "a1", "Ann"], ["d2", "a1", "Ann"], ["d1", "a1", "Ann again"], ["d3", "a2", "Ann"], ["d4", "", ""]]
    file = write(tmp_path / "a.csv", rows, header=header)
    assert figures(await run(workspace, file, maps=["external_id=Deal"])) == (3, 1, 1, 0)
    async with workspace.tx() as tx:
        assert await tx.value("select client_id from client_external_id where external_id = 'a1'") == await tx.value(
            "select client_id from lead where external_id = 'd2'"
        )
        assert await tx.value("select c.name from lead l join client c on c.id = client_id where external_id = 'd4'")


async def test_companies_alone_are_one_client_and_people_of_one_name_are_not(
    workspace: WorkspaceUnderTest, tmp_path: Path
) -> None:
    header = ["Id", "Company", "Name"]
    rows = [["1", "Acme Inc.", ""], ["2", "ACME", ""], ["3", "", "Li Wei"], ["4", "", "Li Wei"], ["5", "Acme", "Bo"]]
    assert figures(await run(workspace, write(tmp_path / "a.csv", rows, header=header))) == (4, 1, 0, 0)
    again = write(tmp_path / "b.csv", [["6", "Acme GmbH", ""]], header=header)
    assert figures(await run(workspace, again)) == (0, 1, 0, 0)


async def test_a_known_client_is_filled_in_not_overwritten(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    header = ["Name", "Email", "Country", "Industry"]
    first = write(tmp_path / "a.csv", [["Ada", "ada@acme.dev", "UK", ""]], header=header)
    second = write(tmp_path / "b.csv", [["Ada L.", "Ada+x@acme.dev", "France", "Software"]], header=header)
    await run(workspace, first)
    assert figures(await run(workspace, second)) == (0, 1, 0, 0)
    async with workspace.tx() as tx:
        client = await tx.one(dict, "select name, country, industry, version from client")
        assert await tx.value("select count(*) from audit_entry where action = 'fill_client'") == 1
    assert client == {"name": "Ada", "country": "UK", "industry": "Software", "version": 2}


async def test_rejected_rows_say_why_and_can_be_corrected(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    header = ["Name", "Email", "Stage", "Budget", "Company"]
    rows = [
        ["Good", "", "won", "1,000", ""],
        ["", "", "", "5", ""],
        ["Mail", "no address", "", "", ""],
        ["Stage", "", "limbo", "", ""],
        ["Money", "", "", "much", ""],
        ["Cents", "", "", "1.001", ""],
        ["x" * 257, "", "", "", ""],
        ["NUL\x00", "", "", "", ""],
        ["short"],
    ]
    done = await run(workspace, write(tmp_path / "a.csv", rows, header=header))
    assert figures(done) == (1, 0, 0, 8)
    assert done.rejected_file is not None
    with done.rejected_file.open(newline="") as file:
        refused = list(csv.DictReader(file))
    assert [row["rejected_line"] for row in refused] == ["3", "4", "5", "6", "7", "8", "9", "10"]
    reasons = [row["rejected_because"] for row in refused]
    for reason, words in zip(
        reasons,
        ["no name, no company", "e-mail", "limbo", "amount", "decimals", "256", "NUL", "1 cells"],
        strict=True,
    ):
        assert words in reason
    corrected = [[row[name] for name in refused[0]] for row in refused[2:3]]
    again = write(tmp_path / "b.csv", corrected, header=list(refused[0]))
    assert figures(await run(workspace, again, stages=["limbo=LOST"], keep_rest=True)) == (1, 0, 0, 0)
    async with workspace.tx() as tx:
        row = await tx.one(dict, "select stage, metadata from lead order by number desc limit 1")
    assert row == {"stage": "LOST", "metadata": {}}


async def test_times_and_parts_of_a_name(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    header = ["First name", "Last name", "Opened", "Closed", "Stage"]
    rows = [["Ada", "Lovelace", "2025-01-01", "2025-01-11", "Won"], ["Bo", "", "2025-02-01 08:00", "", "Lost"]]
    file = write(tmp_path / "a.csv", rows, header=header)
    done = await run(workspace, file, maps=["created_at=Opened", "closed_at=Closed"])
    assert figures(done) == (2, 0, 0, 0)
    async with workspace.tx() as tx:
        won, lost = await tx.all(dict, "select l.*, c.name from lead l join client c on c.id = client_id order by 2")
    assert (won["name"], lost["name"]) == ("Ada Lovelace", "Bo")
    assert (won["converted_at"] - won["created_at"]).days == 10
    assert (lost["created_at"].year, lost["converted_at"]) == (2025, None)


async def test_a_rehearsal_counts_as_the_import_does_and_writes_nothing(
    workspace: WorkspaceUnderTest, tmp_path: Path
) -> None:
    rows = people(1_100)
    file = write(tmp_path / "a.csv", [*rows, *rows[:20]])
    rehearsed = await run(workspace, file, dry=True)
    assert set((await counts(workspace)).values()) == {0}
    assert figures(rehearsed) == figures(await run(workspace, file)) == (990, 110, 20, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"maps": ["nmae=Name"]}, "no field 'nmae'"),
        ({"maps": ["name=Nmae"]}, "no column 'Nmae'"),
        ({"maps": ["name="]}, "No column is a name"),
        ({"stages": ["Won=WON"]}, "no stage 'WON'"),
    ],
)
async def test_options_that_cannot_be_meant(
    workspace: WorkspaceUnderTest, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await run(workspace, write(tmp_path / "a.csv", [["A"]], header=["Name"]), **options)


async def test_killed_in_the_middle_and_run_again_the_result_is_the_same(
    workspace: WorkspaceUnderTest, postgres_server: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.csv.gz", people(5_000))
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRACE_")} | {
        "GRACE_DATABASE_URL": postgres_server, "GRACE_DATA_DIR": str(tmp_path), "GRACE_WORKSPACE": workspace.handle,
    }  # fmt: skip
    command = [sys.executable, "-m", "grace.app", "import", "leads", str(file), "--json"]
    first = await asyncio.create_subprocess_exec(*command, env=env, stderr=subprocess.PIPE)
    async with asyncio.timeout(60):
        while (committed := (await counts(workspace))["leads"]) < 1_000:
            assert first.returncode is None, await first.communicate()
            await asyncio.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    assert committed < 5_000
    again = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True, check=True)
    done = json.loads(again.stdout)
    assert done["known"] >= committed
    assert done["known"] % 500 == 0
    assert done["rejected"] == 0
    found = await counts(workspace)
    assert (found["leads"], found["clients"]) == (5_000, 4_500)
    assert (found["facts"], found["entries"]) == (9_500, 9_500)


@pytest.mark.skipif(not PIPELINE.exists(), reason="the export crm_pipeline is not here")
async def test_the_export_of_a_pipeline(workspace: WorkspaceUnderTest) -> None:
    done = await run(workspace, PIPELINE, keep_rest=True)
    assert (done.rows, done.rejected, done.known) == (7_635, 0, 0)
    async with workspace.tx() as tx:
        rows = await tx.all(dict, "select stage, count(*) from lead group by stage")
        stages = {row["stage"]: row["count"] for row in rows}
        companies = await tx.value("select count(*) from client where company is not null")
    assert stages == {"ACTIVE": 3_042, "QUALIFIED": 2_409, "LOST": 1_684, "LEAD": 500}
    assert companies == 85


@pytest.mark.skipif(not XEDUCATION.exists(), reason="the export xeducation_leads is not here")
async def test_the_export_of_a_school(workspace: WorkspaceUnderTest) -> None:
    done = await run(workspace, XEDUCATION, empty=["Select"], keep_rest=True)
    assert figures(done) == (6_468, 0, 0, 0)
    assert figures(await run(workspace, XEDUCATION, empty=["Select"])) == (0, 0, 6_468, 0)
