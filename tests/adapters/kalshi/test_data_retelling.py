"""What the lines of a recording of ours tell: the same, however they are portioned."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from kalshi_script import SECOND, START, A, B, Script, eventful, listing, row
from nautilus_trader.model import CustomData, OrderBookDelta, QuoteTick, TradeTick

from adapters.kalshi.data.retelling import Retelling
from markets.facts import Condition, DataGap, MarketPhase, MarketResolution, Phase, VenueCondition
from markets.live.story import BadLine
from storage.catalog import CatalogWriter


def told(script, drains=()):
    """Return all that a script tells, drained after the lines that `drains` names."""
    retelling = Retelling(strict=True)
    portions = []
    for number, line in enumerate(script.lines):
        retelling.take(line)
        if number in drains:
            portions.append(retelling.drain())
    return [*portions, retelling.finish()]


def plain(items):
    return [
        (type(one).__name__, (one.data if isinstance(one, CustomData) else one).to_dict()) for one in items
    ]


def facts(portions, kind):
    return [
        one.data
        for portion in portions
        for one in portion.data
        if isinstance(one, CustomData) and isinstance(one.data, kind)
    ]


def of(portions, kind):
    return [one for portion in portions for one in portion.data if isinstance(one, kind)]


@settings(max_examples=30, deadline=None)
@given(some.sets(some.integers(0, 30)))
def test_the_same_is_told_however_it_is_portioned(drains):
    script = eventful()
    whole, portions = told(script), told(script, drains)
    assert sorted(plain(of(portions, object)), key=str) == sorted(plain(whole[0].data), key=str)
    ids = [(str(one.id), one.ts_init) for portion in portions for one in portion.instruments]
    assert ids == [(str(one.id), one.ts_init) for one in whole[0].instruments]
    for kind in (OrderBookDelta, QuoteTick, TradeTick):
        for instrument in {one.instrument_id for one in of(portions, kind)}:
            rows = [plain([one]) for one in of(portions, kind) if one.instrument_id == instrument]
            assert rows == [plain([one]) for one in of(whole, kind) if one.instrument_id == instrument]


@settings(max_examples=8, deadline=None)
@given(some.sets(some.integers(0, 30), min_size=3))
def test_every_portion_fits_a_catalog_that_holds_the_ones_before(tmp_path_factory, drains):
    root = tmp_path_factory.mktemp("catalog")
    for portion in told(eventful(), drains):
        if portion.data or portion.instruments:
            with CatalogWriter(root) as writer:
                writer.write(portion.instruments, portion.data)


def test_an_action_is_told_whole_and_once():
    (portion,) = told(eventful())
    groups, group = [], []
    for one in portion.data:
        if isinstance(one, OrderBookDelta) and str(one.instrument_id).startswith(A):
            group.append(one)
            if one.flags & 128:
                groups.append([str(part.order.price) for part in group])
                group = []
    assert group == []
    assert ["0.4500", "0.4600"] in groups


def test_the_rest_of_an_action_that_came_late_is_told_by_itself_as_it_was_live():
    script = Script()
    script.note("listing", listing(), 1)
    script.snapshot(2)
    script.delta(3, clock=3.0)
    script.delta(3.00001, price="0.4600", clock=3.0)
    script.delta(3.05, price="0.4700", clock=3.0)
    script.delta(3.1, price="0.4800", clock=3.1)
    tops = [(str(one.bid_price), one.ts_init - START) for one in of(told(script), QuoteTick)]
    assert tops[1:4] == [("0.4600", 3_000_010_000), ("0.4700", 3_050_000_000), ("0.4800", 3_100_000_000)]


def test_lost_frames_connections_and_watchers_are_gaps():
    gaps = facts(told(eventful()), DataGap)
    seen = [(one.market, (one.ts_event - START) / SECOND, (one.until_ns - START) / SECOND) for one in gaps]
    assert seen == [(A, 4.5, 6.0), (B, 4.5, 9.0), (A, 6.5, 12.0), (B, 30.0, 900.0)]
    reasons = [one.reason.partition(":")[0] for one in gaps]
    assert reasons == ["expected seq 7, found 8"] * 2 + ["no connection", "nobody watches the book any more"]


def test_a_life_is_told_by_clock_rest_and_stream():
    portions = told(eventful())
    phases = [(one.market, one.phase) for one in facts(portions, MarketPhase)]
    assert phases[:4] == [(A, Phase.OPEN), (B, Phase.PENDING), (A, Phase.PAUSED), (A, Phase.OPEN)]
    assert phases[4:6] == [(B, Phase.OPEN), (A, Phase.CLOSED)]
    assert [(one.payout, one.is_final) for one in facts(portions, MarketResolution)] == [
        (1, False),
        (1, True),
    ]
    assert [str(one.trade_id) for one in of(portions, TradeTick)] == ["t1", "t2", "t3"]


def test_how_the_venue_works_is_told_by_ends_looks_and_trouble():
    script = eventful()
    script.note("trouble", {"what": "a list"}, 910)
    told_of = [(one.condition, (one.ts_init - START) / SECOND) for one in facts(told(script), VenueCondition)]
    assert told_of == [
        (Condition.DOWN, 8),
        (Condition.NORMAL, 9.5),
        (Condition.API_ERROR, 910),
    ]


def test_time_never_goes_back():
    script = Script()
    script.note("listing", listing(), 1)
    script.snapshot(5)
    script.trade(4, 1)
    script.trade(6, 2)
    retelling = Retelling(strict=True)
    for line in script.lines:
        retelling.take(line)
    assert [(one.ts_init - START) // SECOND for one in of([retelling.finish()], TradeTick)] == [5, 6]


def test_a_book_that_stays_crossed_is_lost_after_a_second():
    script = Script()
    script.note("listing", listing(), 1)
    script.snapshot(2)
    script.delta(3, price="0.6500", clock=3.0)
    script.trade(3.5, 1)
    script.trade(4.5, 2)
    script.snapshot(5)
    script.delta(6, clock=6.0)
    portions = told(script)
    assert all(quote.bid_price < quote.ask_price for quote in of(portions, QuoteTick))
    first, last = facts(portions, DataGap)
    assert (first.ts_event - START, first.until_ns - START) == (4.5 * SECOND, 5 * SECOND)
    assert last.reason == "the recording ends"


def test_blindness_of_the_recorder_is_a_gap_from_the_first_lost_line_on():
    script = Script()
    script.note("listing", listing(), 1)
    script.snapshot(2)
    script.delta(3, clock=3.0)
    script.note("blind", {"since_ns": START + 4 * SECOND, "lost": 9}, 6)
    script.snapshot(7, skip=9)
    first, _ = facts(told(script), DataGap)
    assert (first.ts_event - START, first.until_ns - START) == (4 * SECOND, 7 * SECOND)
    assert first.reason == "the recorder was blind"


def test_the_next_run_ends_what_the_one_before_left_open():
    script = Script()
    script.note("listing", listing(), 1)
    script.snapshot(2)
    script.delta(3, clock=3.0)
    script.head("run-2", 50)
    script.note("listing", listing(), 51)
    script.seq = 0
    script.snapshot(52)
    script.delta(53, clock=53.0)
    portions = told(script)
    first, last = facts(portions, DataGap)
    assert (first.ts_event - START, first.until_ns - START) == (3 * SECOND, 52 * SECOND)
    assert (last.ts_event - START, last.until_ns - START) == (53 * SECOND, 900 * SECOND)
    assert {one.reason for one in (first, last)} == {"the recording ends"}
    assert len(portions[0].instruments) == 2  # the second listing said nothing new


def test_terms_that_change_issue_both_sides_anew():
    script = Script()
    script.note("listing", listing(), 1)
    script.note("row", row(floor_strike=Decimal("69000.00")), 3)
    script.note("row", row(floor_strike=Decimal("69000.00")), 4)
    (portion,) = told(script)
    assert [(str(one.id), one.ts_init - START) for one in portion.instruments] == [
        (f"{A}-YES.KALSHI", SECOND),
        (f"{A}-NO.KALSHI", SECOND),
        (f"{A}-YES.KALSHI", 3 * SECOND),
        (f"{A}-NO.KALSHI", 3 * SECOND),
    ]
    assert portion.instruments[-1].info["floor_strike"] == "69000.00"


def test_a_line_that_cannot_be_used_is_named_and_the_rest_is_told():
    script = eventful()
    script.lines.insert(8, b'{"recv_ns": 5, "epoch": 1, "frame": {"type": "trade", "msg": {}}}')
    script.lines.insert(9, b"no json")
    retelling = Retelling()
    for line in script.lines:
        retelling.take(line)
    assert [number for number, _ in retelling.problems] == [9, 10]
    assert len(of([retelling.finish()], TradeTick)) == 3
    with pytest.raises(BadLine, match="line 1"):
        Retelling(strict=True).take(b"no json")
