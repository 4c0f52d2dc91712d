"""What a state means in the documents' vocabulary."""

import pytest

from grace.domains.invoicing.rules.status import InvoiceState, due_minor, state_when_paid, transaction_status


@pytest.mark.parametrize(
    ("state", "paid", "refunded", "failed", "status"),
    [
        ("draft", 0, 0, False, "pending"),
        ("issued", 0, 0, False, "pending"),
        ("issued", 0, 0, True, "failed"),
        ("part_paid", 40, 0, False, "pending"),
        ("part_paid", 40, 0, True, "failed"),
        ("paid", 100, 0, False, "paid"),
        ("paid", 100, 30, False, "paid"),
        ("paid", 100, 0, True, "paid"),
        ("paid", 100, 100, False, "refunded"),
        ("void", 0, 0, False, "failed"),
    ],
)
def test_transaction_status(state: InvoiceState, paid: int, refunded: int, failed: bool, status: str) -> None:
    found = transaction_status(state, paid_minor=paid, refunded_minor=refunded, last_attempt_failed=failed)
    assert found == status


def test_what_is_due() -> None:
    assert [due_minor(state, total_minor=100, paid_minor=0) for state in ("draft", "issued", "void")] == [0, 100, 0]
    assert due_minor("part_paid", total_minor=100, paid_minor=40) == 60
    assert [state_when_paid(total_minor=100, paid_minor=paid) for paid in (0, 1, 100)] == [
        "issued",
        "part_paid",
        "paid",
    ]
