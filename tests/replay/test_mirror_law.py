"""A scenario and its mirror: what YES earns in one world, NO earns in the world turned over."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nautilus_trader.model import CustomData, OrderBookDelta, QuoteTick
from tapes import SERIES, MemoryCatalog, book, made_up, run, strategy

from markets.facts import MarketResolution
from markets.mirror import Mirror

ACTS = st.lists(
    st.tuples(
        st.floats(1, 880, allow_nan=False), st.sampled_from(["take", "rest", "dump"]), st.integers(1, 400)
    ),
    min_size=1,
    max_size=6,
)


def turned_over(catalog):
    """Return the world in which every YES is a NO: the book mirrored, the payout turned round."""
    mirror = Mirror()
    items = []
    for found in catalog._items.values():
        for item in found:
            if isinstance(item, CustomData):
                fact = item.data
                if isinstance(fact, MarketResolution):
                    item = msgspec.structs.replace(fact, payout=1 - fact.payout).as_data()
                items.append(item)
            elif isinstance(item, OrderBookDelta):
                items.append(mirror.delta(item, item.instrument_id))
            elif isinstance(item, QuoteTick):
                items.append(mirror.quote(item, item.instrument_id))
            else:
                items.append(mirror.trade(item, item.instrument_id))
    return MemoryCatalog(catalog.instruments(), items)


@pytest.fixture(scope="module")
def worlds():
    world = made_up(markets=2, events_per_second=2.0, seed=23)
    return world, turned_over(world)


def play(catalog, outcome, acts, **simulation):
    raw = book(
        strategy("acting:Actor", "actor-1", series=SERIES, outcome=outcome, acts=acts), risk=[], **simulation
    )
    return run(catalog, raw)


def signature(record):
    """Return what happened, without the names of the sides."""
    return (
        record.facts.ledger_net_usd,
        [
            (fill.ts_ns, fill.side, fill.quantity, fill.price, fill.fee_usd, fill.is_taker)
            for fill in record.fills
        ],
        [(end.ts_ns, end.payout, end.quantity, end.realized_usd) for end in record.settlements],
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, queue=st.booleans(), latency_ms=st.sampled_from([0, 50, 400]))
def test_yes_in_a_world_earns_what_no_earns_in_its_mirror(worlds, acts, queue, latency_ms):
    world, mirrored = worlds
    model = {"queue_position": queue, "latency_ms": latency_ms}
    assert signature(play(world, "YES", acts, **model)) == signature(play(mirrored, "NO", acts, **model))


def test_the_law_speaks_of_fills_on_both_sides_of_the_book(worlds):
    acts = [(60.0, "take", 30), (90.0, "rest", 50), (400.0, "dump", 20), (600.0, "take", 400)]
    for catalog, outcome in zip(worlds, ("YES", "NO"), strict=True):
        record = play(catalog, outcome, acts)
        assert {fill.is_taker for fill in record.fills} == {True, False}
        assert {fill.side for fill in record.fills} == {"BUY", "SELL"}
        assert record.settlements


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contracts=st.integers(1, 40), at=st.floats(60, 700))
def test_buying_both_sides_costs_the_spread_and_the_fees_whatever_the_result(worlds, contracts, at):
    world, _ = worlds
    acts = [(at, "take", contracts)]
    raw = book(
        strategy("acting:Actor", "yes-1", series=SERIES, outcome="YES", acts=acts),
        strategy("acting:Actor", "no-2", series=SERIES, outcome="NO", acts=acts),
        risk=[], latency_ms=0,
    )  # fmt: skip
    record = run(world, raw)
    held: dict[str, dict[str, Decimal]] = {}
    for fill in record.fills:
        sides = held.setdefault(fill.market, {"YES": Decimal(0), "NO": Decimal(0)})
        sides[fill.outcome] += fill.quantity
    paid = sum((fill.quantity * fill.price + fill.fee_usd for fill in record.fills), Decimal(0))
    if all(sides["YES"] == sides["NO"] for sides in held.values()):
        pairs = sum((sides["YES"] for sides in held.values()), Decimal(0))
        assert record.facts.ledger_net_usd == pairs - paid
        assert record.facts.ledger_net_usd <= 0
