import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.providers.architect.pricing import Line, discount_percent, fit_to_budget, share_out

LINES = st.lists(
    st.builds(Line, hours=st.integers(1, 400), rate_minor=st.integers(1, 10**7), optional=st.booleans()),
    min_size=1,
    max_size=15,
)


def fit(lines, budget=None, most=10):
    return fit_to_budget(lines, budget_minor=budget, max_discount_percent=most)


def test_without_a_budget_the_price_is_rate_times_hours():
    made = fit([Line(10, 9500), Line(3, 10000)])
    assert made.prices_minor == (95000, 30000)
    assert (made.discount_minor, made.over_budget_minor) == (0, 0)


def test_a_budget_above_the_price_changes_nothing():
    assert fit([Line(10, 10000)], budget=500_000).total_minor == 100_000


def test_a_discount_fits_exactly_and_is_spread_to_the_last_unit():
    made = fit([Line(1, 3334), Line(1, 3333), Line(1, 3333)], budget=9999)
    assert made.discount_minor == 1
    assert made.prices_minor == (3333, 3333, 3333)


def test_optional_scope_goes_last_first_when_the_discount_is_not_enough():
    lines = [Line(10, 10000), Line(5, 10000, optional=True), Line(5, 10000, optional=True)]
    made = fit(lines, budget=140_000)
    assert made.kept == (0, 1)
    assert made.total_minor == 140_000
    assert made.discount_minor == 10_000


def test_what_does_not_fit_is_said():
    made = fit([Line(10, 10000), Line(5, 10000, optional=True)], budget=50_000)
    assert made.kept == (0,)
    assert made.discount_minor == 10_000
    assert made.over_budget_minor == 40_000


def test_an_offer_of_one_optional_line_keeps_it():
    assert fit([Line(1, 100, optional=True)], budget=1).kept == (0,)


@given(LINES, st.none() | st.integers(0, 10**11), st.integers(0, 100))
def test_prices_are_exact_and_the_discount_stays_within_its_limit(lines, budget, most):
    made = fit(lines, budget=budget, most=most)
    kept = [lines[index] for index in made.kept]
    assert made.subtotal_minor == sum(line.hours * line.rate_minor for line in kept)
    assert sum(made.prices_minor) == made.total_minor
    assert made.discount_minor * 100 <= most * made.subtotal_minor
    assert all(0 <= price <= line.list_price_minor for price, line in zip(made.prices_minor, kept, strict=True))
    assert all(lines[index].optional for index in set(range(len(lines))) - set(made.kept))
    if budget is None:
        assert made.discount_minor == 0
    else:
        assert made.total_minor - made.over_budget_minor <= budget
        assert made.over_budget_minor == max(0, made.total_minor - budget)
    assert made == fit(lines, budget=budget, most=most)


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_the_shown_discount_is_never_rounded_up(discount, subtotal):
    shown = discount_percent(discount, subtotal)
    assert shown * subtotal <= discount * 100 < (shown + 1) * subtotal


@given(st.integers(0, 10**15), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_payment_parts_add_up(total, shares):
    shares = [*shares[:-1], 100 - sum(shares[:-1])] if sum(shares[:-1]) < 100 else [100]
    assert sum(share_out(total, shares)) == total


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="nothing to price"):
        fit([])
    with pytest.raises(ValueError, match="0 to 100"):
        fit([Line(1, 1)], most=101)
    with pytest.raises(ValueError, match="sum to 100"):
        share_out(100, [50, 49])
