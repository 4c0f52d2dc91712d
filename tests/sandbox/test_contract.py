"""The contract read from the SDK, held against what others published: examples, operations, request files."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from grace_sandbox.contract.answers import check_answer, object_type
from grace_sandbox.contract.forms import MalformedForm, decode_form
from grace_sandbox.contract.operations import find, operations
from grace_sandbox.contract.requests import Mismatch, check_params
from grace_sandbox.contract.source import Choice, Keyed, Scalar, Struct, fields
from grace_sandbox.stripe.render import EXPANDABLE
from grace_sandbox.stripe.routes import ROUTES
from tests.sandbox.harness import STRIPE_CONTRACTS, derived_schema, needs

EXAMPLES = STRIPE_CONTRACTS / "fixtures3-2026-08-21.json.gz"
DERIVED = STRIPE_CONTRACTS / "sdk-contract-2026-10-28.endive.json.gz"
TRIGGERS = STRIPE_CONTRACTS / "cli-triggers"
# What `stripe trigger` still sends and the SDK's version no longer has.
REFUSED_TODAY = {"payment_method_types": 12, "coupon": 4, "phases[iterations]": 3, "no operation": 4}
PLAYED = [
    "payment_intent",
    "charge",
    "customer",
    "payment_method",
    "refund",
    "balance",
    "balance_transaction",
    "event",
    "webhook_endpoint",
    "setup_intent",
]


def load(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def check(operation: tuple[str, str], form: str) -> dict[str, Any]:
    return check_params(find(*operation).params, decode_form(form))


INTENT = ("POST", "/v1/payment_intents")


def test_text_becomes_typed_values() -> None:
    form = (
        "amount=1099&currency=usd&confirm=true&expand[]=customer&expand[]=latest_charge&metadata[a]=1"
        "&metadata[1]=&shipping[name]=Ann&shipping[address][line1]=1+Main+St"
        "&allowed_payment_method_types[0]=card&off_session=one_off"
    )
    assert check(INTENT, form) == {
        "amount": 1099, "currency": "usd", "confirm": True, "expand": ["customer", "latest_charge"],
        "metadata": {"a": "1", "1": ""}, "shipping": {"name": "Ann", "address": {"line1": "1 Main St"}},
        "allowed_payment_method_types": ["card"], "off_session": "one_off",
    }  # fmt: skip
    assert check(("GET", "/v1/charges"), "created[gte]=5&limit=3") == {"created": {"gte": 5}, "limit": 3}
    assert check(("GET", "/v1/charges"), "created=5") == {"created": 5}


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ("currency=usd", "amount", "parameter_missing"),
        ("amount=1&currency=usd&colour=red", "colour", "parameter_unknown"),
        (
            "amount=1&currency=usd&shipping[name]=a&shipping[address][x]=1",
            "shipping[address][x]",
            "parameter_unknown",
        ),
        ("amount=1&currency=usd&shipping[address][line1]=1", "shipping[name]", "parameter_missing"),
        ("amount=1.5&currency=usd", "amount", "parameter_invalid_integer"),
        ("amount=ten&currency=usd", "amount", "parameter_invalid_integer"),
        ("amount=&currency=usd", "amount", "parameter_invalid_empty"),
        ("amount=1&currency=usd&confirm=yes", "confirm", None),
        ("amount=1&currency=usd&capture_method=later", "capture_method", None),
        ("amount=1&currency=usd&capture_method=", "capture_method", "parameter_invalid_empty"),
        ("amount=1&currency=usd&shipping=home", "shipping", None),
        ("amount=1&currency=usd&expand=customer", "expand", None),
        ("amount=1&currency[]=usd", "currency", None),
        ("amount=1&currency=usd&payment_method_types[]=card", "payment_method_types", "parameter_unknown"),
    ],
)
def test_what_breaks_the_contract(form: str, param: str, code: str | None) -> None:
    with pytest.raises(Mismatch) as mismatch:
        check(INTENT, form)
    assert (mismatch.value.param, mismatch.value.code) == (param, code)


@pytest.mark.parametrize("form", ["a[b=1", "a]b[=1", "a=1&a[b]=2", "a[b]=1&a=2&a[b]=3", "a" + "[x]" * 20 + "=1"])
def test_malformed_forms(form: str) -> None:
    with pytest.raises(MalformedForm):
        decode_form(form)


def test_wrong_answers_are_found() -> None:
    refund = object_type("refund")
    good = {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "status": None}
    assert check_answer(good, refund) == []
    for change, complaint in [({"amount": "1"}, "is not int"), ({"amount": True}, "is not int"),
                              ({"colour": 1}, "not a field"), ({"object": "charge"}, "enum"),
                              ({"reason": "bored"}, "enum"), ({"created": None}, "is not int")]:  # fmt: skip
        lines = check_answer(good | change, refund)
        assert len(lines) == 1
        assert complaint in lines[0]
    del good["currency"]
    assert check_answer(good, refund) == ["$.currency: missing"]


def test_every_route_is_an_operation_of_the_sdk() -> None:
    for route in ROUTES:
        assert (route.method, route.path) in operations()


@pytest.mark.parametrize("name", [*EXPANDABLE])
def test_expandable_fields_are_so_in_the_sdk(name: str) -> None:
    for field in EXPANDABLE[name]:
        type_ = fields(object_type(name))[field].type
        assert isinstance(type_, Choice)
        assert Scalar("str") in type_.options
        assert any(isinstance(option, Struct) for option in type_.options)


@needs(EXAMPLES)
@pytest.mark.parametrize("name", PLAYED)
def test_published_examples_fit(name: str) -> None:
    """Stripe's own example objects, of a version shortly before."""
    assert check_answer(load(EXAMPLES)["resources"][name], object_type(name), strict=False) == []


@needs(DERIVED)
def test_wrong_answers_are_found_by_the_derived_contract_too() -> None:
    """At each operation: its answers are looked up under the operation's own name."""
    for route in ROUTES:
        name = f"{route.method.lower()} {route.path}"
        assert list(derived_schema().iter_errors({name: {"object": 5}})), name


@needs(DERIVED)
def test_an_independent_reading_of_the_sdk_agrees() -> None:
    """Operations, parameter names, which are required: the same as in a contract derived by other code."""
    document = load(DERIVED)
    schemas = document["components"]["schemas"]
    compared = 0
    for (method, path), operation in operations().items():
        published = document["paths"].get(path, {}).get(method.lower())
        if published is None or operation.params is None or "$ref" not in published.get("params", {}):
            continue
        schema = schemas[published["params"]["$ref"].removeprefix("#/components/schemas/")]
        ours = fields(operation.params)
        theirs = schema.get("properties", {})
        if ours.keys() - {"in", "is"} != theirs.keys() - {"in", "is"}:
            # The service and the resource name their classes differently: `update` there is `modify` here.
            assert operation.params.scope not in published["params"]["$ref"], (method, path)
            continue
        required = {name for name, field in ours.items() if field.required}
        assert required == set(schema.get("required", [])), (method, path)
        compared += 1
    assert compared > 450


def brackets(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in brackets(item, f"{prefix}[{key}]" if prefix else key)]
    if isinstance(value, list):
        return [pair for index, item in enumerate(value) for pair in brackets(item, f"{prefix}[{index}]")]
    return [(prefix, str(value).lower() if isinstance(value, bool) else str(value))]


def refusal(request: dict[str, Any]) -> str | None:
    """The parameter for which the contract refuses a request, `no operation`, or None."""
    path = re.sub(r"\$\{[^}]+\}", "id_1", request["path"])
    form = re.sub(
        r"\$\{[^}]+\}",
        "1",
        "&".join(f"{key}={quote(text, safe='${}')}" for key, text in brackets(request.get("params", {}))),
    )
    try:
        check_params(find(request["method"].upper(), path).params, decode_form(form))
    except Mismatch as mismatch:
        return re.sub(r"\[\d+\]", "", mismatch.param)
    except LookupError:
        return "no operation"
    return None


@needs(TRIGGERS)
def test_the_requests_of_stripes_own_tool_fit() -> None:
    """Every request of `stripe trigger` passes but for what the SDK's version no longer has."""
    requests = [
        request for file in sorted(TRIGGERS.glob("*.json")) for request in json.loads(file.read_text())["fixtures"]
    ]
    refused = Counter(filter(None, map(refusal, requests)))
    assert refused == REFUSED_TODAY
    assert len(requests) > 100


def test_hashes_with_free_keys_are_open() -> None:
    metadata = fields(object_type("charge"))["metadata"].type
    assert metadata == Keyed(Scalar("str"))
