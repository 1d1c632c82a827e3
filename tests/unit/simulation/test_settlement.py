from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import InstrumentCloseType, OrderFilled, TimeInForce
from stage import Stage
from toy import FED, NO, SECOND, START, YES, book, market

from engine import Strategy, StrategyConfig
from markets.facts import MarketResolution
from risk.guardian import Guardian
from risk.ledger import Ledger
from simulation.settlement import Settlement

HAPPENED, KNOWN = START + 20 * SECOND, START + 21 * SECOND


def says(payout, **changes):
    words = {
        "ts_event": HAPPENED, "ts_init": KNOWN, "venue": "KALSHI", "series": "KXFED", "market": "KXFED-27JAN-C",
        "source": "test", "is_final": True,
    }  # fmt: skip
    return MarketResolution(**(words | {"payout": Decimal(payout)} | changes))


def paid(closes):
    return {str(close.instrument_id)[14:-7]: str(close.close_price) for close in closes}


@pytest.mark.parametrize(
    ("payout", "yes", "no"),
    [
        ("1", "1.0000", "0.0000"),
        ("0", "0.0000", "1.0000"),
        ("0.5", "0.5000", "0.5000"),
        ("0.37", "0.3700", "0.6300"),
        ("0.0001", "0.0001", "0.9999"),
    ],
)
def test_yes_gets_the_payout_and_no_the_rest_of_a_dollar(payout, yes, no):
    closes = Settlement().closes(FED, says(payout))
    assert paid(closes) == {"YES": yes, "NO": no}
    assert {close.close_type for close in closes} == {InstrumentCloseType.CONTRACT_EXPIRED}
    assert {(close.ts_event, close.ts_init) for close in closes} == {(HAPPENED, KNOWN)}


@given(st.integers(0, 10_000))
def test_both_sides_together_pay_one_dollar(ten_thousandths):
    closes = Settlement().closes(FED, says(Decimal(ten_thousandths) / 10_000))
    assert sum(close.close_price.as_decimal() for close in closes) == 1


def test_a_market_pays_once():
    settlement = Settlement()
    assert len(settlement.closes(FED, says("1"))) == 2
    assert settlement.closes(FED, says("1")) == []
    assert settlement.closes(FED, says("0", ts_event=KNOWN)) == []
    other = market("KXFED-27JAN-D")
    assert len(settlement.closes(other, says("0", market="KXFED-27JAN-D"))) == 2


@pytest.mark.parametrize("doubt", [{"is_final": False}, {"is_disputed": True}])
def test_a_result_in_doubt_closes_nothing_and_the_final_one_still_does(doubt):
    settlement = Settlement()
    assert settlement.closes(FED, says("1", **doubt)) == []
    assert paid(settlement.closes(FED, says("0"))) == {"YES": "0.0000", "NO": "1.0000"}


def test_a_payout_with_more_digits_than_a_price_has_is_refused_and_settles_nothing():
    settlement = Settlement()
    with pytest.raises(ValueError, match=r"at most 4 digits for KXFED-27JAN-C\.KALSHI, found 0\.33333"):
        settlement.closes(FED, says("0.33333"))
    assert len(settlement.closes(FED, says("0.3333"))) == 2


class Nothing(StrategyConfig, frozen=True):
    pass


class Holder(Strategy[Nothing]):
    """Takes 100 of YES and 40 of NO with the first quote of each."""

    def on_start(self):
        self.closed = []
        for side in (YES, NO):
            self.subscribe_quotes(side.id)

    def on_quote(self, quote):
        self.unsubscribe_quotes(quote.instrument_id)
        contracts = Decimal(100 if quote.instrument_id == YES.id else 40)
        self.buy(quote.instrument_id, contracts, quote.ask_price.as_decimal(), time_in_force=TimeInForce.IOC)

    def on_position_closed(self, event):
        self.closed.append((str(event.instrument_id), str(event.realized_pnl), self.clock.timestamp_ns()))


class Watched(Guardian):
    """Audits the ledger after every event and writes down at what price positions were settled."""

    def __init__(self):
        ledger = Ledger()
        ledger.deposit("KALSHI", Decimal(1000), START)
        super().__init__([], ledger)
        self.settled = []

    def hear(self, event, desk):
        super().hear(event, desk)
        self.ledger.audit()
        if isinstance(event, OrderFilled) and str(event.client_order_id).startswith("EXPIRATION-"):
            self.settled.append((str(event.instrument_id), str(event.last_px), str(event.last_qty)))


def settled_at(payout):
    """Return guardian, holder and the venue's balance after both sides were bought and settled."""
    books = [*book(0.48, 0.52, 1), *book(0.45, 0.5, 2, of=NO)]
    guard = Watched()
    with Stage(partial(Holder, Nothing()), guard=guard) as stage:
        stage.play(books)
        assert stage.cash_usd == guard.ledger.cash_usd("KALSHI") == 1000 - 52 - 20
        stage.play(Settlement().closes(FED, says(payout)))
        assert stage.door.faults == {}
        assert stage.door.broken is None
        return guard, stage.strategies[0], stage.cash_usd


def test_positions_of_both_sides_settle_at_the_fractions_that_a_void_market_pays():
    guard, holder, cash = settled_at("0.37")
    assert sorted(guard.settled) == [(str(NO.id), "0.6300", "40.00"), (str(YES.id), "0.3700", "100.00")]
    assert cash == guard.ledger.cash_usd("KALSHI") == Decimal("928") + Decimal("37") + Decimal("25.2")
    assert guard.ledger.positions() == ()
    assert guard.ledger.realized_usd == cash - 1000
    assert sorted(holder.closed) == [
        (str(NO.id), "5.200000 USD", KNOWN),
        (str(YES.id), "-15.000000 USD", KNOWN),
    ]


@pytest.mark.parametrize(("payout", "won"), [("1", 100), ("0", 40), ("0.5", 70)])
def test_the_ledger_and_the_venue_agree_on_every_payout(payout, won):
    guard, _, cash = settled_at(payout)
    assert cash == guard.ledger.cash_usd("KALSHI") == 928 + won
    assert guard.ledger.positions() == ()
