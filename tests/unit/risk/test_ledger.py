from dataclasses import replace
from decimal import Decimal
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.accounts import Accounts, Transaction
from risk.contract import Outcome
from risk.conversions import cash_of, merge, split
from risk.errors import ImpossiblePosting, LedgerBroken, UnknownFigure
from risk.ledger import Ledger
from risk.trades import CashMove, Fill, Reversal, Settlement

MICRO = Decimal("0.000001")
YES = Outcome("FED-YES.KALSHI", "FED.KALSHI", "FED-27JAN.KALSHI", "KALSHI")
NO = Outcome("FED-NO.KALSHI", "FED.KALSHI", "FED-27JAN.KALSHI", "KALSHI")
FAR = Outcome("0x1-7.POLYMARKET", "0x1.POLYMARKET", "0x1.POLYMARKET", "POLYMARKET")


def fill(side="buy", quantity="10", price="0.40", fee="0.17", trade_id="1", strategy="kelly", outcome=YES):
    figures = (Decimal(quantity), Decimal(price), Decimal(fee))
    return Fill(strategy, outcome, side == "buy", *figures, "V-1", trade_id, 5)


def funded(*facts, cash="1000"):
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(cash), 1)
    for fact in facts:
        ledger.post_fill(fact)
    return ledger


def test_a_purchase_moves_cash_into_cost_and_fees():
    ledger = funded(fill())
    assert ledger.cash_usd("KALSHI") == Decimal("995.83")
    assert ledger.cost_usd(YES.instrument) == 4
    assert ledger.fees_usd == Decimal("0.17")
    assert ledger.realized_usd == 0
    assert ledger.quantity("kelly", YES.instrument) == 10


def test_a_partial_sale_takes_its_share_of_the_cost_and_the_last_contract_takes_the_rest():
    ledger = funded(
        fill(quantity="3", price="0.10", fee="0"), fill(quantity="4", price="0.20", fee="0", trade_id="2")
    )
    ledger.post_fill(fill("sell", "1", "0.50", "0", "3"))
    assert ledger.cost_usd() == Decimal("1.1") - Decimal("0.157143")
    ledger.post_fill(fill("sell", "6", "0.50", "0", "4"))
    assert ledger.cost_usd() == 0
    assert ledger.realized_usd == Decimal("3.5") - Decimal("1.1")
    assert ledger.positions() == ()


def test_a_rebate_is_a_negative_fee():
    ledger = funded(fill(fee="-0.05"))
    assert ledger.fees_usd == Decimal("-0.05")
    assert ledger.cash_usd() == Decimal("996.05")


def test_a_trade_that_comes_twice_is_booked_once_and_reported():
    ledger = funded(fill(), fill())
    assert ledger.quantity(None, YES.instrument) == 10
    assert ledger.duplicates == [("V-1", "1")]


def test_strategies_do_not_share_a_position():
    ledger = funded(fill(), fill(strategy="other", trade_id="2", price="0.60"))
    assert ledger.quantity(None, YES.instrument) == 20
    assert ledger.owners(YES.instrument) == ("kelly", "other")
    with pytest.raises(ImpossiblePosting, match="expected kelly to hold at least 11 contracts"):
        ledger.post_fill(fill("sell", "11", trade_id="3"))


def test_an_oversell_leaves_the_books_as_they_were():
    ledger = funded(fill())
    before = ledger.snapshot()
    with pytest.raises(ImpossiblePosting):
        ledger.post_fill(fill("sell", "10.01", trade_id="2"))
    assert ledger.snapshot() == before
    ledger.post_fill(fill("sell", "10", trade_id="2"))
    ledger.audit()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"price": "57"}, r"expected a price in \(0, 1\) for FED-YES.KALSHI, found 57"),
        ({"price": "NaN"}, "found NaN"),
        ({"price": "0"}, "found 0"),
        ({"quantity": "-1"}, "expected a size above 0 for FED-YES.KALSHI, found -1"),
        ({"quantity": "0"}, "found 0"),
        ({"quantity": "Infinity"}, "found Infinity"),
        ({"fee": "NaN"}, "expected a fee in whole millionths of a dollar, found NaN"),
        ({"fee": "0.0000001"}, "expected a fee in whole millionths"),
        ({"price": "0.33333333"}, "expected a trade in whole millionths of a dollar, found 3.33333330"),
    ],
)
def test_a_trade_that_cannot_be_true_is_refused_before_anything_is_booked(changes, complaint):
    ledger = funded()
    before = ledger.snapshot()
    with pytest.raises(ImpossiblePosting, match=complaint):
        ledger.post_fill(fill(**changes))
    assert ledger.snapshot() == before


def test_a_settlement_pays_out_the_whole_position_without_a_fee():
    ledger = funded(fill(), fill(outcome=NO, price="0.55", trade_id="2"))
    ledger.post_settlement(Settlement("kelly", YES, Decimal(10), Decimal(1), "end", 9))
    ledger.post_settlement(Settlement("kelly", NO, Decimal(10), Decimal(0), "end", 9))
    assert ledger.realized_usd == Decimal("0.5")
    assert ledger.cash_usd() == Decimal("1000.5") - Decimal("0.34")
    ledger.audit()


def test_an_unpaid_settlement_waits_until_the_venue_pays():
    ledger = funded(fill())
    ledger.post_settlement(Settlement("kelly", YES, Decimal(10), Decimal(1), "end", 9, is_paid=False))
    assert (ledger.pending_usd("KALSHI"), ledger.cash_usd("KALSHI")) == (10, Decimal("995.83"))
    assert ledger.equity_usd(lambda _: None) == Decimal("1005.83")
    with pytest.raises(ImpossiblePosting, match="expected a payout of at most 10"):
        ledger.post_payout("KALSHI", Decimal("10.01"), 10)
    ledger.post_payout("KALSHI", Decimal(10), 10)
    assert (ledger.pending_usd(), ledger.cash_usd()) == (0, Decimal("1005.83"))
    ledger.audit()


@pytest.mark.parametrize(
    ("quantity", "payout"), [("9", "1"), ("11", "1"), ("10", "1.01"), ("10", "NaN"), ("10", "-1")]
)
def test_a_settlement_that_cannot_be_true_is_refused(quantity, payout):
    with pytest.raises(ImpossiblePosting):
        funded(fill()).post_settlement(Settlement("kelly", YES, Decimal(quantity), Decimal(payout), "end", 9))


def test_a_voided_purchase_leaves_no_trace_but_the_transactions():
    ledger = funded(fill(price="0.60", trade_id="0"))
    before = ledger.snapshot()
    ledger.post_fill(fill())
    ledger.post_void(fill(), "C-1")
    assert ledger.snapshot() == before
    assert ledger.post_void(fill(), "C-1") is None
    assert ledger.post_fill(fill()) is None
    ledger.audit()


def test_a_voided_sale_gives_back_the_cost_that_left_with_it():
    ledger = funded(fill(quantity="3", price="0.10"), fill(quantity="4", price="0.20", trade_id="2"))
    before = ledger.snapshot()
    sale = fill("sell", "5", "0.50", "0.1", "3")
    ledger.post_fill(sale)
    ledger.post_void(replace(sale, quantity=Decimal(2), fee_usd=Decimal("0.04")), "C-1")
    ledger.post_void(replace(sale, quantity=Decimal(3), fee_usd=Decimal("0.06")), "C-2")
    assert ledger.snapshot() == before
    ledger.audit()


@pytest.mark.parametrize(("trade_id", "quantity"), [("9", "10"), ("1", "10.01")])
def test_only_what_was_traded_can_be_taken_back(trade_id, quantity):
    with pytest.raises(ImpossiblePosting, match="contracts to take back, found"):
        funded(fill()).post_void(fill(trade_id=trade_id, quantity=quantity), "C-1")


def test_a_purchase_whose_contracts_were_sold_cannot_be_taken_back():
    with pytest.raises(ImpossiblePosting, match="expected kelly to hold at least 10"):
        funded(fill(), fill("sell", "5", trade_id="2")).post_void(fill(), "C-1")


def test_a_trade_cannot_be_taken_back_twice_over():
    ledger = funded(fill())
    ledger.post_void(fill(quantity="6", fee="0"), "C-1")
    with pytest.raises(ImpossiblePosting, match="to have 5 contracts to take back, found 4"):
        ledger.post_void(fill(quantity="5", fee="0"), "C-2")


@pytest.mark.parametrize(
    ("sold", "voided", "trade_id", "price", "left"),
    [("15", "4", "2", "0.90", "0"), ("10", "10", "1", "0.10", "0"), ("10", "5", "1", "0.10", "4.5")],
)
def test_taking_back_a_purchase_after_a_sale_at_the_average_never_leaves_a_false_cost(
    sold, voided, trade_id, price, left
):
    ledger = funded(fill(price="0.10", fee="0"), fill(price="0.90", fee="0", trade_id="2"))
    ledger.post_fill(fill("sell", sold, "0.50", "0", "3"))
    ledger.post_void(fill(quantity=voided, price=price, fee="0", trade_id=trade_id), "C-1")
    assert ledger.cost_usd() == Decimal(left)
    ledger.audit()


def test_entries_that_do_not_add_up_are_not_booked():
    accounts = Accounts()
    with pytest.raises(LedgerBroken, match=r"entries of fill T-1 to add up to 0 USD, found 0\.000001"):
        accounts.post(Transaction("fill", "T-1", 1, (("cash:KALSHI", -MICRO), ("fees", 2 * MICRO))))
    assert accounts.balance("fees") == 0


def test_transfers_and_withdrawals_keep_the_balance():
    ledger = funded()
    ledger.transfer("KALSHI", "POLYMARKET", Decimal(300), 2)
    ledger.withdraw("POLYMARKET", Decimal(100), 3)
    assert (ledger.cash_usd("KALSHI"), ledger.cash_usd("POLYMARKET")) == (700, 200)
    assert ledger.capital_usd == 900
    for wrong in ("-1", "0", "NaN"):
        with pytest.raises(ImpossiblePosting):
            ledger.deposit("KALSHI", Decimal(wrong), 4)
    ledger.audit()


def test_equity_needs_a_price_for_every_open_position():
    ledger = funded(fill())
    assert ledger.equity_usd(lambda _: Decimal("0.38")) == Decimal("999.63")
    with pytest.raises(
        UnknownFigure, match=r"expected a price in \[0, 1\] to mark FED-YES\.KALSHI with, found none"
    ):
        ledger.equity_usd(lambda _: None)


@pytest.mark.parametrize(
    ("account", "complaint"),
    [
        ("cash:KALSHI", "expected cash:KALSHI to hold 991.660000 USD, found 991.660001 USD"),
        (
            "inventory:kelly:FED-YES.KALSHI",
            "expected inventory:kelly:FED-YES.KALSHI to hold 8.000000 USD, found 8.000001",
        ),
        ("fees", "and fees 0.340001 to make"),
        ("realized", "and realized profit -0.000001, found"),
        ("capital", "of capital 999.999999 and"),
    ],
)
def test_a_figure_that_was_tampered_with_is_found_at_the_next_posting(account, complaint):
    ledger = funded(fill())
    ledger._accounts._balances[account] += MICRO
    with pytest.raises(LedgerBroken, match=complaint):
        ledger.post_fill(fill(trade_id="2"))


def test_cash_that_was_tampered_with_is_found_when_cash_moves():
    ledger = funded()
    ledger._cash["KALSHI"] += MICRO
    with pytest.raises(LedgerBroken, match=r"expected cash:KALSHI to hold 1001\.000001 USD, found 1001"):
        ledger.deposit("KALSHI", Decimal(1), 7)


def test_an_audit_finds_what_no_posting_touched():
    ledger = funded(fill(), fill(trade_id="2"))
    ledger._holdings["kelly", YES.instrument].cost_usd += MICRO
    ledger.deposit("POLYMARKET", Decimal(1), 7)
    with pytest.raises(LedgerBroken, match=r"expected inventory:kelly:FED-YES\.KALSHI to hold"):
        ledger.audit()


def test_every_transaction_is_heard_and_adds_up_to_zero():
    heard = []
    ledger = Ledger(lambda transaction, fact: heard.append((transaction, fact)))
    ledger.deposit("KALSHI", Decimal(100), 1, "start")
    ledger.post_fill(fill())
    end = Settlement("kelly", YES, Decimal(10), Decimal(1), "end", 9)
    ledger.post_settlement(end)
    deposit = CashMove("deposit", "KALSHI", None, Decimal(100), "start", 1)
    assert [(t.kind, fact) for t, fact in heard] == [
        ("deposit", deposit),
        ("fill", fill()),
        ("settlement", end),
    ]
    assert all(sum(amount for _, amount in t.entries) == 0 for t, _ in heard)


cents = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
ticks = st.integers(1, 9999).map(lambda n: Decimal(n) / 10_000)
sizes = st.integers(1, 100_000).map(lambda n: Decimal(n) / 100)
fees = st.integers(-500_000, 2_000_000).map(lambda n: Decimal(n) * MICRO)
amounts = st.integers(1, 10**12).map(lambda n: Decimal(n) * MICRO)
who = st.tuples(st.sampled_from(["kelly", "maker"]), st.sampled_from([YES, NO, FAR]))
steps = st.one_of(
    st.tuples(st.just("buy"), who, sizes, ticks, fees),
    st.tuples(st.just("sell"), who, st.floats(0.01, 1), ticks, fees),
    st.tuples(st.just("settle"), who, st.sampled_from(["0", "1", "0.5", "0.3333"]), st.booleans()),
    st.tuples(st.just("void"), st.integers(0, 50)),
    st.tuples(st.just("split"), st.sampled_from(["kelly", "maker"]), sizes),
    st.tuples(st.just("merge"), st.sampled_from(["kelly", "maker"]), sizes),
    st.tuples(st.just("reverse"), st.integers(0, 10)),
    st.tuples(st.just("deposit"), amounts),
    st.tuples(st.just("withdraw"), amounts),
    st.tuples(st.just("transfer"), amounts),
    st.tuples(st.just("payout"), st.floats(0.01, 1)),
)


class Bookkeeper:
    """Plays random facts and keeps its own tally of cash, in the simplest way."""

    def __init__(self):
        self.facts, self.ends, self.numbers = [], [], count()
        self.ledger, self.cash, self.owed, self.capital, self.done = (
            Ledger(lambda _, fact: self.facts.append(fact)),
            Decimal(0),
            Decimal(0),
            Decimal(0),
            [],
        )

    def trade(self, side, owner, quantity, price, fee):
        fact = Fill(owner[0], owner[1], side == "buy", quantity, price, fee, "V", str(len(self.done)), 1)
        self.ledger.post_fill(fact)
        self.done.append(fact)
        self.cash += (-1 if side == "buy" else 1) * quantity * price - fee

    def buy(self, owner, quantity, price, fee):
        self.trade("buy", owner, quantity, price, fee)

    def sell(self, owner, share, price, fee):
        held = self.ledger.quantity(owner[0], owner[1].instrument)
        quantity = (held * Decimal(share)).quantize(Decimal("0.01"))
        if quantity:
            self.trade("sell", owner, quantity, price, fee)

    def settle(self, owner, payout, is_paid):
        held = self.ledger.quantity(owner[0], owner[1].instrument)
        if held:
            reference = f"end-{next(self.numbers)}"
            end = Settlement(owner[0], owner[1], held, Decimal(payout), reference, 1, is_paid)
            self.ledger.post_settlement(end)
            self.ends.append((owner, end))
            if is_paid:
                self.cash += held * end.payout
            else:
                self.owed += held * end.payout

    def void(self, index):
        if index >= len(self.done) or self.done[index] is None:
            return
        fact, before = self.done[index], self.ledger.snapshot()
        try:
            self.ledger.post_void(fact, f"C-{index}")
        except ImpossiblePosting:  # sold or settled since: nothing may have moved
            assert self.ledger.snapshot() == before
            return
        self.done[index] = None
        self.cash += (1 if fact.is_buy else -1) * fact.quantity * fact.price + fact.fee_usd

    def convert(self, change):
        before = self.ledger.snapshot()
        try:
            self.ledger.post_conversion(change)
        except ImpossiblePosting:  # not held: nothing may have moved
            assert self.ledger.snapshot() == before
            return
        self.cash += cash_of(change)

    def split(self, name, quantity):
        self.convert(split(name, (YES, NO), quantity, f"split-{next(self.numbers)}", 1))

    def merge(self, name, quantity):
        self.convert(merge(name, (YES, NO), quantity, f"merge-{next(self.numbers)}", 1))

    def reverse(self, index):
        if index >= len(self.ends):
            return
        owner, end = self.ends.pop(index)
        before = self.ledger.snapshot()
        try:
            self.ledger.post_reversal(Reversal(owner[0], owner[1], end.reference, 1))
        except ImpossiblePosting:  # paid since
            assert self.ledger.snapshot() == before
            return
        if end.is_paid:
            self.cash -= end.quantity * end.payout
        else:
            self.owed -= end.quantity * end.payout

    def deposit(self, amount):
        self.ledger.deposit("KALSHI", amount, 1)
        self.cash, self.capital = self.cash + amount, self.capital + amount

    def withdraw(self, amount):
        self.ledger.withdraw("KALSHI", amount, 1)
        self.cash, self.capital = self.cash - amount, self.capital - amount

    def transfer(self, amount):
        self.ledger.transfer("KALSHI", "POLYMARKET", amount, 1)

    def payout(self, share):
        for venue in ("KALSHI", "POLYMARKET"):
            paid = (self.ledger.pending_usd(venue) * Decimal(share)).quantize(MICRO)
            if paid > 0:
                self.ledger.post_payout(venue, min(paid, self.ledger.pending_usd(venue)), 1)
                self.cash, self.owed = self.cash + paid, self.owed - paid


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=40))
def test_nothing_is_ever_lost(story):
    keeper = Bookkeeper()
    for name, *facts in story:
        getattr(keeper, name)(*facts)
        ledger = keeper.ledger
        ledger.audit()
        assert ledger.cash_usd() == keeper.cash
        assert ledger.pending_usd() == keeper.owed
        assert ledger.capital_usd == keeper.capital
        assert ledger.equity_usd(lambda _: Decimal(0)) == keeper.cash + keeper.owed
        for position in ledger.positions():
            assert position.quantity > 0
            assert position.cost_usd >= 0
    assert keeper.ledger.positions() or keeper.ledger.cost_usd() == 0
    again = Ledger()
    for fact in keeper.facts:
        again.post(fact)
    assert again.snapshot() == keeper.ledger.snapshot()
    assert again.accounts() == keeper.ledger.accounts()
    assert again.positions(with_closed=True) == keeper.ledger.positions(with_closed=True)


def test_a_move_of_a_kind_that_nobody_knows_is_refused():
    with pytest.raises(ImpossiblePosting, match="found gift"):
        Ledger().post(CashMove("gift", "KALSHI", None, Decimal(1), "", 1))


EVENTS = 10_000


def story(chance, keeper):
    """Yield what could happen next, for ever; sizes and prices are drawn as a venue has them."""
    while True:
        owner = chance.choice(["kelly", "maker"]), chance.choice([YES, NO, FAR])
        size, price = Decimal(chance.randint(1, 5000)) / 100, Decimal(chance.randint(1, 9999)) / 10_000
        fee = Decimal(chance.randint(-1000, 500_000)) * MICRO
        amount = Decimal(chance.randint(1, 10**9)) * MICRO
        newest = max(len(keeper.done) - 20, 0)
        yield chance.choice(
            [
                ("buy", owner, size, price, fee),
                ("buy", owner, size, price, fee),
                ("sell", owner, chance.random(), price, fee),
                ("settle", owner, chance.choice(["0", "1", "0.5", "0.3333"]), chance.random() < 0.5),
                ("void", chance.randint(newest, newest + 20)),
                ("split", owner[0], size),
                ("merge", owner[0], size),
                ("reverse", chance.randint(0, 10)),
                (chance.choice(["deposit", "withdraw", "transfer"]), amount),
                ("payout", chance.random()),
            ]
        )


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32))
def test_ten_thousand_events_conserve_every_millionth(seed):
    keeper = Bookkeeper()
    for number, (name, *facts) in zip(range(EVENTS), story(Random(seed), keeper), strict=False):
        getattr(keeper, name)(*facts)
        ledger = keeper.ledger
        assert (ledger.cash_usd(), ledger.pending_usd()) == (keeper.cash, keeper.owed)
        assert ledger.capital_usd == keeper.capital
        if number % 100 == 0:
            ledger.audit()
    keeper.ledger.audit()
    assert len(keeper.done) > EVENTS // 10
    assert all(one.quantity > 0 and one.cost_usd >= 0 for one in keeper.ledger.positions())


@pytest.mark.parametrize(
    ("amount", "found"), [("0", "above 0 USD, found 0"), ("0.0000001", "in whole millionths")]
)
def test_money_that_cannot_move_is_named(amount, found):
    with pytest.raises(ImpossiblePosting, match=f"expected a deposit at KALSHI {found}"):
        Ledger().deposit("KALSHI", Decimal(amount), 1)
