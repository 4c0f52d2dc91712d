from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.delivery.rules.milestones import PlannedWork, plan_milestones, progress_percent

WEDNESDAY = date(2026, 11, 18)


def test_a_plan():
    plan = plan_milestones(
        [PlannedWork("Kick-off", 10), PlannedWork("Portal", 50), PlannedWork("Launch", 10)],
        starts_on=WEDNESDAY,
        hours_per_week=30,
        total_minor=700_001,
        shares_percent=(40, 30, 30),
    )
    assert [(m.title, m.starts_on, m.due_on, m.weight_percent) for m in plan.milestones] == [
        ("Kick-off", WEDNESDAY, date(2026, 11, 20), 14),
        ("Portal", WEDNESDAY, date(2026, 11, 27), 72),
        ("Launch", date(2026, 11, 30), date(2026, 12, 4), 14),
    ]
    assert [(p.due_on, p.amount_minor, p.after_milestone) for p in plan.payments] == [
        (WEDNESDAY, 280_001, None),
        (date(2026, 11, 27), 210_000, 2),
        (date(2026, 12, 4), 210_000, 3),
    ]
    assert plan.ends_on == date(2026, 12, 4)


def test_one_payment_is_due_at_the_end():
    plan = plan_milestones(
        [PlannedWork("All", 10)], starts_on=WEDNESDAY, hours_per_week=30, total_minor=5, shares_percent=(100,)
    )
    assert [(p.amount_minor, p.after_milestone) for p in plan.payments] == [(5, 1)]


@given(
    st.lists(st.builds(PlannedWork, title=st.just("x"), hours=st.integers(0, 500)), min_size=1, max_size=20),
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.integers(1, 80),
    st.integers(0, 10**12),
    st.sampled_from([(100,), (50, 50), (40, 30, 30), (30, 30, 20, 20)]),
)
def test_every_plan_is_in_order_and_adds_up(work, start, per_week, total, shares):
    plan = plan_milestones(work, starts_on=start, hours_per_week=per_week, total_minor=total, shares_percent=shares)
    assert sum(m.weight_percent for m in plan.milestones) == 100
    assert sum(p.amount_minor for p in plan.payments) == total
    dues = [m.due_on for m in plan.milestones]
    assert dues == sorted(dues)
    assert all(start <= m.starts_on <= m.due_on for m in plan.milestones)
    paid = [p.due_on for p in plan.payments]
    assert paid == sorted(paid)
    assert plan.payments[-1].due_on == plan.ends_on


def test_progress_after_the_build_is_half_and_ends_at_hundred():
    assert progress_percent([], built=False) == 0
    assert progress_percent([], built=True) == Decimal("50.0")
    assert progress_percent([15], built=True) == Decimal("57.5")
    assert progress_percent([15], built=False) == Decimal("7.5")
    assert progress_percent([15, 85], built=True) == 100
    assert progress_percent([15, 85], built=False) == 100


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="needs work"):
        plan_milestones([], starts_on=WEDNESDAY, hours_per_week=30, total_minor=1)
    with pytest.raises(ValueError, match="sum to 100"):
        plan_milestones(
            [PlannedWork("x", 1)],
            starts_on=WEDNESDAY,
            hours_per_week=1,
            total_minor=1,
            shares_percent=(50, 40),
        )
