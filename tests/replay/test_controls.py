"""The negative controls: one must lose what trading costs, the other must win what nobody can."""

from decimal import Decimal

import pytest
from tapes import SERIES, book, made_up, run, strategy

from research.profit import measure_profit
from simulation.generator import GeneratorSettings, generate
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader
from strategies.coin_flip import comes_up_heads


@pytest.fixture(scope="module")
def catalog():
    return made_up(markets=8, events_per_second=1.0, seed=3)


def markets_of(catalog):
    return sorted({f"{one.info['market']}.{one.id.venue}" for one in catalog.instruments()})


def opposite_seeds(markets):
    """Return two seeds whose tosses differ in every market."""
    tosses = {seed: tuple(comes_up_heads(seed, market) for market in markets) for seed in range(4096)}
    by_toss = {toss: seed for seed, toss in tosses.items()}
    return next(
        (seed, by_toss[turned])
        for toss, seed in by_toss.items()
        if (turned := tuple(not heads for heads in toss)) in by_toss
    )


def test_over_both_sides_of_the_coin_it_loses_exactly_spread_and_fees(catalog):
    records = [
        run(catalog, book(strategy("strategies.coin_flip:CoinFlip", "coin-1", series=SERIES, seed=seed), risk=[], latency_ms=0))
        for seed in opposite_seeds(markets_of(catalog))
    ]  # fmt: skip
    fills = [fill for record in records for fill in record.fills]
    sides = {(fill.market, fill.outcome) for fill in fills}
    both = {market for market, outcome in sides if (market, "YES") in sides and (market, "NO") in sides}
    bought = {
        side: sum((one.quantity for one in fills if (one.market, one.outcome) == side), Decimal(0))
        for side in sides
    }
    even = {market for market in both if bought[market, "YES"] == bought[market, "NO"]}
    assert len(even) >= 6
    lines = [line for record in records for line in measure_profit(record).lines if line.fill.market in even]
    net = sum((line.net_usd for line in lines), Decimal(0))
    fees = sum((line.fill.fee_usd for line in lines), Decimal(0))
    spreads = sum((line.fill.quantity * line.fill.price for line in lines), Decimal(0)) - sum(
        (bought[market, "YES"] for market in even), Decimal(0)
    )
    assert net == -(spreads + fees)
    assert fees > 0
    assert spreads > 0


def test_the_leak_wins_every_market(tmp_path):
    root = tmp_path / "catalog"
    with CatalogWriter(root) as writer:
        for tape in generate(GeneratorSettings(seed=3, markets=8, events_per_second=1.0)):
            writer.write(tape.instruments, tape.data)
    leak = strategy("strategies.oracle_leak:OracleLeak", "leak-1", series=SERIES, catalog=str(root))
    record = run(CatalogReader(root), book(leak, risk=[]))
    assert len(record.settlements) == 8
    assert {end.payout for end in record.settlements} == {Decimal(1)}
