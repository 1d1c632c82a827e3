"""What a market charges, by the order book's word, the catalogue's, or nobody's."""

from decimal import Decimal

import pytest

from adapters.polymarket.fees import UnknownFees, dated, fee_terms
from adapters.polymarket.messages.clob import CompactFees
from adapters.polymarket.messages.gamma import GammaFees
from pricing.fees import FeeSchedule

TAKERS = {
    "since_ns": 0, "taker_rate": "0.07", "maker_rate": "0", "exponent": 1, "fee_unit": "0.00001",
    "rounding": "half_up",
}  # fmt: skip
FREE = TAKERS | {"taker_rate": "0"}
BOOK = CompactFees(Decimal("0.0700"), 1)


def in_catalogue(rate, exponent=1, *, taker_only=True):
    return GammaFees(rate=Decimal(rate), exponent=exponent, taker_only=taker_only)


def test_takers_pay_a_rate_that_is_written_without_idle_zeros():
    assert fee_terms(None, BOOK, charges=True) == TAKERS
    assert fee_terms(in_catalogue("0.070"), None, charges=None) == TAKERS
    assert fee_terms(None, CompactFees(Decimal(10), 1), charges=True)["taker_rate"] == "10"


def test_the_books_word_counts_before_the_catalogues():
    assert fee_terms(in_catalogue("0.03", 2), BOOK, charges=False) == TAKERS


def test_where_makers_pay_too_they_pay_the_same():
    both = fee_terms(in_catalogue("0.03", 2, taker_only=False), None, charges=True)
    assert both == TAKERS | {"taker_rate": "0.03", "maker_rate": "0.03", "exponent": 2}


@pytest.mark.parametrize("charges", [False, None])
def test_a_market_of_which_nobody_says_that_it_charges_is_free(charges):
    assert fee_terms(None, None, charges=charges) == FREE


def test_fees_that_nobody_names_are_refused():
    with pytest.raises(
        UnknownFees, match="expected a fee schedule of a market that charges fees, found none"
    ):
        fee_terms(None, None, charges=True)


def test_a_schedule_begins_at_the_beginning_of_time():
    assert dated((), TAKERS | {"since_ns": 7}, 99) == (TAKERS,)


def test_what_is_said_again_changes_nothing():
    before = (FREE, TAKERS | {"since_ns": 50})
    assert dated(before, TAKERS, 99) == before


def test_what_is_said_later_holds_from_then_on():
    after = dated((FREE,), TAKERS, 99)
    assert after == (FREE, TAKERS | {"since_ns": 99})
    schedule = FeeSchedule.from_info({"fees": after})
    assert [str(schedule.at(now).taker_rate) for now in (98, 99)] == ["0", "0.07"]


@pytest.mark.parametrize("now_ns", [1, 49, 50])
def test_what_is_said_out_of_order_holds_right_after_what_was_known(now_ns):
    before = (FREE, TAKERS | {"since_ns": 50})
    after = dated(before, FREE, now_ns)
    assert after == (*before, FREE | {"since_ns": 51})


def test_what_was_known_is_not_touched():
    known = dict(FREE)
    after = dated((known,), TAKERS, 99)
    after[0]["taker_rate"] = "1"
    assert known == FREE
