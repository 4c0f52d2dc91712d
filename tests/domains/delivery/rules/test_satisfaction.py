from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.delivery.rules.satisfaction import NpsCategory, follow_ups, net_promoter, nps_category


def test_the_categories_and_their_edges():
    found = [nps_category(score) for score in range(11)]
    assert found == [NpsCategory.DETRACTOR] * 7 + [NpsCategory.PASSIVE] * 2 + [NpsCategory.PROMOTER] * 2
    for score in (-1, 11):
        with pytest.raises(ValueError, match="0 to 10"):
            nps_category(score)


def test_a_detractor_is_called_at_once_and_a_promoter_asked_for_a_reference():
    assert follow_ups(3)[0].action == "Call the client and ask what went wrong"
    assert follow_ups(3, comment="Too slow")[0].action == "Answer the comment in person"
    assert follow_ups(7)[0].within_days == 3
    assert follow_ups(10)[0].action == "Thank the client and ask for a reference"
    for score in range(11):
        days = [follow_up.within_days for follow_up in follow_ups(score)]
        assert days == sorted(days)


def test_the_net_score_comes_with_its_uncertainty():
    assert net_promoter([]) is None
    made = net_promoter([10] * 5 + [7] * 3 + [2] * 2)
    assert (made.score, made.answers) == (Decimal("30.0"), 10)
    assert made.low == Decimal("-18.4")
    assert made.high == Decimal("78.4")


@given(st.lists(st.integers(0, 10), min_size=1, max_size=200))
def test_the_interval_holds_the_score(scores):
    made = net_promoter(scores)
    assert -100 <= made.low <= made.score <= made.high <= 100
