"""A desk, orders and events small enough to read; a proposal in which everything is in order."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from nautilus_trader.core import UUID4
from nautilus_trader.model import (
    AccountId,
    ClientOrderId,
    LiquiditySide,
    Money,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderFillVoided,
    OrderModifyRejected,
    OrderRejected,
    OrderSide,
    OrderType,
    OrderUpdated,
    Position,
    PositionClosed,
    PositionId,
    Price,
    Quantity,
    QuoteTick,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)

from engine.desk import Belief
from markets.currencies import USD
from markets.instruments import MarketTerms, PriceRange, make_pair
from markets.ticks import grid_of
from risk.contract import Outcome
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.proposal import Proposal
from risk.tally import Tally

SECOND, START = 1_000_000_000, 1_790_000_000_000_000_000
FEES = (
    {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
     "fee_unit": "0.000001", "cash_unit": "0.0001"},
)  # fmt: skip


def pair_of(market, **terms):
    return make_pair(
        MarketTerms(
            market=market, venue="KALSHI", series="KXFED", event="KXFED-27JAN", title="Cut?",
            opens_ns=START - SECOND, closes_ns=START + 3600 * SECOND,
            price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),), fees=FEES,
            **({"known_ns": START - SECOND} | terms),
        )
    )  # fmt: skip


PAIR, OTHER_PAIR = pair_of("KXFED-27JAN-C"), pair_of("KXFED-27JAN-H")
YES, NO = PAIR.yes, PAIR.no
OUTCOME = Outcome("KXFED-27JAN-C-YES.KALSHI", "KXFED-27JAN-C.KALSHI", "KXFED-27JAN.KALSHI", "KALSHI")


def quote_at(now, bid="0.4800", ask="0.5200", instrument=YES):
    size = Quantity.from_str("500.00")
    return QuoteTick(instrument.id, Price.from_str(bid), Price.from_str(ask), size, size, now, now)


@dataclass
class ToyDesk:
    now: int = START
    cash: Decimal | None = Decimal(1000)
    believed: Belief | None = None
    quotes: dict = field(
        default_factory=lambda: {YES.id: quote_at(START), NO.id: quote_at(START, instrument=NO)}
    )
    instruments: dict = field(
        default_factory=lambda: {i.id: i for i in (YES, NO, OTHER_PAIR.yes, OTHER_PAIR.no)}
    )

    def now_ns(self):
        return self.now

    def instrument(self, instrument_id):
        return self.instruments.get(instrument_id)

    def quote(self, instrument_id):
        return self.quotes.get(instrument_id)

    def mark(self, instrument_id):
        quote = self.quotes.get(instrument_id)
        return None if quote is None else quote.bid_price.as_decimal()

    def belief(self, strategy_id, instrument_id):
        return self.believed

    def free_cash(self, venue):
        return self.cash


@dataclass
class ToyOrder:
    name: str
    side: OrderSide
    quantity: Quantity
    price: Price | None
    strategy: str = "toy-1"
    instrument_id: object = YES.id
    is_quote_quantity: bool = False
    is_post_only: bool = False
    filled_qty: Quantity = field(default_factory=lambda: Quantity.from_str("0.00"))

    @property
    def client_order_id(self):
        return ClientOrderId(self.name)

    @property
    def strategy_id(self):
        return StrategyId(self.strategy)


class Table:
    """A guardian at a desk, with orders and events that fit together."""

    def __init__(self, rules=(), cash="1000", **kwargs):
        self.desk = ToyDesk(cash=Decimal(cash))
        self.ledger = Ledger()
        self.ledger.deposit("KALSHI", Decimal(cash), START)
        self.guard = Guardian(rules, self.ledger, **kwargs)
        self.trades = 0

    def order(self, name, side, quantity, price, **kwargs):
        return ToyOrder(
            name,
            OrderSide.BUY if side == "buy" else OrderSide.SELL,
            Quantity.from_str(quantity),
            None if price is None else Price.from_str(price),
            **kwargs,
        )

    def ask(self, order, quantity=None, price=None):
        return self.guard.refuse(
            order,
            order.quantity if quantity is None else Quantity.from_str(quantity),
            order.price if price is None else Price.from_str(price),
            self.desk,
        )

    def ids(self, order):
        return TraderId("TOY-001"), StrategyId(order.strategy), order.instrument_id, order.client_order_id

    def filled(self, order, quantity, price, fee="0", trade_id=None, side=None):
        self.trades += 1
        return OrderFilled(
            *self.ids(order), VenueOrderId(f"V-{order.name}"), AccountId("KALSHI-001"),
            TradeId(trade_id or str(self.trades)), side or order.side, OrderType.LIMIT,
            Quantity.from_str(quantity), Price.from_str(price), USD, LiquiditySide.TAKER, UUID4(), self.desk.now,
            self.desk.now, reconciliation=False, commission=Money.from_decimal(Decimal(fee), USD),
            position_id=PositionId(f"P-{order.name}"),
        )  # fmt: skip

    def fill(self, order, quantity, price, fee="0", trade_id=None):
        self.guard.hear(self.filled(order, quantity, price, fee, trade_id), self.desk)

    def position_closed(self, order, quantity, price):
        """Close the order's position as a live engine settles it: an event that no fill came before."""
        end = self.filled(order, quantity, price, side=OrderSide.SELL)
        position = Position(
            self.desk.instruments[order.instrument_id], self.filled(order, quantity, "0.5000")
        )
        position.apply(end)
        self.guard.hear(PositionClosed.create(position, end, UUID4(), self.desk.now), self.desk)

    def void(self, order, trade_id, quantity, price, fee="0", *, is_reopened=False, correction="C-1"):
        event = OrderFillVoided(
            *self.ids(order), VenueOrderId(f"V-{order.name}"), AccountId("KALSHI-001"), correction,
            TradeId(trade_id), Quantity.from_str(quantity), order.side, OrderType.LIMIT, Price.from_str(price),
            USD, LiquiditySide.TAKER, UUID4(), self.desk.now, self.desk.now, reconciliation=False,
            is_reopened=is_reopened, commission_voided=Money.from_decimal(Decimal(fee), USD),
        )  # fmt: skip
        self.guard.hear(event, self.desk)

    def updated(self, order, quantity, price):
        event = OrderUpdated(
            *self.ids(order), Quantity.from_str(quantity), UUID4(), self.desk.now, self.desk.now,
            reconciliation=False, price=None if price is None else Price.from_str(price),
        )  # fmt: skip
        self.guard.hear(event, self.desk)

    def modify_rejected(self, order, reason):
        event = OrderModifyRejected(
            *self.ids(order), reason, UUID4(), self.desk.now, self.desk.now, reconciliation=False
        )
        self.guard.hear(event, self.desk)

    def done(self, order, how="canceled"):
        now = self.desk.now
        if how == "denied":
            event = OrderDenied(*self.ids(order), "no", UUID4(), now, now)
        elif how == "rejected":
            event = OrderRejected(
                *self.ids(order), AccountId("KALSHI-001"), "no", UUID4(), now, now, reconciliation=False
            )
        else:
            kind = {"canceled": OrderCanceled, "expired": OrderExpired}[how]
            event = kind(*self.ids(order), UUID4(), now, now, reconciliation=False)
        self.guard.hear(event, self.desk)

    def reserved(self):
        return self.guard.exposure.reserved.total


NOBODYS = Decimal("NaN")


@dataclass
class Stands:
    """A standing that says what it was told to, of what the sound proposal is about and of nothing else."""

    stake: Decimal = Decimal(0)
    event_stake: Decimal = Decimal(0)
    venue_stake: Decimal = Decimal(0)
    purse_stake: Decimal = Decimal(0)
    deployed: Decimal = Decimal(0)
    unreserved: Decimal = Decimal(1000)
    equity: Decimal = Decimal(1000)
    lost_today: Decimal = Decimal(0)
    high_water: Decimal = Decimal(1000)
    market_stake: Decimal = Decimal(0)
    lost_this_week: Decimal = Decimal(0)
    day_start: Decimal = Decimal(1000)
    scaled: Decimal = Decimal(1)
    mark: Decimal = Decimal("0.48")
    recent_mid: Decimal = Decimal("0.5")
    tally: Tally = field(default_factory=Tally)
    unsettled: dict = field(default_factory=dict)
    doubted_ns: dict = field(default_factory=dict)
    printed_ns: dict = field(default_factory=lambda: {"BRTI.CFBENCHMARKS": START})
    printed: dict = field(default_factory=dict)
    correlated: Decimal = Decimal(0)
    held: dict = field(default_factory=dict)

    def lots(self):
        return self.held

    def correlation(self, one, other, prior):
        return float(self.correlated)

    def signal_correlation(self, strategy, weight):
        return float(self.correlated)

    def market_stake_usd(self, market):
        return self.market_stake if market == OUTCOME.market else NOBODYS

    def lost_this_week_usd(self):
        return self.lost_this_week

    def day_start_usd(self):
        return self.day_start

    def scale(self):
        return self.scaled

    def mark_usd(self, instrument):
        return self.mark

    def recent_mid_usd(self, quote, window_ns):
        return self.recent_mid

    def stake_usd(self, instrument):
        return self.stake if instrument == OUTCOME.instrument else NOBODYS

    def event_stake_usd(self, event):
        return self.event_stake if event == OUTCOME.event else NOBODYS

    def venue_stake_usd(self, venue):
        return self.venue_stake if venue == OUTCOME.venue else NOBODYS

    def purse_stake_usd(self, purse):
        return self.purse_stake if purse == OUTCOME.purse else NOBODYS

    def deployed_usd(self):
        return self.deployed

    def unreserved_usd(self, venue):
        return self.unreserved if venue == OUTCOME.venue else NOBODYS

    def equity_usd(self):
        return self.equity

    def lost_today_usd(self):
        return self.lost_today

    def high_water_usd(self):
        return self.high_water


SOUND = Proposal(
    strategy="toy-1", instrument=OUTCOME.instrument, market=OUTCOME.market, event=OUTCOME.event, venue="KALSHI",
    side=OrderSide.BUY, quantity=Decimal(100), price=Decimal("0.40"), worst_case_usd=Decimal("40.01"),
    expected_fee_usd=Decimal("1.68"), is_reducing=False, belief=Belief(0.6, START), quote=quote_at(START),
    now_ns=START, free_cash_usd=Decimal(1000), grid=grid_of(YES), outcome=OUTCOME,
    whole_usd=Decimal("40.01"), is_change=False, is_marketable=False, closes_ns=START + 3600 * SECOND,
)  # fmt: skip


@pytest.fixture
def proposal():
    """A sound proposal, with what a test wants different."""
    return lambda **changes: replace(SOUND, **changes)


@pytest.fixture
def stands():
    return lambda **figures: Stands(
        **{name: Decimal(one) if isinstance(one, int | str) else one for name, one in figures.items()}
    )


@pytest.fixture(scope="session")
def table():
    return Table


@pytest.fixture
def toy():
    return SimpleNamespace(
        outcome=OUTCOME,
        start=START,
        second=SECOND,
        yes=YES,
        no=NO,
        other=OTHER_PAIR.yes,
        quote_at=quote_at,
        pair_of=pair_of,
        fees=FEES,
    )
