"""An invoice is paid by card: by its pay link, by a stored card, with 3-D Secure, after a decline."""

from tests.fixtures.cards import Till


async def test_pay_link_to_paid(till: Till) -> None:
    invoice = await till.invoice("1000.00")
    intent = await till.intent(invoice)
    assert (await till.confirm(intent))["status"] == "succeeded"
    await till.settle()
    status = await till.status(invoice)
    assert (status["status"], status["paid"], status["amount_due"]) == ("paid", True, 0)
    await till.hurry()
    fee = 2930
    assert await till.balances() == {"clearing": 100_000 - fee, "processor_fees": fee, "revenue": 100_000}
    assert till.sandbox.state()["payments"][0]["double"] is False
