"""The plan of the example: the same seed gives the same year, with all that a year has."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from grace.app.example.plan import DAYS, FATES, Opportunity, Plan, Size, make_plan
from grace.domains.crm.rules.sources import SHIPPED


def works(plan: Plan) -> list[Opportunity]:
    first = [one for one in plan.opportunities if one.work is not None]
    return first + [one.work.again for one in first if one.work is not None and one.work.again is not None]


@pytest.mark.parametrize("size", ["small", "whole"])
def test_the_same_seed_gives_the_same_year(size: Size) -> None:
    assert make_plan(7, size) == make_plan(7, size)
    assert make_plan(7, size).opportunities != make_plan(8, size).opportunities


@pytest.mark.parametrize("seed", range(20))
def test_a_year_has_everything(seed: int) -> None:
    plan = make_plan(seed)
    assert Counter(one.fate for one in plan.opportunities) == FATES["whole"]
    assert len(plan.opportunities) == 150 and FATES["whole"]["won"] == 40
    assert {one.source for one in plan.opportunities} == set(SHIPPED)
    assert all(0 < one.day < DAYS for one in plan.opportunities)
    done = [one.work for one in works(plan) if one.work is not None]
    assert {payment.how for work in done for payment in work.payments} >= {
        "card", "transfer", "parts", "part", "unpaid", "declined", "secure", "insecure",
    }  # fmt: skip
    assert Counter(work.refund for work in done if work.refund) >= Counter(partial=1, full=1, approved=1, held=1), (
        "each kind of refund"
    )
    assert {work.score for work in done} >= {10, 9} and min(work.score for work in done if work.score) <= 5
    assert any(work.care for work in done) and sum(work.again is not None for work in done) >= 8
    assert {one.contact.currency for one in plan.opportunities if one.work and one.work.care} == {"EUR", "GBP"}


@pytest.mark.parametrize("seed", range(20))
def test_people_and_companies_are_nobodys(seed: int) -> None:
    contacts = [one.contact for one in make_plan(seed).opportunities]
    assert all(contact.email.endswith(".example") for contact in contacts)
    assert len({contact.email.partition("@")[2] for contact in contacts}) == len(contacts)
    assert len({contact.name for contact in contacts}) == len(contacts)


def test_rates_stay_near_where_they_began() -> None:
    for rates in make_plan(3).rates:
        assert Decimal("0.7") < rates["EUR"] < Decimal("1.2") and Decimal("0.6") < rates["GBP"] < Decimal("1.0")


def test_one_opportunity_does_not_hang_on_another() -> None:
    one, other = make_plan(5).opportunities[0], make_plan(5).opportunities[0]
    assert replace(one, day=other.day) == other
