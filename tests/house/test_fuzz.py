"""Whatever is sent to a documented door, the answer is one that /openapi.json declares: its status, its content type,
its schema; and never 5xx. Requests are made from that document, good and bad ones."""

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from grace.kit.settings import Settings
from tests.fixtures.cards import Till

REQUEST_S = 30
LAST = "/api/v1/test-clock"
"""Moves everything else's time."""
AS_DECLARED = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session", name="settings")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings under which nobody is told to slow down."""
    folder = tmp_path_factory.mktemp("fuzz")
    return Settings(_env_file=None, data_dir=folder, rate_per_minute=10**9, rate_anonymous_per_minute=10**9)


async def test_every_answer_is_declared(till: Till) -> None:
    seen = await asyncio.to_thread(fuzz, till, await nouns(till), examples=5, random=False)
    assert not seen.failed, "\n".join(seen.failed)
    assert len(seen.done) > 30, "requests are refused before they reach their doors"
    assert len(seen.refused) > 60


@pytest.mark.nightly
@pytest.mark.timeout(3600)
async def test_every_answer_is_declared_for_long(till: Till) -> None:
    seen = await asyncio.to_thread(fuzz, till, await nouns(till), examples=150, random=True)
    assert not seen.failed, "\n".join(seen.failed)


async def nouns(till: Till) -> dict[str, str]:
    """One of each noun that requests can name, by the segment of the path that comes before its id."""
    lead = await till.post(
        "/api/business/leads", {"source": "api", "name": "Ada", "email": "ada@acme.dev", "budget": "900"}
    )
    proposal = await till.post(
        "/api/business/proposals/generate", {"lead_id": lead["lead_id"], "requirements": "A web shop", "budget": "900"}
    )
    invoice = await till.invoice()
    return {
        "leads": lead["lead_id"],
        "clients": lead["client_id"],
        "proposals": str(proposal.get("proposal_id")),
        "invoices": invoice["invoice_id"],
        "status": invoice["invoice_id"],
        "pay": invoice["hosted_invoice_url"].rpartition("/")[2],
        "settings": "invoicing",
    }


@dataclass
class Seen:
    """Requests that were answered 5xx; the operations that did something, and those that refused something."""

    failed: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


def fuzz(till: Till, ids: dict[str, str], *, examples: int, random: bool) -> Seen:
    """Every operation with `examples` good and as many bad requests."""
    schema = schemathesis.openapi.from_url(f"{till.settings.url}/openapi.json")
    operations = sorted((found.ok() for found in schema.get_all_operations()), key=lambda one: one.path == LAST)
    assert len(operations) > 60
    seen = Seen()
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _fuzz_one(operation, mode, till, ids, seen, examples=examples, random=random)
    return seen


def _fuzz_one(
    operation: APIOperation,
    mode: GenerationMode,
    till: Till,
    ids: dict[str, str],
    seen: Seen,
    *,
    examples: int,
    random: bool,
) -> None:
    headers = {"Authorization": till.api.headers["Authorization"]}

    @settings(
        max_examples=examples,
        derandomize=not random,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def send(case: Case, known: bool) -> None:
        parts = case.operation.path.split("/")
        for before, part in itertools.pairwise(parts):
            if known and part.startswith("{") and before in ids:
                case.path_parameters[part.strip("{}")] = ids[before]
        answer = case.call(headers=headers, timeout=REQUEST_S)
        if answer.status_code >= 500:
            seen.failed.append(f"{answer.status_code} {case.as_curl_command()} {answer.text[:200]}")
            return
        (seen.done if answer.status_code < 400 else seen.refused).add(operation.label)
        try:
            case.validate_response(answer, checks=AS_DECLARED)
        except (Failure, FailureGroup) as failure:
            why = getattr(failure, "exceptions", [failure])[0]
            seen.failed.append(f"{answer.status_code} {operation.label}: {why.title}: {why.message[:500]}")

    try:
        send()
    except Exception as error:
        # Some doors take nothing that could be wrong.
        if "Unsatisfiable" not in type(error).__name__:
            raise
