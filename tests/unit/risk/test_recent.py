from decimal import Decimal

import pytest
from nautilus_trader.model import Price, Quantity, QuoteTick

from risk.errors import UnknownFigure
from risk.recent import Recent, known_mid, known_raw_mid


@pytest.fixture
def quote(toy):
    def make(at, bid="0.4800", bids="500.00", asks="500.00", instrument=toy.yes):
        ask = Price.from_decimal(Decimal(bid) + Decimal("0.0400"))
        sizes = Quantity.from_str(bids), Quantity.from_str(asks)
        return QuoteTick(instrument.id, Price.from_str(bid), ask, *sizes, at, at)

    return make


def test_the_mean_is_of_the_window_before_a_quote_and_not_of_itself(quote):
    recent = Recent()
    for at, bid in ((9, "0.1000"), (10, "0.2000"), (15, "0.4000"), (20, "0.9000")):
        recent.see(quote(at, bid))
    assert recent.mean(quote(20, "0.9000"), 10) == Decimal("0.32")
    assert recent.mean(quote(20, "0.9000"), 9) == Decimal("0.42")


def test_a_quote_that_is_seen_twice_counts_once(quote):
    recent = Recent()
    for at, bid in ((10, "0.2000"), (10, "0.8000"), (9, "0.8000")):
        recent.see(quote(at, bid))
    assert recent.mean(quote(20), 15) == Decimal("0.22")


def test_only_the_last_quotes_are_kept(quote):
    recent = Recent()
    recent.see(quote(1, "0.9000"))
    for at in range(2, 258):
        recent.see(quote(at, "0.2000"))
    assert recent.mean(quote(300), 300) == Decimal("0.22")


def test_without_an_earlier_quote_there_is_no_mean(quote, toy):
    recent = Recent()
    recent.see(quote(10, instrument=toy.other))
    with pytest.raises(
        UnknownFigure, match=f"expected an earlier quote of {toy.yes.id} to compare with, found none"
    ):
        recent.mean(quote(20), 15)


def test_a_side_that_shows_nothing_has_no_mid(quote):
    assert known_mid(None) is None
    assert known_mid(quote(1, bids="0.00")) is None
    assert known_mid(quote(1, asks="0.00")) is None
    assert known_mid(quote(1)) == Decimal("0.50")


def test_a_mid_in_the_engines_unit_is_bid_and_ask_together_and_needs_both_too(quote):
    assert known_raw_mid(None) is None
    assert known_raw_mid(quote(1, bids="0.00")) is None
    assert known_raw_mid(quote(1, asks="0.00")) is None
    assert known_raw_mid(quote(1)) == Price.from_str("1.0000").raw
