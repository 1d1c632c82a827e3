"""What an order can still cost: whatever happens to it, no more goes than was held back, and nothing is held back in the end."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model import ClientOrderId

from adapters.polymarket.execution.cash import Cash, Holdings, cost_usd
from adapters.polymarket.execution.statements import FillStatement
from adapters.polymarket.execution.telling import Ledgers, Teller, trade_of
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import contract_of
from adapters.polymarket.messages.portfolio import BalanceAnswer
from markets.instruments import MarketTerms, PriceRange, make_pair
from orders.telling import Ears
from orders.tickets import Ending, Tickets
from pricing.fees import model_fee

BALANCE, HASH, TOKENS = Decimal(1_000_000), "0x" + "ab" * 32, ("11", "22")
UNIT = Decimal("0.00001")


def contract(rate, exponent):
    fees = {
        "since_ns": 0, "taker_rate": rate, "maker_rate": "0", "exponent": exponent, "fee_unit": str(UNIT),
        "rounding": "half_up",
    }  # fmt: skip
    terms = MarketTerms(
        market="0x" + "cd" * 32, venue="POLYMARKET", series="S", event="E", title="?", opens_ns=0, closes_ns=10**19,
        known_ns=0, price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),), fees=(fees,),
        size_digits=6, min_size=Decimal(5), tokens=TOKENS, currency="pUSD", takers_spend=True,
    )  # fmt: skip
    return contract_of(make_pair(terms).yes)


class House:
    """One order's ticket with the money that it may cost, told about by a teller whose engine only listens."""

    def __init__(self, kind, limit, size, rate="0.07", exponent=1):
        found, is_quote = contract(rate, exponent), kind == "money"
        self.ticket = Ticket(
            client_order_id=ClientOrderId("O-1"), instrument_id=found.instrument_id, contract=found, side="BUY",
            price=limit, hash=HASH, is_quote=is_quote, contracts=Decimal(0) if is_quote else size,
            budget_usd=size if is_quote else size * limit, is_immediate=kind != "rests",
        )  # fmt: skip
        tickets = Tickets[Ticket]()
        tickets.add(self.ticket, expected_id=HASH)
        self.holdings = Holdings()
        self.cash = Cash(self.holdings, tickets.open)
        self.cash.take(BalanceAnswer(str(int(BALANCE * 10**6)), {}), ())
        silent = {name: lambda *_: None for name in ("accepted", "canceled", "filled", "updated")}
        client = SimpleNamespace(
            cache=SimpleNamespace(order=lambda _: SimpleNamespace(is_closed=False)),
            clock=SimpleNamespace(timestamp_ns=lambda: 1),
            **{f"generate_order_{name}": silent[name] for name in silent},
        )
        ledgers = Ledgers(self._count, lambda _: None, lambda _: None, lambda _: None)
        self.teller = Teller(client, tickets, Ears(lambda _: None, lambda _: None), ledgers)
        self.paid = Decimal(0)

    def _count(self, fill):
        fee = trade_of(fill, self.ticket.contract).fee.as_decimal()
        self.holdings.note(fill)
        self.cash.spend(fill, fee)

    def fill(self, number, shares, price):
        told = FillStatement(
            trade_id=f"{number:08d}", order_id=HASH, condition_id=self.ticket.contract.condition_id,
            token_id=TOKENS[0], side="BUY", price=price, shares=shares, is_taker=True, status="MATCHED", at_ns=1,
        )  # fmt: skip
        self.teller.take_fill(self.ticket, told)
        self.paid += shares * price + trade_of(told, self.ticket.contract).fee.as_decimal()

    def end(self):
        self.teller.end(self.ticket, Ending("canceled", self.ticket.counted, 1))


prices = st.integers(1, 99).map(lambda n: Decimal(n) / 100)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["money", "takes", "rests"]),
    limit=prices,
    size=st.integers(500, 100_000).map(lambda n: Decimal(n) / 100),
    parts=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 98)), min_size=1, max_size=5),
    rate=st.sampled_from(["0", "0.07", "0.25", "1"]),
    exponent=st.integers(1, 3),
)
def test_no_order_costs_more_than_was_held_back_and_its_end_frees_the_rest(
    kind, limit, size, parts, rate, exponent
):
    house = House(kind, limit, size, rate, exponent)
    before, whole = house.cash.free_usd(), sum(share for share, _ in parts)
    within = len(parts) * UNIT
    frees = [before]
    for number, (share, discount) in enumerate(parts):
        price = max(limit - Decimal(discount) / 100, Decimal("0.01"))
        most = size * share / whole / (Decimal(1) if kind == "rests" else price)
        if kind == "takes":
            most *= limit
        house.fill(number, most.quantize(Decimal("0.000001"), "ROUND_FLOOR"), price)
        frees.append(house.cash.free_usd())
    assert min(frees) >= before - within
    assert max(frees) <= BALANCE - house.paid + within
    house.end()
    assert (house.cash.free_usd(), cost_usd(house.ticket)) == (BALANCE - house.paid, 0)


@pytest.mark.parametrize(("exponent", "price"), [(1, "0.01"), (2, "0.33")])
def test_the_fee_of_money_that_is_spent_is_the_one_at_the_dearest_price_below_the_limit(exponent, price):
    house = House("money", Decimal("0.90"), Decimal(9), "0.07", exponent)
    at_limit = 9 + model_fee(Decimal(10), Decimal("0.90"), Decimal("0.07"), exponent)
    reachable = 9 + model_fee(9 / Decimal(price), Decimal(price), Decimal("0.07"), exponent)
    assert at_limit < reachable <= cost_usd(house.ticket)


def test_a_fill_that_is_not_told_yet_is_still_in_the_money_of_its_order():
    house = House("takes", Decimal("0.60"), Decimal(10))
    before = house.cash.free_usd()
    house.fill(1, Decimal(5), Decimal("0.40"))
    assert house.ticket.early
    assert house.cash.free_usd() == before
