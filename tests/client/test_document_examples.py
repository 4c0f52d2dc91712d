"""The Python examples of document 1 run as written, the import lines and the direct database access aside."""

import ast
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grace.client import marketplace_connector, payment_processor, secrets_vault
from grace.client.api import Grace
from grace.client.errors import GraceError
from tests.fixtures.running import RunningGrace

SHARED = Path(os.environ.get("GRACE_TEST_SHARED", Path(__file__).parents[3] / "shared"))
DOCUMENT = SHARED / "sources" / "1-business-execution.md"
DIRECT = ("backend.immutable_log", "backend.models")
OFFERED = {"create_invoice", "process_payment", "refund_payment", "track_payment_status"}
LIBRARY = {
    "payment_processor": payment_processor,
    "marketplace_connector": marketplace_connector,
    "secrets_vault": secrets_vault,
}

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason=f"{DOCUMENT} is not present (set GRACE_TEST_SHARED)")


def examples() -> list[str]:
    """The document's Python blocks that do not go to its database, in order, without import lines."""
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL) if SHARED else []
    return [
        re.sub(r"^from backend\..*\n", "", block, flags=re.MULTILINE)
        for block in blocks
        if not any(name in block for name in DIRECT)
    ]


def calls(example: str) -> set[str]:
    """The names that an example uses of the library."""
    return {
        node.attr
        for node in ast.walk(ast.parse(example))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in LIBRARY
    }


async def run(example: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Run an example; the names it leaves behind."""
    globals_: dict[str, Any] = {**LIBRARY, **names}
    code = compile(example, "document 1", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, globals_)
    if running is not None:
        await running
    return globals_


async def store_card(client_id: str) -> None:
    """The card that the document takes for granted when it charges an invoice."""
    async with Grace(os.environ["GRACE_URL"], os.environ["GRACE_API_KEY"]) as grace:
        await grace.post(f"/api/v1/clients/{client_id}/payment-methods", {"payment_method": "pm_card_visa"})


@pytest.fixture
def environment(running_grace: RunningGrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRACE_URL", running_grace.url)
    monkeypatch.setenv("GRACE_API_KEY", running_grace.api_key)


@pytest.mark.usefixtures("environment")
async def test_the_examples_run_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    found = [example for example in examples() if calls(example)]
    assert len(found) > 15
    invoice_id: str | None = None
    ran: set[str] = set()
    for example in found:
        if not calls(example) <= OFFERED:
            continue
        # The one thing that cannot be as written: an invoice id is given by the server.
        example = example.replace("in_1234567890", invoice_id or "in_1234567890")
        left = await run(example, {})
        ran |= calls(example)
        if "create_invoice" in example:
            assert left["result"]["success"] is True
            invoice_id = left["result"]["invoice_id"]
        if "client_abc" in example and "create_invoice" in example:
            await store_card("client_abc")
    assert ran == OFFERED
    assert invoice_id is not None and invoice_id.startswith("in_")
    printed = capsys.readouterr().out
    assert "Invoice created: in_" in printed
    assert "Payment URL: http" in printed
    assert "Payment received: $1500.0\n" in printed
    assert "Refund issued: " in printed
    assert "Status: paid\nPaid: True\nAmount: $0.0\n" in printed


async def test_what_the_server_cannot_do_yet_says_so() -> None:
    missing = {name for example in examples() for name in calls(example)} - OFFERED
    assert {"setup_subscription", "search_jobs", "store_secret"} <= missing
    for module in (marketplace_connector, secrets_vault):
        with pytest.raises(AttributeError, match="this release of Grace has no"):
            module.anything  # noqa: B018


@pytest.mark.usefixtures("environment")
async def test_money_comes_back_as_numbers_and_lists_of_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    made = await payment_processor.create_invoice(
        project_id=None, amount=1234.565, description="Rounding", client_id="rounding_client"
    )
    status = await payment_processor.track_payment_status(invoice_id=made["invoice_id"])
    assert f"{status['amount_due']:,.2f}" == "1,234.56"
    assert status["amount_due"] * 0.95 == pytest.approx(1172.832)
    with pytest.raises(GraceError) as refused:
        await payment_processor.track_payment_status(invoice_id="in_1234567890")
    assert refused.value.status == 404
    monkeypatch.delenv("GRACE_API_KEY")
    with pytest.raises(GraceError, match="GRACE_API_KEY"):
        await payment_processor.track_payment_status(invoice_id=made["invoice_id"])
