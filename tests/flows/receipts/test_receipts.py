"""Receipts of one job's nouns: the stand-alone verifier accepts each, and finds whatever is changed in it."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grace.trust.audit import jobs, service
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.story import Story, said
from tests.trust.audit.exports import MemoryLog, program

Receipt = dict[str, Any]
KINDS = ("proposal", "contract", "decision", "invoice", "payment", "refund")
TIMES = 1_200


async def seal(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        signer = await service.load_or_create_signer(tx)
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await jobs.drain(connection, signer=signer)


async def nouns(story: Story) -> dict[str, str]:
    """The id of one noun of each kind, of a job that was sold, billed, paid and partly given back."""
    await story.signed()
    await seal(story.workspace)
    lines = [{"description": "Work", "unit_price": "99.99", "quantity": "1.5", "tax_rate": 19}]
    draft = await said(story.owner.post("/api/v1/clients", json={"name": "Ada", "external_id": "client_ada"}))
    invoice = await said(story.owner.post("/api/v1/invoices", json={"client_id": draft["id"], "lines": lines}))
    await said(story.owner.post(f"/api/v1/invoices/{invoice['id']}/issue"))
    paid = {"invoice_id": invoice["id"], "amount": "178.49", "method": "cash"}
    await said(story.owner.post("/api/v1/payments/manual", json=paid))
    asked = {"invoice_id": invoice["id"], "amount": "78.48", "reason": "Too much."}
    refund = await said(story.owner.post("/api/business/payments/refund", json=asked))
    await story.workspace.drain()
    await seal(story.workspace)
    found = {"invoice": invoice["id"], "refund": refund["refund_id"]}
    for kind in ("proposal", "contract", "payment"):
        found[kind] = (await story.rows(f"select id from {kind}"))[0]["id"]
    found["decision"] = (await story.rows("select id from decision where action = 'send_proposal'"))[0]["id"]
    return found


async def receipts(story: Story, *, since: int) -> dict[str, Receipt]:
    known = await nouns(story)
    return {kind: await said(story.owner.get(f"/api/v1/receipts/{known[kind]}?since={since}")) for kind in KINDS}


class Judge:
    """The verifier on a receipt in a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "receipt.json"

    def __call__(self, receipt: Any, **options: Any) -> Any:
        self.path.write_text(json.dumps(receipt))
        return program().verify(self.path, **options)

    def refuses(self, receipt: Any) -> bool:
        self.path.write_text(json.dumps(receipt))
        code: int = program().main([str(self.path)])
        return code in (1, 2)


async def test_every_noun_has_a_receipt_and_no_change_of_it_goes_unfound(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = Judge(tmp_path)
    found = await receipts(story, since=3)
    said_of = {kind: "\n".join(judge(receipt).lines()) for kind, receipt in found.items()}
    for kind, text in said_of.items():
        assert "Nothing was altered" in text, f"{kind}: {text}"
        assert f"A receipt of {kind}" in text
        assert "Not proven: that there is no other entry about it" in text
    assert "verification_signature is by the log's key" in said_of["payment"]
    assert "these 1 votes were cast" in said_of["decision"]
    assert "exactly these arguments" in said_of["decision"]
    assert "the text is, to the letter" in said_of["proposal"]
    assert "the text is, to the letter" in said_of["contract"]
    assert found["invoice"]["record"]["state"] == "paid"
    assert found["invoice"]["record"]["lines"][0]["quantity"] == "1.5"
    [vote] = found["decision"]["decision"]["votes"]
    assert (vote["approve"], vote["reason"], vote["parliament_of_one"]) == (True, "Read it.", False)

    chance = random.Random(11)
    for number in range(TIMES):
        kind = KINDS[number % len(KINDS)]
        change = CHANGES[number // len(KINDS) % len(CHANGES)]
        forged = copy.deepcopy(found[kind])
        change(forged, chance, found)
        if forged != found[kind] or json.dumps(forged) != json.dumps(found[kind]):
            assert judge.refuses(forged), f"{number}: {change.__name__} in the receipt of a {kind}"
    assert "Traceback" not in capsys.readouterr().err


async def test_a_receipt_against_checkpoints_kept_elsewhere(story: Story, tmp_path: Path) -> None:
    judge = Judge(tmp_path)
    known = await nouns(story)
    heads = (await said(story.owner.get("/api/v1/audit/checkpoints")))["items"]
    kept = tmp_path / "kept"
    kept.write_text(heads[1]["note"])
    receipt = await said(story.owner.get(f"/api/v1/receipts/{known['payment']}?since={heads[1]['size']}"))
    report = judge(receipt, against=kept, key=heads[0]["key"])
    assert report.findings == []
    assert any("one history with the checkpoint" in sentence for sentence in report.proven)
    without = await said(story.owner.get(f"/api/v1/receipts/{known['payment']}"))
    assert "Nothing leads from the checkpoint" in judge(without, against=kept).findings[0]
    asked = f"/api/v1/audit/consistency?from={heads[1]['size']}"
    (tmp_path / "between").write_text(json.dumps(await said(story.owner.get(asked))))
    assert judge(without, against=kept, consistency=tmp_path / "between").findings == []
    stranger = MemoryLog()
    stranger.record("x", ("x", "y"))
    stranger.seal()
    assert judge(without, key=stranger.key).findings
    kept.write_text(stranger.notes[0])
    assert judge(receipt, against=kept).findings


async def test_an_erased_payload_is_accounted_for_and_a_removed_one_found(story: Story, tmp_path: Path) -> None:
    judge = Judge(tmp_path)
    known = await nouns(story)
    async with story.workspace.tx() as tx:
        await service.erase_payload(tx, subject=("payment", known["payment"]), reason="asked")
    path = f"/api/v1/receipts/{known['payment']}"
    assert (await story.owner.get(path)).status_code == 409
    await seal(story.workspace)
    receipt = await said(story.owner.get(path))
    assert receipt["record"] is None
    report = judge(receipt)
    assert report.findings == []
    assert any("verification_signature is by" in sentence for sentence in report.proven)
    assert any("payloads were erased" in sentence for sentence in report.unproven)
    forged = copy.deepcopy(receipt)
    forged["payment"]["statement"] = forged["payment"]["statement"].replace("amount_minor=", "amount_minor=9")
    assert judge(forged).findings
    other = await said(story.owner.get(f"/api/v1/receipts/{known['decision']}"))
    for entry in other["entries"]:
        entry["salt"] = entry["payload"] = None
    other["record"] = None
    assert judge(other).findings


async def test_a_row_that_was_changed_behind_the_log_shows_in_its_receipt(story: Story, tmp_path: Path) -> None:
    known = await nouns(story)
    async with story.workspace.workspaces.owner(story.workspace.handle) as connection:
        for table in ("payment", "proposal", "decision"):
            await connection.execute(f"alter table {table} disable trigger user".encode())
        await connection.execute("update payment set amount_minor = amount_minor - 1, net_minor = net_minor - 1")
        await connection.execute("update proposal set content = content || ' '")
        await connection.execute("update decision set arguments = arguments || '{\"more\": 1}'")
    for kind in ("payment", "proposal", "decision"):
        receipt = await said(story.owner.get(f"/api/v1/receipts/{known[kind]}"))
        assert Judge(tmp_path)(receipt).findings, kind


async def test_what_has_no_receipt(story: Story) -> None:
    payment = (await nouns(story))["payment"]
    for path, status in (
        ("pay_nothing", 404), ("x" * 129, 422), ("user", 404), (f"{payment}?since=0", 422),
        (f"{payment}?since=99999999", 422), (f"{payment}?since=x", 422),
    ):  # fmt: skip
        answer = await story.owner.get(f"/api/v1/receipts/{path}")
        assert answer.status_code == status, f"{path}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"


def scalars(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of every number, text, true, false and null."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from scalars(item, (*path, name))
    else:
        yield path


def at(receipt: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        receipt = receipt[name]
    return receipt


def change_value(receipt: Receipt, chance: random.Random, _: Any) -> None:
    """Any value anywhere becomes another, of the same kind or not."""
    path = chance.choice([path for path in scalars(receipt) if path[0] != "format"])
    before, inside = at(receipt, path), at(receipt, path[:-1])
    options: list[Any] = [str(before), None, True, 1, 0, [], {}, -1, 10**30]
    if isinstance(before, bool):
        options = [not before, int(before)]
    elif isinstance(before, int):
        options += [before + 1, float(before)]
    elif isinstance(before, str) and before:
        place = chance.randrange(len(before))
        options += [before[:place] + chance.choice("aZ9+/= \n") + before[place + 1 :], before[1:], before + "A"] * 5
    inside[path[-1]] = chance.choice([option for option in options if not is_weaker(path, option)])


def is_weaker(path: tuple[Any, ...], option: Any) -> bool:
    """A receipt without its text or its proof from an earlier state claims less, and nothing wrong."""
    return len(path) == 1 and path[0] in ("text", "payment", "decision", "consistency") and option is None


def remove_member(receipt: Receipt, chance: random.Random, _: Any) -> None:
    path = chance.choice([path for path in scalars(receipt) if len(path) > 1])
    del at(receipt, path[:-1])[path[-1]]


def add_member(receipt: Receipt, chance: random.Random, _: Any) -> None:
    path = chance.choice(list(scalars(receipt)))
    inside = at(receipt, path[:-1])
    if isinstance(inside, dict):
        inside["note"] = "also valid for next year"
    else:
        inside.append(copy.deepcopy(inside[-1]))


def swap_between_entries(receipt: Receipt, chance: random.Random, others: dict[str, Receipt]) -> None:
    """A payload, salt, proof, header or leaf of another entry, of this receipt or another."""
    entry = chance.choice(receipt["entries"])
    strange = chance.choice(chance.choice(list(others.values()))["entries"])
    for name in chance.sample(list(entry), chance.randrange(1, 4)):
        entry[name] = strange[name]


def swap_whole_parts(receipt: Receipt, chance: random.Random, others: dict[str, Receipt]) -> None:
    """The record, subject, text or decision of another receipt."""
    strange = chance.choice([other for other in others.values() if other["subject"] != receipt["subject"]])
    name = chance.choice(["record", "subject", "entries", "text", "decision", "payment"])
    if not is_weaker((name,), strange[name]):
        receipt[name] = copy.deepcopy(strange[name])


def double_or_reorder(receipt: Receipt, chance: random.Random, _: Any) -> None:
    entries = receipt["entries"]
    if len(entries) > 1 and chance.random() < 0.5:
        entries[0], entries[-1] = entries[-1], entries[0]
    else:
        entries.append(copy.deepcopy(chance.choice(entries)))


def drop_the_last_entry(receipt: Receipt, _: random.Random, __: Any) -> None:
    """And with it what has become of the noun."""
    receipt["entries"].pop()


def sign_otherwise(receipt: Receipt, chance: random.Random, _: Any) -> None:
    """Another key, another log of the same key's name, or both."""
    stranger = MemoryLog()
    stranger.record("x", ("x", "y"))
    stranger.seal()
    for name in chance.choice([["key"], ["checkpoint"], ["key", "checkpoint"]]):
        receipt[name] = {"key": stranger.key, "checkpoint": stranger.notes[0]}[name]


CHANGES = [
    change_value, change_value, change_value, remove_member, add_member, swap_between_entries, swap_whole_parts,
    double_or_reorder, drop_the_last_entry, sign_otherwise,
]  # fmt: skip
