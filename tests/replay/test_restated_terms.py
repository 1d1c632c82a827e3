"""What the strategies of the house do when a venue restates a market that they follow."""

from decimal import Decimal

import pytest
from nautilus_trader.model import InstrumentId
from stage import Stage
from toy import SECOND, START, book, market

from engine import Price, Usd
from markets.facts import Method, OraclePrice
from markets.names import Series
from strategies.digital_edge import DigitalEdge, DigitalEdgeConfig
from strategies.passive_quote import PassiveQuote, PassiveQuoteConfig

STRIKE = {"strike_type": "greater_or_equal", "floor_strike": Decimal(100), "averaging_secs": 1}
COMMON = {"series": Series("kalshi:KXFED-*"), "oracle_source": "COINBASE"}
STRATEGIES = {
    "edge": (
        DigitalEdge,
        DigitalEdgeConfig(**COMMON, min_edge=Price("0.01"), bankroll=Usd(20), max_stake=Usd(900)),
    ),
    "quote": (
        PassiveQuote,
        PassiveQuoteConfig(**COMMON, margin=Price("0.02"), contracts=10, max_contracts=50),
    ),
}


def prints(since, until):
    """Return an index that stands above the strike and hardly moves."""
    for at in range(since, until):
        now = START + at * SECOND
        words = {"source": "COINBASE", "symbol": "BTC-USD", "method": Method.SPOT}
        yield OraclePrice(ts_event=now, ts_init=now, value=Decimal(101) + Decimal(at % 2) / 100, **words)


def quotes(of, since, until):
    return [row for at in range(since, until) for row in book(0.48, 0.52, at + 0.5, of=of)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_order_follows_a_close_that_was_moved_to_now(name):
    cls, config = STRATEGIES[name]
    first = market(**STRIKE)
    with Stage(lambda seat: cls(config, seat), markets=(first,)) as stage:
        stage.play(quotes(first.yes, 0, 120), prints(0, 120))
        asked = len(stage.door._guard.asked)
        assert asked
        moved = market(**STRIKE, known_ns=START + 120 * SECOND, closes_ns=START + 121 * SECOND)
        stage.add(moved)
        stage.play(quotes(first.yes, 121, 160), prints(121, 160))
        assert len(stage.door._guard.asked) == asked
        assert stage.door.faults == {}
        assert stage.engine.cache.orders_open(instrument_id=InstrumentId.from_str(str(first.yes.id))) == []
