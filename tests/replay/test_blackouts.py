"""In a gap nothing is known, so nothing trades: shown through the engine."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    TradeId,
    TradeTick,
)
from tapes import SERIES, book, made_up, run, strategy

from markets.facts import DataGap
from simulation.blackouts import Blackouts, Seen
from simulation.messages import levels_after, snapshot
from system.feed import Pace

SECOND = 1_000_000_000
RESTS = 100.0


def holed(since_secs, until_secs, *, has_whole_book=True, prints=()):
    """One market with a gap; a recorder that still heard the prints, and the whole book at the end of the gap."""
    catalog = made_up(markets=1, events_per_second=2.0)
    items = catalog._items
    yes = next(one for one in catalog.instruments() if one.info["outcome"] == "YES")
    since_ns, until_ns = (yes.activation_ns + secs * SECOND for secs in (since_secs, until_secs))
    deltas = items["OrderBookDelta", yes.id]
    whole = snapshot(yes.id, levels_after(one for one in deltas if one.ts_init < until_ns), until_ns)
    if has_whole_book:
        items["OrderBookDelta", yes.id] = sorted([*deltas, *whole], key=lambda one: one.ts_init)
    lowest = Price(0.01, 4)
    for secs in prints:
        at_ns = yes.activation_ns + round(secs * SECOND)
        sale = TradeTick(
            yes.id, lowest, Quantity(10_000, 2), AggressorSide.SELL, TradeId(f"P{secs}"), at_ns, at_ns
        )
        items["TradeTick", yes.id].append(sale)
    items["TradeTick", yes.id].sort(key=lambda one: one.ts_init)
    gap = DataGap(
        ts_event=since_ns, ts_init=since_ns, venue="KALSHI", series="SYNBTC15M",
        market=yes.info["market"], until_ns=until_ns, reason="test",
    )  # fmt: skip
    items[DataGap].append(gap.as_data())
    return catalog, since_ns, until_ns


def resting(*acts):
    return strategy("acting:Actor", "actor-1", series=SERIES, outcome="YES", acts=list(acts))


@pytest.mark.parametrize("window_secs", [7, 60, 3600])
def test_a_resting_order_is_not_filled_by_a_print_in_the_dark_and_is_by_one_after_it(window_secs):
    pace = Pace(first_ns=window_secs * SECOND, longest_ns=window_secs * SECOND)
    act = (RESTS, "rest", 5)
    seen, since_ns, _ = holed(700, 710, prints=[104.0])
    (fill,) = run(seen, book(resting(act), risk=[]), pace=pace).fills
    assert fill.ts_ns < since_ns
    dark, _, until_ns = holed(103, 200, prints=[104.0, 150.0, 250.0])
    record = run(dark, book(resting(act), risk=[]), pace=pace)
    (fill,) = record.fills
    assert fill.ts_ns >= until_ns


def test_nothing_can_be_taken_from_a_book_in_the_dark():
    acts = [(130.0, "take", 1), (250.0, "take", 1)]
    dark, _, until_ns = holed(120, 200)
    record = run(dark, book(resting(*acts), risk=[]))
    assert record.fills
    assert all(fill.ts_ns >= until_ns for fill in record.fills)


def test_a_book_that_never_comes_back_whole_stays_dark():
    dark, _, _ = holed(103, 200, has_whole_book=False, prints=[150.0, 250.0, 400.0])
    acts = [(RESTS, "rest", 5), (300.0, "take", 1)]
    assert run(dark, book(resting(*acts), risk=[])).fills == []


def test_a_replay_that_begins_in_the_dark_sees_no_book_before_the_whole_one():
    dark, since_ns, until_ns = holed(120, 200, prints=[150.0])
    acts = [(130.0, "take", 1), (130.0, "rest", 5), (250.0, "take", 1)]
    record = run(dark, book(resting(*acts), risk=[]), start_ns=since_ns + 10 * SECOND)
    assert record.fills
    assert all(fill.ts_ns >= until_ns for fill in record.fills)


TIMES = some.integers(1, 60)


@settings(deadline=None)
@given(
    some.lists(some.tuples(TIMES, TIMES).map(sorted), max_size=4),
    some.sets(TIMES),
    some.sets(some.integers(2, 59), max_size=4),
)
def test_how_time_is_cut_into_windows_changes_nothing(gaps, wholes, cuts):
    yes = made_up(markets=1).instruments()[0].id
    deltas = [
        snapshot(yes, {}, at)[0]
        if at in wholes
        else OrderBookDelta(
            yes, BookAction.UPDATE, snapshot(yes, {(OrderSide.BUY, Price(0.5, 4)): Quantity(at, 2)}, at)[1].order,
            128, 0, at, at,
        )
        for at in range(1, 61)
    ]  # fmt: skip
    gaps = sorted((since, until) for since, until in gaps if since < until)

    def cut(*edges):
        blackouts, left = Blackouts(), []
        for start, end in itertools.pairwise(edges):
            for since, until in gaps:
                if start <= since < end:
                    blackouts.add(since, until)
            left += blackouts.cut(Seen([one for one in deltas if start <= one.ts_init < end], [], [])).deltas
        return [one.ts_init for one in left]

    once = cut(0, 61)
    assert cut(0, *sorted(cuts), 61) == once
    for since, until in gaps:
        assert [at for at in once if since < at < until] == []
        after = next((at for at in range(until, 61) if at in wholes), 61)
        assert [at for at in once if since < at < after] == []
