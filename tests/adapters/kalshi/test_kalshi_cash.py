"""What we hold and can still spend at Kalshi: cash per shard, one signed number a market, whatever is under way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kalshi_orders import TICKER, contract, fill, make_ticket

from adapters.kalshi.execution.cash import Cash, Holdings, cost_usd
from adapters.kalshi.messages.portfolio import Balance, ShardBalance

RATE, CENT_OF_CENT = Decimal("0.07"), Decimal("0.0001")


def ticket(side, price, contracts):
    return make_ticket(contract(), f"O-{price}", side, price, contracts)


def balance(**shards):
    parts = tuple(ShardBalance(exchange_index=int(n[1:]), balance=Decimal(usd)) for n, usd in shards.items())
    total = sum(part.balance for part in parts)
    return Balance(balance=0, balance_dollars=total, portfolio_value=0, updated_ts=0, balance_breakdown=parts)


def test_cash_is_free_per_shard_less_what_open_orders_may_cost_with_fees():
    orders = [ticket("bid", "0.40", 10), ticket("ask", "0.70", 10)]
    cash = Cash(Holdings(), lambda: orders)
    cash.take(balance(s0="5", s2="100"), {})
    assert cash.free_usd(0) == 5
    fees = 10 * Decimal("0.07") * (Decimal("0.24") + Decimal("0.21")) + 2 * Decimal("0.0001")
    assert cash.free_usd(2) == 100 - 4 - 3 - fees
    assert cash.free_usd(7) == 0
    assert cash.state().total.as_decimal() == 105


@pytest.mark.parametrize(
    ("held", "side", "dearer", "cheaper"), [(10, "ask", "0.50", "0.60"), (-10, "bid", "0.50", "0.40")]
)
def test_what_is_held_is_sold_without_cash_but_only_once(held, side, dearer, cheaper):
    holdings = Holdings()
    holdings.begin({TICKER: Decimal(held)}, ())
    orders = [ticket(side, dearer, 6), ticket(side, cheaper, 6)]
    cash = Cash(holdings, lambda: orders)
    cash.take(balance(s2="100"), {})
    assert 100 - cash.free_usd(2) == cost_usd(
        orders[0], Decimal("0.50"), Decimal(2)
    )  # two contracts open, at the dearer


def test_a_fill_counts_once_and_tells_what_it_opened():
    holdings = Holdings()
    holdings.begin({TICKER: Decimal(3)}, ["T-9"])
    assert holdings.note(fill(1, "ask", 5)) == 2
    assert holdings.note(fill(1, "ask", 5)) == 0
    assert holdings.note(fill(9, "ask", 5)) == 0
    assert holdings.of(TICKER) == -2


def test_an_answer_without_shards_is_the_cash_of_the_first():
    cash = Cash(Holdings(), list)
    cash.take(
        Balance(balance=0, balance_dollars=Decimal(7), portfolio_value=0, updated_ts=0, balance_breakdown=()),
        {},
    )
    assert cash.balances_usd == {0: 7}


def test_what_fills_cost_is_off_until_an_answer_that_was_asked_for_after_them():
    cash = Cash(Holdings(), list)
    cash.take(balance(s0="5", s2="100"), {})
    cash.spend(2, Decimal(3))
    asked = cash.spent
    cash.spend(2, Decimal(4))
    assert (cash.free_usd(2), cash.free_usd(0)) == (93, 5)
    cash.take(balance(s0="5", s2="97"), asked)
    assert (cash.free_usd(2), cash.spent) == (93, {2: 4})
    assert cash.balances_usd == {0: 5, 2: 97}


def test_a_gain_of_a_fill_is_not_spent_before_the_venue_has_it():
    cash = Cash(Holdings(), list)
    cash.take(balance(s2="100"), {})
    cash.spend(2, Decimal(-3))
    assert cash.free_usd(2) == 100
    cash.take(balance(s2="100"), {2: Decimal(5)})  # an answer of before the last one's question
    assert cash.free_usd(2) == 100
    cash.take(
        balance(s0="5", s2="100"), {0: Decimal(5)}
    )  # nor what an answer of before we were asked says of one
    assert cash.free_usd(0) == 5


def test_before_the_first_answer_there_is_nothing():
    cash = Cash(Holdings(), list)
    assert (cash.free_usd(0), cash.balances_usd, cash.state().total.as_decimal()) == (0, {}, 0)


def test_a_changed_order_may_spend_what_it_has_set_aside_itself():
    mine, other = ticket("bid", "0.40", 10), ticket("bid", "0.50", 10)
    cash = Cash(Holdings(), lambda: [mine, other])
    cash.take(balance(s2="100"), {})
    assert cash.free_usd(2, mine) - cash.free_usd(2) == cost_usd(mine, mine.yes_price, Decimal(10))
    assert cash.free_usd(2, mine) == 100 - cost_usd(other, other.yes_price, Decimal(10))


def test_the_account_locks_what_all_orders_may_cost_and_never_more_than_there_is():
    orders = [ticket("bid", "0.40", 10), ticket("ask", "0.70", 10)]
    cash = Cash(Holdings(), lambda: orders)
    cash.take(balance(s0="5", s2="100"), {})
    state, locked = cash.state(), cash.reserved_usd(orders)
    assert state.locked.as_decimal() == locked.quantize(Decimal("0.0001")) == Decimal("7.3152")
    assert state.free.as_decimal() == state.total.as_decimal() - state.locked.as_decimal()
    assert state.total.currency.code == "USD"
    cash.take(balance(s2="2"), {})
    assert (cash.state().locked.as_decimal(), cash.state().free.as_decimal()) == (2, 0)


def test_while_a_change_is_unknown_what_is_held_closes_the_order_that_is_cheaper_at_its_worst():
    """An order at 0.60 that may be at 0.20 by now (dearer for a sale of YES) opens what another at 0.50 closes first."""
    holdings = Holdings()
    holdings.begin({TICKER: Decimal(6)}, ())
    changing, other = ticket("ask", "0.60", 6), ticket("ask", "0.50", 6)
    changing.wanted = Decimal("0.20"), Decimal(6)
    cash = Cash(holdings, lambda: [changing, other])
    assert cash.reserved_usd([changing, other]) == cost_usd(changing, Decimal("0.20"), Decimal(6))


levels = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
wishes = st.tuples(
    st.sampled_from(["bid", "ask"]),
    levels,
    st.integers(1, 9),
    st.none() | st.tuples(levels, st.integers(1, 9)),
)


@given(
    held=st.integers(-20, 20).map(Decimal),
    wished=st.lists(wishes, max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_in_whatever_order_they_fill_orders_cost_no_more_than_was_set_aside(held, wished, order):
    holdings = Holdings()
    holdings.begin({TICKER: held}, ())
    tickets = [ticket(side, price, size) for side, price, size, _ in wished]
    for one, (*_, change) in zip(tickets, wished, strict=True):
        one.wanted = change and (change[0], Decimal(change[1]))
    reserved = Cash(holdings, list).reserved_usd(tickets)
    order.shuffle(tickets)
    spent = Decimal(0)
    for number, one in enumerate(tickets):
        price, contracts = one.worst
        spent += cost_usd(one, price, holdings.note(fill(number, one.side, contracts)))
    assert spent <= reserved + len(tickets) * CENT_OF_CENT


@pytest.mark.parametrize(("side", "each"), [("bid", "0.40"), ("ask", "0.60")])
def test_what_opens_costs_its_price_and_the_fee_of_a_taker_rounded_up(side, each):
    one = ticket(side, "0.40", 10)
    fee = 10 * RATE * Decimal("0.4") * Decimal("0.6") + CENT_OF_CENT
    assert cost_usd(one, Decimal("0.40"), Decimal(10)) == 10 * Decimal(each) + fee
    assert cost_usd(one, Decimal("0.40"), Decimal("0.01")) > 0
    assert cost_usd(one, Decimal("0.40"), Decimal(0)) == 0
    assert cost_usd(one, Decimal("0.40"), Decimal(-1)) == 0


@given(
    held=st.integers(-20, 20).map(Decimal),
    sides=st.lists(st.sampled_from(["bid", "ask"]), max_size=8),
    size=st.integers(1, 9).map(Decimal),
)
def test_contracts_are_the_sum_of_signed_fills_and_opened_risk_is_what_moved_away_from_nothing(
    held, sides, size
):
    holdings = Holdings()
    holdings.begin({TICKER: held}, ())
    now = held
    for number, side in enumerate(sides):
        moved = now + (size if side == "bid" else -size)
        crosses = now * moved < 0
        expected = abs(moved) if crosses else max(Decimal(0), abs(moved) - abs(now))
        assert holdings.note(fill(number, side, size)) == expected
        assert holdings.of(TICKER) == moved
        now = moved
    assert holdings.tickers == (frozenset({TICKER}) if now else frozenset())


def test_a_market_is_forgotten_with_its_last_fill_and_may_be_stated_anew():
    holdings = Holdings()
    holdings.note(fill(1, "bid", 5, at_ns=30))
    holdings.note(fill(2, "bid", 5, at_ns=20))
    assert holdings.last_fill_ns == {TICKER: 30}
    assert (holdings.drop(TICKER), holdings.drop(TICKER)) == (10, 0)
    assert (holdings.last_fill_ns, holdings.of(TICKER)) == ({}, 0)
    holdings.correct(TICKER, Decimal(-3))
    assert (holdings.of(TICKER), holdings.tickers) == (-3, {TICKER})
