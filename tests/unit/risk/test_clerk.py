"""What a rule is told of an order."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from nautilus_trader.model import Price, Quantity, QuoteTick, TimeInForce

from risk.clerk import Clerk, ask_of
from risk.contract import Contracts
from risk.errors import ImpossiblePosting
from risk.exposure import Exposure
from risk.ledger import Ledger


@pytest.fixture
def draft(table):
    """Write an order of ours down."""

    def write(side="buy", price="0.4000", quote=None, *, live=False, size="100.00", without=(), **changes):
        t, exposure = table(), Exposure()
        if quote is not None:
            t.desk.quotes = quote
        order = t.order("O-1", side, size, price)
        order = SimpleNamespace(**{name: getattr(order, name) for name in dir(order) if name[0] != "_"})
        for name, value in changes.items():
            setattr(order, name, value)
        for name in without:
            delattr(order, name)
        contract = Contracts().of(order.instrument_id, t.desk)
        clerk = Clerk(Ledger(), exposure, with_free_cash=True)
        ask = ask_of(order.quantity, order.price)
        if live:
            exposure.open(order.client_order_id, clerk.draft(order, ask, contract, t.desk).reservation)
        return clerk.draft(order, ask, contract, t.desk)

    return write


@pytest.fixture
def quote(toy):
    def make(bids="500.00", asks="500.00"):
        prices = Price.from_str("0.4800"), Price.from_str("0.5200")
        sizes = Quantity.from_str(bids), Quantity.from_str(asks)
        return {toy.yes.id: QuoteTick(toy.yes.id, *prices, *sizes, toy.start, toy.start)}

    return make


@pytest.mark.parametrize(
    ("side", "price", "can"),
    [
        ("buy", "0.5200", True), ("buy", "0.5100", False), ("buy", "0.5300", True), ("buy", None, True),
        ("sell", "0.4800", True), ("sell", "0.4900", False), ("sell", "0.4700", True), ("sell", None, True),
    ],
)  # fmt: skip
def test_an_order_that_meets_the_other_side_can_trade_at_once(side, price, can, draft, quote):
    assert draft(side, price, quote()).proposal.is_marketable == can
    assert draft(side, price, quote(), is_post_only=True).proposal.is_marketable is False


def test_a_side_that_shows_nothing_cannot_be_met_and_an_unknown_book_may_be(draft, quote):
    assert draft("buy", "0.5300", quote(asks="0.00")).proposal.is_marketable is False
    assert draft("sell", "0.4700", quote(bids="0.00")).proposal.is_marketable is False
    assert draft("buy", "0.0100", quote={}).proposal.is_marketable is True


def test_an_order_of_a_kind_that_knows_no_post_only_may_take(draft, quote):
    found = draft("buy", "0.5200", quote(), without=["is_post_only"])
    assert (found.proposal.is_marketable, found.reservation.is_taker) == (True, True)


def test_only_an_order_that_may_take_is_charged_as_a_taker(draft):
    assert draft().reservation.is_taker is True
    assert draft(is_post_only=True).reservation.is_taker is False


@pytest.mark.parametrize(
    ("tif", "must"),
    [(TimeInForce.IOC, True), (TimeInForce.FOK, True), (TimeInForce.GTC, False), (None, False)],
)
def test_what_must_trade_at_once_is_known_as_such(tif, must, draft):
    assert draft(time_in_force=tif).reservation.must_fill is must


def test_an_order_that_is_live_already_is_a_change(draft):
    first, again = draft(), draft(live=True)
    assert (first.is_change, first.proposal.is_change) == (False, False)
    assert (again.is_change, again.proposal.is_change) == (True, True)


def test_a_sale_costs_nothing(draft):
    sale = draft("sell").proposal
    assert (sale.worst_case_usd, sale.whole_usd, sale.is_reducing) == (0, 0, True)
    bought = draft("buy").proposal
    assert bought.whole_usd == bought.worst_case_usd == Decimal("41.68")


def test_a_size_in_dollars_and_a_size_that_cannot_be_are_named(draft):
    with pytest.raises(ImpossiblePosting, match=r"expected a size in contracts, found 100\.00 USD"):
        draft(is_quote_quantity=True)

    class Less:
        def as_decimal(self):
            return Decimal(-1)

        def __str__(self):
            return "-1"

    with pytest.raises(ImpossiblePosting, match="expected a filled size of at least 0, found -1"):
        draft(filled_qty=Less())
