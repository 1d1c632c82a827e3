"""A contract and fills of it, for tests of our execution client that need no venue."""

from decimal import Decimal

from nautilus_trader.model import ClientOrderId, InstrumentId

from adapters.kalshi.execution.statements import FillStatement
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import Contract
from markets.instruments import PriceRange
from markets.ticks import PriceGrid
from pricing.fees import FeeSchedule, FeeTerms

NOW_NS = 1_790_000_000_000_000_000
TICKER = "KXBTC15M-A-45"
TAPERED = [("0", "0.1", "0.001"), ("0.1", "0.9", "0.01"), ("0.9", "1", "0.001")]


def contract(leg="YES", shard=2):
    terms = FeeTerms(
        since_ns=0,
        taker_rate=Decimal("0.07"),
        maker_rate=Decimal(0),
        exponent=1,
        fee_unit=Decimal("0.000001"),
        cash_unit=Decimal("0.0001"),
    )
    grid = PriceGrid([PriceRange(*map(Decimal, part)) for part in TAPERED])
    name = InstrumentId.from_str(f"{TICKER}-{leg}.KALSHI")
    return Contract(name, TICKER, leg, shard, grid, FeeSchedule((terms,)))


def make_ticket(on, name, side, yes_price, contracts, **known):
    return Ticket(
        contract=on,
        instrument_id=on.instrument_id,
        client_order_id=ClientOrderId(name),
        side=side,
        yes_price=Decimal(yes_price),
        contracts=Decimal(contracts),
        **known,
    )


def fill(number, side, contracts, order_id="V-1", at_ns=None):
    return FillStatement(
        trade_id=f"T-{number}",
        order_id=order_id,
        client_order_id=None,
        ticker=TICKER,
        side=side,
        yes_price=Decimal("0.4"),
        contracts=Decimal(contracts),
        fee_usd=Decimal(0),
        is_taker=True,
        at_ns=number if at_ns is None else at_ns,
    )
