"""What a policy text must pass before activation."""

from typing import Any

import pytest

from grace.trust.governance.cedar import ActionShape
from grace.trust.governance.checks import check
from grace.trust.governance.errors import UnsoundPolicy

PAY = ActionShape("pay", "money_out", {"amount": int})
RULES = ActionShape("activate_policy", "policy", {})
GOOD = """
@id("pay-all") permit (principal, action == Action::"pay", resource);
@id("pay-big") @says("Big.") @quorum("1 of owner,admin") @solo
forbid (principal, action == Action::"pay", resource)
when { context.amount > 100 } unless { context.approved_quorums.contains("pay-big") };
@id("rules") permit (principal in Role::"owner", action == Action::"activate_policy", resource);
"""
OWNER = {"kind": "user", "roles": ["owner"]}
CASES: list[dict[str, Any]] = [
    {"name": "small", "action": "pay", "principal": OWNER, "context": {"amount": 100}, "expect": "allowed"},
    {
        "name": "big",
        "action": "pay",
        "principal": OWNER,
        "context": {"amount": 101},
        "expect": "awaiting_approval",
        "because": ["pay-big"],
    },
    {"name": "rules", "action": "activate_policy", "principal": OWNER, "context": {}, "expect": "allowed"},
]


def findings(text: str, cases: list[dict[str, Any]] = CASES) -> list[str]:
    with pytest.raises(UnsoundPolicy) as refused:
        check(text, cases, [PAY, RULES])
    found = refused.value.extra["findings"]
    assert isinstance(found, list)
    return found


def test_a_sound_text_passes() -> None:
    check(GOOD, CASES, [PAY, RULES])


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('@id("pay-all") ', "", "@id of its own"),
        ('@id("pay-all")', '@id("pay-big")', "@id of its own"),
        ('@says("Big.") ', "", "@says"),
        ("@quorum(", "@quorom(", "unknown annotation quorom"),
        ("1 of owner,admin", "0 of owner,admin", "@quorum"),
        ("1 of owner,admin", "1 of everyone", "@quorum"),
        ('@quorum("1 of owner,admin") ', "", "@solo means nothing"),
        ('@id("pay-all") ', '@id("pay-all") @quorum("1 of owner") ', "only a forbid"),
        ('contains("pay-big")', 'contains("pay-bgi")', "must end when its quorum is met"),
        ("context.amount", "context.amuont", "amuont"),
        ("context.amount > 100", 'context.amount == "100"', "pay-big"),
        ('forbid (principal, action == Action::"pay"', 'forbid (principal, action == Action::"pya"', "pya"),
        ("principal in Role", "principal is Usr in Role", "Usr"),
        ('(principal in Role::"owner"', "(principal == ?principal", "Templates"),
        ("context.amount > 100", "context.amount > 101", "Case 'big'"),
        ('@id("rules") permit', '@id("rules") @says("No.") forbid', "locked in"),
    ],
)
def test_what_is_wrong_is_found(old: str, new: str, finding: str) -> None:
    assert old in GOOD
    assert any(finding in one for one in findings(GOOD.replace(old, new)))


def test_a_text_without_a_case_for_an_action_it_names_is_refused() -> None:
    assert any("no case" in one for one in findings(GOOD, CASES[2:]))


def test_a_case_about_an_unknown_action_fails() -> None:
    cases = [*CASES, {**CASES[0], "action": "fly"}]
    assert any("no action 'fly'" in one for one in findings(GOOD, cases))


@pytest.mark.parametrize(
    "change",
    [{"expect": "granted"}, {"principal": {"kind": "god", "roles": []}}, {"surprise": 1}, {"context": None}],
)
def test_a_case_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnsoundPolicy):
        check(GOOD, [{**CASES[0], **change}], [PAY, RULES])


def test_a_text_that_cannot_be_parsed_or_is_too_long_is_refused() -> None:
    with pytest.raises(UnsoundPolicy):
        check("permit", CASES, [PAY, RULES])
    with pytest.raises(UnsoundPolicy):
        check("//" + "x" * 300_000, CASES, [PAY, RULES])
