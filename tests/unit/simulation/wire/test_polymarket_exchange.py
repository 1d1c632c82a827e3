"""The Polymarket double's engine: complementary matching, order types, funds, settlement."""

import pytest
from polymarket_stage import NO, START_NS, YES, Pit

from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_units import ONE


@pytest.fixture
def pit():
    return Pit()


def refusal(pit, *order, **more):
    with pytest.raises(VenueError) as caught:
        pit.place(*order, **more)
    assert pit.exchange.audit() == []
    return caught.value.text


def test_a_yes_buy_meets_a_no_buy_and_mints_the_pair(pit):
    pit.place("alice", NO, "buy", 4000, 10)
    _, [trade] = pit.place("bob", YES, "buy", 6500, 10)
    assert (pit.holds("alice", NO), pit.holds("bob", YES)) == (10, 10)
    assert pit.cash("alice") == 996  # at its own price
    assert pit.cash("bob") == pytest.approx(1000 - 6 - 0.168)  # improvement to the taker, fee on top
    assert trade.fee == 168_000
    assert pit.exchange.audit() == []


def test_two_sells_merge_the_pair_and_the_fee_comes_out_of_the_proceeds(pit):
    pit.pairs("alice", 10)
    pit.pairs("bob", 10)
    pit.place("alice", YES, "sell", 3000, 10)
    pit.place("bob", NO, "sell", 6000, 10)
    assert (pit.holds("alice", YES), pit.holds("bob", NO)) == (0, 0)
    assert pit.cash("alice") == 993
    assert pit.cash("bob") == pytest.approx(990 + 7 - 0.147)
    assert pit.exchange.audit() == []


def test_a_market_buy_spends_its_money_and_keeps_the_better_price(pit):
    pit.pairs("alice", 100)
    pit.place("alice", YES, "sell", 5000, 100)
    order, _ = pit.place("bob", YES, "buy", 5100, 19.6, "FOK", budget=10 * ONE)
    assert (order.matched, order.status) == (20 * ONE, "MATCHED")


def test_each_price_that_an_order_sweeps_is_a_trade_of_its_own():
    pit = Pit()
    pit.place("alice", NO, "buy", 4000, 10)
    pit.place("crowd", NO, "buy", 4000, 5)
    pit.place("alice", NO, "buy", 3500, 10)
    order, trades = pit.place("bob", YES, "buy", 6500, 20)
    assert [(trade.price, trade.shares // ONE, trade.bucket) for trade in trades] == [
        (6000, 15, 0),
        (6500, 5, 1),
    ]
    assert order.trade_ids == [trade.trade_id for trade in trades]
    pit.exchange.move_trade(trades[1], "FAILED")
    assert pit.holds("bob", YES) == 15
    assert pit.exchange.audit() == []


def test_what_a_fak_does_not_fill_dies(pit):
    pit.pairs("alice", 5)
    pit.place("alice", YES, "sell", 5000, 5)
    order, _ = pit.place("bob", YES, "buy", 5000, 20, "FAK", budget=10 * ONE)
    assert (order.matched, order.status) == (5 * ONE, "MATCHED")
    assert pit.exchange.open_orders() == []


@pytest.mark.parametrize(
    ("order", "more", "text"),
    [
        (("bob", YES, "buy", 5050, 10), {}, "Price (0.505) breaks minimum tick size rule: 0.01"),
        (("bob", YES, "buy", 5000, 4.99), {}, "Size (4.99) lower than the minimum: 5"),
        (("bob", YES, "buy", 5000, 5000), {}, "the balance is not enough"),
        (("bob", YES, "sell", 5000, 10), {}, "the balance is not enough"),
        (("bob", YES, "buy", 5000, 10), {"post_only": True}, "invalid post-only order: order crosses book"),
        (("bob", YES, "buy", 5000, 30, "FOK"), {}, "FOK orders are fully filled or killed."),
        (("bob", YES, "buy", 4900, 10, "FAK"), {}, "no orders found to match with FAK order."),
        (("bob", YES, "buy", 5000, 1, "FAK"), {}, "invalid amount for a marketable BUY order ($0.5), min size: $1"),
        (("bob", YES, "buy", 4000, 10, "GTD"), {"expires_at_ns": START_NS + 60_000_000_000}, "invalid expiration"),
    ],
)  # fmt: skip
def test_a_refused_order_moves_nothing(pit, order, more, text):
    pit.pairs("alice", 20)
    pit.place("alice", YES, "sell", 5000, 20)
    assert text in refusal(pit, *order, **more)
    assert pit.cash("bob") == 1000
    assert len(pit.exchange.open_orders()) == 1


def test_the_same_order_id_is_refused_as_duplicated(pit):
    order, _ = pit.place("alice", YES, "buy", 5000, 5)
    with pytest.raises(VenueError, match="Duplicated"):
        pit.exchange.place(order.ask)


def test_a_gtd_order_ends_a_minute_before_its_second(pit):
    order, _ = pit.place("alice", YES, "buy", 5000, 5, "GTD", expires_at_ns=START_NS + 180_000_000_000)
    pit.at_ns += 119_000_000_000
    pit.exchange.expire()
    assert order.status == "LIVE"
    pit.at_ns += 1_000_000_000
    pit.exchange.expire()
    assert order.status == "CANCELED_EXPIRED_ORDER"


def test_a_fill_that_takes_the_money_cancels_what_it_backed_elsewhere(pit):
    other = type(pit.market)("0x" + "cd" * 32, ("333", "444"))
    pit.exchange.list_market(other)
    twin, _ = pit.place("alice", "333", "buy", 5000, 1960)
    pit.place("alice", YES, "buy", 5000, 1960)
    pit.pairs("bob", 45)
    pit.place("bob", YES, "sell", 5000, 40)
    assert twin.status == "LIVE"
    pit.place("bob", YES, "sell", 5000, 5)
    assert twin.status == "CANCELED_NOT_ENOUGH_BALANCE"
    assert pit.exchange.audit() == []


def test_a_failed_settlement_gives_everything_back(pit):
    pit.place("alice", NO, "buy", 4000, 10)
    _, [trade] = pit.place("bob", YES, "buy", 6000, 10)
    pit.exchange.move_trade(trade, "RETRYING")
    pit.exchange.move_trade(trade, "FAILED")
    assert (pit.cash("alice"), pit.cash("bob"), pit.holds("bob", YES)) == (1000, 1000, 0)
    assert pit.exchange.audit() == []
    with pytest.raises(ValueError, match="under way"):
        pit.exchange.move_trade(trade, "MINED")


def test_a_resolution_pays_the_winner_and_ends_the_book(pit):
    resting, _ = pit.place("alice", NO, "buy", 1000, 10)
    pit.place("alice", NO, "buy", 4000, 10)
    pit.place("bob", YES, "buy", 6000, 10)
    pit.exchange.resolve(pit.market, YES)
    assert resting.status == "CANCELED_MARKET_RESOLVED"
    assert pit.cash("alice") == 996
    assert pit.cash("bob") == pytest.approx(1000 - 6 - 0.168 + 10)
    assert pit.exchange.audit() == []
    assert refusal(pit, "bob", YES, "buy", 5000, 10) == "No orderbook exists for the requested token id"


def test_the_audit_sees_money_from_nowhere(pit):
    pit.exchange.ledger.wallet("alice").cash += 1
    assert "pUSD" in pit.exchange.audit()[0]
