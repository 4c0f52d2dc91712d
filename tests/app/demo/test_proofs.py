"""The demo's proof fails when anything is off by one minor unit."""

from dataclasses import replace
from decimal import Decimal

from grace.app.demo.proofs import Proofs, report
from grace.trust.ledger.models import TrialLine
from grace.trust.ledger.rules import Purpose

GOOD = Proofs(
    books={"ok": True, "findings": [], "lines": ["The books balance."]},
    log={"ok": True, "findings": [], "size": 54, "root": "00" * 32},
    balances=[
        TrialLine(Purpose.RECEIVABLE, "cust_a", "USD", 0),
        TrialLine(Purpose.REVENUE, "cust_a", "USD", -700_000),
        TrialLine(Purpose.BANK, None, "USD", 700_000),
    ],
    statement={"accounts": [{"currency": "USD", "closing_balance": Decimal("0.00"), "lines": []}]},
    lifetime_value=Decimal("7000.00"),
    currency="USD",
)


def test_the_good_case() -> None:
    assert GOOD.ok and GOOD.findings == []
    assert report(GOOD)["balances"][1] == {
        "account": "revenue",
        "owner": "cust_a",
        "currency": "USD",
        "balance": Decimal("-7000.00"),
    }


def test_one_minor_unit_is_found() -> None:
    off = replace(GOOD, balances=[*GOOD.balances[:2], TrialLine(Purpose.BANK, None, "USD", 699_999)])
    assert not off.ok
    assert off.findings == ["Debits and credits differ by 1 minor units."]


def test_currencies_do_not_make_up_for_each_other() -> None:
    off = replace(
        GOOD,
        balances=[
            *GOOD.balances,
            TrialLine(Purpose.BANK, None, "EUR", 1),
            TrialLine(Purpose.BANK, None, "GBP", -1),
        ],
    )
    assert off.difference_minor == 2 and not off.ok


def test_an_open_balance_of_the_client_is_found() -> None:
    for closing in ("0.01", "-0.01"):
        statement = {"accounts": [{"currency": "USD", "closing_balance": Decimal(closing), "lines": []}]}
        off = replace(GOOD, statement=statement)
        assert not off.ok
        assert off.findings == ["The client's balance is 0.01 and not zero."]


def test_findings_of_the_checks_count() -> None:
    assert not replace(GOOD, books={"ok": False, "findings": ["floor is kept: …"], "lines": []}).ok
    assert not replace(GOOD, log={**GOOD.log, "ok": False, "findings": ["Entry 3 was changed."]}).ok


def test_nothing_booked_is_no_success() -> None:
    assert not replace(GOOD, balances=[], statement={"accounts": []}).ok
