"""A catalog in memory, and one call that replays a book over it."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from nautilus_trader.model import CustomData

from simulation.generator import GeneratorSettings, generate
from system.backtest import Backtest, Plan
from system.event_log import EventLog
from system.feed import Feed, Pace, first_versions
from system.loading import load

QUARTER_NS = 900_000_000_000
SERIES = "kalshi:SYNBTC15M-*"


class MemoryCatalog:
    """Answers like `storage.reading.CatalogReader`, from lists."""

    def __init__(self, instruments, data):
        self._instruments = list(instruments)
        self._items = defaultdict(list)
        for item in data:
            is_fact = isinstance(item, CustomData)
            key = type(item.data) if is_fact else (type(item).__name__, item.instrument_id)
            self._items[key].append(item)
        self.first_ns = min(item.ts_init for item in data)
        self.last_ns = max(item.ts_init for item in data)

    def instruments(self):
        return self._instruments

    def deltas(self, instrument_id, start_ns, end_ns):
        return self._between(("OrderBookDelta", instrument_id), start_ns, end_ns)

    def quotes(self, instrument_id, start_ns, end_ns):
        return self._between(("QuoteTick", instrument_id), start_ns, end_ns)

    def trades(self, instrument_id, start_ns, end_ns):
        return self._between(("TradeTick", instrument_id), start_ns, end_ns)

    def facts(self, kind, start_ns, end_ns):
        return self._between(kind, start_ns, end_ns)

    def _between(self, key, start_ns, end_ns):
        return [item for item in self._items[key] if start_ns <= item.ts_init < end_ns]


def made_up(**settings):
    """Return a small synthetic catalog."""
    tapes = list(generate(GeneratorSettings(**({"markets": 2, "events_per_second": 1.0} | settings))))
    return MemoryCatalog(
        [instrument for tape in tapes for instrument in tape.instruments],
        [item for tape in tapes for item in tape.data],
    )


def strategy(path, name, **config):
    return {"strategy": path, "id": name, "config": config}


EDGE = strategy(
    "strategies.digital_edge:DigitalEdge", "edge-1",
    series=SERIES, oracle_source="SYNTH", min_edge=Decimal("0.01"), bankroll=1000, max_stake=100,
)  # fmt: skip
QUOTE = strategy(
    "strategies.passive_quote:PassiveQuote", "quote-2",
    series=SERIES, oracle_source="SYNTH", margin=Decimal("0.02"), contracts=10, max_contracts=50,
)  # fmt: skip
COIN = strategy("strategies.coin_flip:CoinFlip", "coin-3", series=SERIES, seed=1)
LIMITS = [
    {"rule": "risk.rules.sanity:PriceOnGrid", "config": {}},
    {"rule": "risk.rules.sanity:SufficientBalance", "config": {}},
    {"rule": "risk.rules.exposure:MaxStakePerOutcome", "config": {"limit": 200}},
]


def book(*strategies, risk=LIMITS, instruments=(SERIES,), **simulation):
    """Return a book as it would be read from a file."""
    return {
        "name": "test",
        "instruments": list(instruments),
        "strategies": list(strategies),
        "risk": list(risk),
        "simulation": simulation,
        "backtest": {"starting_usd": {"KALSHI": 1000}},
    }


def run(catalog, raw, *, log=None, pace=None, start_ns=None, end_ns=None):
    """Replay the book over the catalog and return the record; `log` gets the events' file."""
    markets = first_versions(catalog.instruments())
    plan = Plan(
        load(raw),
        Path("memory"),
        markets,
        catalog.first_ns if start_ns is None else start_ns,
        catalog.last_ns + 1 if end_ns is None else end_ns,
    )
    with EventLog(log) as events:
        return Backtest(plan, Feed(catalog, markets, pace or Pace()), events).run()
