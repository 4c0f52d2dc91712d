"""The frozen answers: what the documents name is in each answer, of the kind they say; null, never absent.

A field may be added to an answer, and then here or not; one that is lost or changes its kind fails.
"""

from typing import Any

import httpx
import pytest

from grace.kit import json
from tests.fixtures.cards import Till
from tests.flows.story import PORTAL, Story, path

NUMBER, TEXT, FLAG, WHOLE, NONE = "number", "text", "flag", "whole", "none"
URL, TIME = "url", "time"
Shape = Any
"""A kind (`text|none`: one of several), a dict of fields, or a list of one shape."""

PRICING = {"hourly_rate": NUMBER, "hours": NUMBER, "total": NUMBER, "discount": NUMBER}
HELD = {"requires_approval": FLAG, "decision_id": TEXT, "status": TEXT}

CRM: dict[str, Shape] = {
    "capture": {"client_id": TEXT, "lead_id": TEXT, "stage": TEXT},
    "qualify": {
        "score": WHOLE, "qualified": FLAG, "recommendation": TEXT, "features": {},
        "breakdown": [{}],
    },
    "stage": {"lead_id": TEXT, "stage": TEXT},
    "predict": {"probability": NUMBER, "days_to_close": "whole|none", "confidence": NUMBER, "factors": [{}]},
    "next-action": {"next_action": TEXT, "next_action_date": "time|none", "reasons": [TEXT]},
    "pipeline": {
        "stages": [{"stage": TEXT, "count": WHOLE, "value": NUMBER, "conversion": "number|none"}],
        "sources": [{"source": TEXT, "count": WHOLE, "value": NUMBER}],
        "currency": TEXT, "velocity_days": "number|none", "stuck": [],
    },
    "generate": {
        "proposal": {"text": TEXT, "deliverables": [{}], "timeline": {}, "pricing": PRICING},
        "project_plan": {"milestones": [{}], "project_id": NONE},
    },
    "deliver, held": HELD | {"project_id": TEXT, "delivery_result": NONE},
    "project payment": {"invoice_id": TEXT, "invoice_number": TEXT, "payment_link": URL},
    "satisfaction": {"nps_score": "whole|none", "category": "text|none", "follow_ups": []},
}  # fmt: skip
MONEY: dict[str, Shape] = {
    "invoice": {"success": FLAG, "invoice_id": TEXT, "hosted_invoice_url": URL, "invoice_pdf": URL},
    "status": {"status": TEXT, "paid": FLAG, "amount_due": NUMBER},
    "process": {"success": FLAG, "paid": FLAG, "amount_paid": NUMBER, "status": TEXT, "requires_approval": FLAG},
    "refund": {"success": FLAG, "refund_id": TEXT, "requires_approval": FLAG},
    "refund, held": HELD | {"success": FLAG},
    "intent": {"client_secret": TEXT, "publishable_key": TEXT},
}


def differences(value: Any, shape: Shape, at: str = "answer") -> list[str]:
    """Where an answer is not as it must be, in words."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at} is no object"]
        lost = [f"{at}.{name} is absent" for name in shape if name not in value]
        return lost + [
            d for name in shape if name in value for d in differences(value[name], shape[name], f"{at}.{name}")
        ]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at} is no list"]
        if shape and not value:
            return [f"{at} is empty"]
        return [d for number, item in enumerate(value) if shape for d in differences(item, shape[0], f"{at}[{number}]")]
    return [] if set(kinds(value)) & set(shape.split("|")) else [f"{at} is {value!r}, not {shape}"]


def kinds(value: Any) -> list[str]:
    """What a value may be called."""
    if value is None:
        return [NONE]
    if isinstance(value, bool):
        return [FLAG]
    if isinstance(value, str):
        found = [TEXT]
        return found + [URL] * value.startswith("http") + [TIME] * (len(value) >= 10 and value[4] == "-")
    return [NUMBER, WHOLE] if isinstance(value, int) else [NUMBER]


def read(answer: httpx.Response, status: int = 200) -> Any:
    """The body, its numbers exact."""
    assert answer.status_code == status, answer.text
    return json.loads(answer.content)


@pytest.mark.parametrize(
    ("value", "shape", "found"),
    [
        ({"a": 1}, {"a": TEXT}, ["answer.a is 1, not text"]),
        ({}, {"a": "text|none"}, ["answer.a is absent"]),
        ({"a": [{"b": None}]}, {"a": [{"b": NUMBER}]}, ["answer.a[0].b is None, not number"]),
        ({"a": True}, {"a": NUMBER}, ["answer.a is True, not number"]),
        ({"a": [], "b": {}}, {"a": [TEXT], "b": []}, ["answer.a is empty", "answer.b is no list"]),
        ({"a": "1.50"}, {"a": NUMBER}, ["answer.a is '1.50', not number"]),
    ],
)
def test_a_difference_is_found(value: Any, shape: Shape, found: list[str]) -> None:
    assert differences(value, shape) == found


async def test_leads_proposals_and_projects(story: Story) -> None:
    owner, told = story.owner, {}
    body = {"source": "website", "name": "Bo", "email": "bo@box.example", "company": "Box", "value_estimate": 24000}
    told["capture"] = read(await owner.post("/api/business/leads", json=body))
    lead = f"/api/business/leads/{told['capture']['lead_id']}"
    told["qualify"] = read(await owner.post(f"{lead}/qualify"))
    assert len(told["qualify"]["features"]) == 13
    assert {"has_company", "has_budget", "industry", "source"} <= set(told["qualify"]["features"])
    told["stage"] = read(await owner.post(f"{lead}/stage", json={"stage": "LOST", "reason": "No budget."}))
    assert told["stage"]["stage"] == "LOST"
    for name in ("predict", "next-action"):
        told[name] = read(await owner.get(f"{lead}/{name}"))
    assert 0 <= told["predict"]["probability"] <= 1
    other = await story.lead()
    asked = {"lead_id": other, "requirements": PORTAL, "budget": "24000.00"}
    told["generate"] = read(await owner.post("/api/business/proposals/generate", json=asked))
    link = await story.sent(told["generate"]["proposal_id"])
    accepted = read(await story.client.post(f"{link}/accept", json={"name": "Ada Smith"}))
    read(await story.client.post(f"{path(accepted['contract_url'])}/sign", json={"name": "Ada Smith"}))
    await story.workspace.drain()
    project = f"/api/business/projects/{accepted['project_id']}"
    body = {"project_id": accepted["project_id"], "spec": "As agreed."}
    told["deliver, held"] = read(await owner.post("/api/business/projects/deliver", json=body), 202)
    told["project payment"] = read(await owner.post(f"{project}/payment", json={"amount": "1000.00"}))
    told["satisfaction"] = read(await owner.get(f"{project}/satisfaction"))
    told["pipeline"] = read(await owner.get("/api/business/pipeline"))
    assert told.keys() == CRM.keys()
    assert {name: differences(told[name], CRM[name]) for name in CRM} == {name: [] for name in CRM}


async def test_invoices_and_payments(till: Till) -> None:
    told = {"invoice": await till.invoice("20000.00")}
    told["intent"] = await till.intent(told["invoice"])
    told["status"] = await till.status(told["invoice"])
    assert (told["status"]["status"], told["status"]["paid"]) == ("pending", False)
    await till.keep_card()
    told["process"] = await till.process(told["invoice"])
    assert (told["process"]["status"], told["process"]["paid"]) == ("paid", True)
    told["refund"] = await till.refund(told["invoice"], "100.00")
    told["refund, held"] = await till.refund(told["invoice"], "15000.00", status=202)
    assert told["refund, held"]["status"] == "awaiting_approval"
    assert (told["refund, held"]["success"], told["refund, held"]["requires_approval"]) == (False, True)
    assert told.keys() == MONEY.keys()
    assert {name: differences(told[name], MONEY[name]) for name in MONEY} == {name: [] for name in MONEY}


async def test_amounts_have_the_digits_of_their_currency(till: Till) -> None:
    """`1500.00` and `5000`, as JSON numbers, whatever way they were written."""
    for amount, currency, told in [(1500, "usd", "1500.00"), ("5000", "JPY", "5000"), ("1.5", "kwd", "1.500")]:
        invoice = await till.invoice(amount, currency=currency)
        answer = await till.api.get(f"/api/business/payments/status/{invoice['invoice_id']}")
        assert f'"amount_due":{told},' in answer.text
        assert f'"currency":"{currency.upper()}"' in answer.text


@pytest.mark.parametrize("door", ["capture", "no such lead", "not this method", "not signed in"])
async def test_a_refusal_is_a_problem_document(story: Story, door: str) -> None:
    ask = {
        "capture": (story.owner.post("/api/business/leads", json={"source": "website"}), 422),
        "no such lead": (story.owner.get("/api/business/leads/lead_x/predict"), 404),
        "not this method": (story.owner.delete("/api/business/leads"), 405),
        "not signed in": (story.client.get("/api/business/pipeline"), 401),
    }
    for name, (request, status) in ask.items():
        if name != door:
            request.close()
            continue
        answer = await request
        assert answer.headers["content-type"] == "application/problem+json"
        shape = {"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT, "request_id": TEXT}
        assert differences(read(answer, status), shape) == []
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
