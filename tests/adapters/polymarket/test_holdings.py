"""What we hold and can still spend at Polymarket: a match moves it at once, its settlement makes it ours."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.polymarket.execution.cash import Cash, Holdings, cost_usd
from adapters.polymarket.execution.statements import FillStatement
from adapters.polymarket.messages.portfolio import BalanceAnswer
from pricing.fees import FeeTerms

UP, DOWN = "11", "22"
NO_FEE = FeeTerms(
    since_ns=0, taker_rate=Decimal(0), maker_rate=Decimal(0), exponent=1, fee_unit=Decimal("0.00001"),
    cash_unit=Decimal("0.00001"),
)  # fmt: skip
MARKET = "0x" + "cd" * 32


def fill(number, side, shares, token=UP, status="MATCHED", at_ns=1):
    return FillStatement(
        trade_id=f"{number:08d}", order_id="0x" + "ab" * 32, condition_id=MARKET, token_id=token, side=side,
        price=Decimal("0.40"), shares=Decimal(shares), is_taker=True, status=status, at_ns=at_ns,
    )  # fmt: skip


def answer(usd, **allowances):
    return BalanceAnswer(str(usd * 10**6), {name: str(units) for name, units in allowances.items()})


def test_a_match_counts_at_once_and_is_settled_later():
    holdings = Holdings()
    bought, sold = fill(1, "BUY", 10), fill(2, "SELL", 4)
    assert holdings.note(bought)
    assert (holdings.of(UP), holdings.settled(UP), holdings.sellable(UP)) == (10, 0, 0)
    holdings.finish(replace(bought, status="CONFIRMED"))
    assert (holdings.of(UP), holdings.settled(UP), holdings.sellable(UP)) == (10, 10, 10)
    assert holdings.note(sold)
    assert (holdings.of(UP), holdings.settled(UP), holdings.sellable(UP)) == (6, 10, 6)
    assert (holdings.of(DOWN), holdings.settled(DOWN), holdings.sellable(DOWN)) == (0, 0, 0)
    assert (holdings.tokens, holdings.conditions) == ({UP}, {UP: MARKET})


def test_of_another_token_nothing_is_counted():
    holdings = Holdings()
    holdings.note(fill(1, "BUY", 10, DOWN))
    assert (holdings.of(UP), holdings.settled(UP), holdings.sellable(UP)) == (0, 0, 0)
    assert not holdings.has_moved(UP, 0)
    assert holdings.has_moved(DOWN, 5)


def test_a_match_counts_once_also_one_that_the_positions_of_the_start_hold():
    holdings = Holdings()
    first = fill(1, "BUY", 10)
    holdings.begin({UP: Decimal(10), DOWN: Decimal(0)}, {UP: MARKET}, [first])
    assert not holdings.note(first)
    assert holdings.note(fill(2, "BUY", 5))
    assert not holdings.note(fill(2, "BUY", 5))
    assert (holdings.of(UP), holdings.tokens) == (15, {UP})


def test_a_match_that_failed_is_undone_if_it_was_counted():
    holdings = Holdings()
    bought, sold = fill(1, "BUY", 10), fill(2, "SELL", 4)
    for one in (bought, sold):
        holdings.note(one)
    holdings.reverse(sold)
    assert (holdings.of(UP), holdings.pending) == (10, {bought.name: bought})
    holdings.reverse(bought)
    assert (holdings.of(UP), holdings.pending) == (0, {})
    holdings.reverse(fill(3, "BUY", 7))  # we never heard of it
    assert holdings.of(UP) == 0


def test_one_that_is_settled_when_we_hear_of_it_is_never_pending():
    holdings = Holdings()
    holdings.note(fill(1, "BUY", 10, status="CONFIRMED"))
    assert (holdings.pending, holdings.settled(UP)) == ({}, 10)


def test_the_venue_s_number_may_be_behind_a_match_that_is_pending_or_as_young():
    holdings = Holdings()
    assert not holdings.has_moved(UP, 0)
    assert holdings.has_moved(UP, -1) is True
    late, early = fill(1, "BUY", 1, at_ns=30), fill(2, "BUY", 1, at_ns=20)
    for one in (late, early):
        holdings.note(one)
    assert holdings.has_moved(UP, 99)
    for one in (late, early):
        holdings.finish(one)
    assert [holdings.has_moved(UP, at_ns) for at_ns in (29, 30, 31)] == [True, False, False]


def test_shares_may_be_stated_anew():
    holdings = Holdings()
    holdings.correct(UP, Decimal(3))
    assert holdings.of(UP) == 3


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 50), st.booleans()), max_size=8))
def test_what_settles_and_what_is_undone_leave_the_shares_that_settled(trades):
    holdings = Holdings()
    told = [fill(number, side, shares) for number, (side, shares, _) in enumerate(trades)]
    for one in told:
        holdings.note(one)
    for one, (*_, settles) in zip(told, trades, strict=True):
        (holdings.finish if settles else holdings.reverse)(one)
    signed = [shares if side == "BUY" else -shares for side, shares, settles in trades if settles]
    assert holdings.of(UP) == holdings.settled(UP) == holdings.sellable(UP) == sum(signed)


def test_what_a_buy_cost_is_off_until_an_answer_that_was_asked_for_after_it_was_settled():
    holdings = Holdings()
    cash = Cash(holdings, list)
    assert (cash.is_known, cash.balance_usd) == (False, 0)
    cash.take(answer(100), ())
    first, second = fill(1, "BUY", 10), fill(2, "BUY", 5)
    for one in (first, second):
        holdings.note(one)
        cash.spend(one, Decimal("0.1"))
    assert (cash.is_known, cash.balance_usd, cash.free_usd()) == (True, 100, Decimal("93.8"))
    holdings.finish(first)
    assert cash.settled_spending == (first.name,)
    cash.take(answer(96), cash.settled_spending)
    assert (cash.free_usd(), cash.settled_spending) == (Decimal("93.9"), ())
    cash.give_back(second)
    assert cash.free_usd() == 96


def test_what_a_sale_brings_comes_with_the_balance():
    cash = Cash(Holdings(), list)
    cash.take(answer(100), ())
    cash.spend(fill(1, "SELL", 10), Decimal("0.1"))
    assert cash.free_usd() == 100


def test_an_exchange_may_take_what_was_approved_for_it_however_its_address_is_written():
    cash = Cash(Holdings(), list)
    assert cash.allowance_usd("0xAb") == 0
    cash.take(answer(100, **{"0xaB": 7 * 10**6}), ())
    assert (cash.allowance_usd("0xAB"), cash.allowance_usd("0xab"), cash.allowance_usd("0xcd")) == (7, 7, 0)


class Waiting:
    """As much of a ticket as cash asks of one that rests: its leaves at a price, without a fee."""

    side, is_closed, spends, is_post_only = "BUY", False, False, True

    def __init__(self, leaves):
        self.leaves, self.price = Decimal(leaves), Decimal("0.50")
        self.contract = SimpleNamespace(fees=SimpleNamespace(terms=[NO_FEE]))


def test_a_sale_costs_nothing_and_what_spends_no_more_than_its_money_that_is_left():
    sale, spending = Waiting(10), Waiting(10)
    sale.side = "SELL"
    spending.spends, spending.budget_usd, spending.spent_usd = True, Decimal(10), Decimal(4)
    assert (cost_usd(sale), cost_usd(spending)) == (0, 6)
    spending.spent_usd = Decimal(11)
    assert cost_usd(spending) == 0


@pytest.mark.parametrize(("balance", "locked"), [(100, 5), (4, 4)])
def test_the_account_locks_what_orders_may_cost_and_never_more_than_there_is(balance, locked):
    cash = Cash(Holdings(), lambda: [Waiting(10), Waiting(0)])
    cash.take(answer(balance), ())
    state = cash.state()
    assert [one.as_decimal() for one in (state.total, state.locked, state.free)] == [
        balance,
        locked,
        balance - locked,
    ]
    assert state.total.currency.code == "pUSD"


def test_what_was_spent_is_off_the_account_and_no_account_is_below_nothing():
    cash = Cash(Holdings(), list)
    cash.take(answer(3), ())
    cash.spend(fill(1, "BUY", 5), Decimal(0))
    assert cash.state().total.as_decimal() == 1
    cash.spend(fill(2, "BUY", 5), Decimal(0))
    assert cash.state().total.as_decimal() == 0
