"""A recording told again: what the live client told, and the same however it is portioned."""

import base64
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from nautilus_trader.model import BookAction, CustomData, OrderBookDelta, QuoteTick, TradeTick
from node_scene import play
from polymarket_samples import SECOND, START, gamma_market, listing
from true_books import Stage

from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.retelling import Retelling
from markets.facts import (
    Condition,
    DataGap,
    MarketPhase,
    MarketResolution,
    OraclePrice,
    Phase,
    VenueCondition,
)
from markets.live.story import BadLine
from storage.catalog import CatalogWriter
from storage.coverage import coverage

T0 = (START + 10) * SECOND
OPENING = ([("0.4", "10"), ("0.39", "20.5")], [("0.6", "30"), ("0.61", "40.000001")])


class Script:
    """Writes lines as a recorder of a live client does; times are in milliseconds after T0."""

    def __init__(self):
        row = gamma_market(conditionId="0xc0c6", clobTokenIds='["1", "2"]')
        self.stage, self.lines = Stage("0xc0c6", ("1", "2")), []
        self.row = row
        self.note(0, "proving", Proving(every_ns=0, patience_ns=SECOND))
        self.note(0, "listing", listing(row))

    def line(self, at, **more):
        said = {"recv_ns": T0 + at * 1_000_000, "epoch": 1} | more
        self.lines.append(msgspec.json.encode(said))

    def note(self, at, kind, said):
        self.line(at, control=kind, info=said)

    def frame(self, at, *messages, epoch=1):
        plain = [msgspec.to_builtins(one) for one in messages]
        self.line(at, frame=plain if len(plain) > 1 else plain[0], epoch=epoch)

    def open(self, at):
        self.frame(at, *self.stage.messages(*OPENING, START * 1000 + at))

    def change(self, at, *levels, is_lost=False):
        message = self.stage.change(*levels, at_ms=START * 1000 + at)
        if not is_lost:
            self.frame(at, message)

    def books(self, at):
        self.note(at, "books", self.stage.answers())


def eventful():
    script = Script()
    script.note(1, "alive", None)
    script.open(5)
    script.change(10, ("BUY", "0.41", "5"))
    script.change(12, ("SELL", "0.6", "0"))
    said = {
        "event_type": "last_trade_price",
        "market": "0xc0c6",
        "asset_id": "2",
        "price": "0.4",
        "size": "1.5",
    }
    script.line(13, frame=said | {"side": "BUY", "timestamp": str(START * 1000 + 13)})
    script.change(20, ("BUY", "0.2", "7"), is_lost=True)
    script.change(30, ("BUY", "0.42", "1"))
    script.change(1100, ("BUY", "0.42", "2"))  # overdue with its proof
    script.books(1200)
    script.change(1300, ("BUY", "0.42", "3"))
    script.note(1400, "down", {"tokens": ["1", "2"], "reason": "a test"})
    script.open(1500)
    price = {"topic": "crypto_prices_chainlink", "type": "update", "timestamp": 1}
    payload = {"symbol": "btc/usd", "timestamp": START * 1000, "value": 6.5}
    script.line(1600, frame=price | {"payload": payload}, epoch=900_000_001)
    script.line(1601, base64=base64.b64encode(b"PONG").decode(), epoch=900_000_001)
    script.note(1700, "trouble", {"what": "a list"})
    tick = {"event_type": "tick_size_change", "market": "0xc0c6", "asset_id": "1", "new_tick_size": "0.001"}
    script.line(1800, frame=tick | {"timestamp": str(START * 1000)})
    closed = msgspec.structs.replace(
        script.row, closed=True, outcome_prices='["0", "1"]', accepting_orders=False
    )
    script.note(400_000, "row", closed)
    return script


def told(script, drains=()):
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
    data = [one for portion in portions for one in portion.data]
    return [one.data for one in data if isinstance(one, CustomData) and isinstance(one.data, kind)]


def of(portions, kind):
    return [one for portion in portions for one in portion.data if isinstance(one, kind)]


def test_an_eventful_recording_tells_books_gaps_trades_prices_and_the_result():
    portions = told(eventful())
    kinds = Counter(type(one).__name__ for portion in portions for one in portion.data)
    assert kinds["TradeTick"] == 1
    gaps = facts(portions, DataGap)
    assert [one.reason[:12] for one in gaps] == ["expected the", "no connection"[:12]]
    assert [(one.ts_event - T0) // 1_000_000 for one in gaps] == [1100, 1300]
    assert [(one.until_ns - T0) // 1_000_000 for one in gaps] == [1200, 1500]
    clears = [one for one in of(portions, OrderBookDelta) if one.action == BookAction.CLEAR]
    assert len(clears) == 6  # three whole books, three that are blank
    quotes = [(str(one.bid_price), str(one.ask_price)) for one in of(portions, QuoteTick)]
    assert quotes[:3] == [("0.4000", "0.6000"), ("0.4100", "0.6000"), ("0.4100", "0.6100")]
    assert [one.condition for one in facts(portions, VenueCondition)] == [
        Condition.DOWN,
        Condition.API_ERROR,
    ]
    (resolution,) = facts(portions, MarketResolution)
    assert resolution.payout == 0
    assert facts(portions, MarketPhase)[-1].phase is Phase.SETTLED
    assert str(facts(portions, OraclePrice)[0].value) == "6.5"
    steps = [one.info["price_ranges"][0]["step"] for portion in portions for one in portion.instruments]
    assert steps == ["0.01", "0.01", "0.001", "0.001"]


@settings(max_examples=25, deadline=None)
@given(some.sets(some.integers(0, 25)))
def test_the_same_is_told_however_it_is_portioned(drains):
    script = eventful()
    whole, portions = told(script), told(script, drains)
    assert sorted(plain(of(portions, object)), key=str) == sorted(plain(whole[0].data), key=str)
    for kind in (OrderBookDelta, QuoteTick, TradeTick):
        assert plain(of(portions, kind)) == plain(of(whole, kind))


@settings(max_examples=6, deadline=None)
@given(some.sets(some.integers(0, 25), max_size=4))
def test_a_catalog_takes_the_portions_as_they_come(tmp_path_factory, drains):
    folder = tmp_path_factory.mktemp("catalog")
    for portion in told(eventful(), drains):
        with CatalogWriter(folder) as writer:
            writer.write(portion.instruments, portion.data)
    (market, *_) = coverage(folder).markets
    assert market.is_resolved


def test_a_line_that_cannot_be_used_is_named_or_ends_a_strict_reading():
    script = Script()
    script.line(5, frame={"event_type": "book", "market": "0xc0c6"})
    script.note(6, "unheard", None)
    retelling = Retelling()
    for line in script.lines:
        retelling.take(line)
    assert [number for number, _ in retelling.problems] == [3, 4]
    strict = Retelling(strict=True)
    with pytest.raises(BadLine, match="line 1"):
        strict.take(b"{")


def lines_of(scene):
    """Return what a recorder would have written: frames and notes in the order of their times."""
    kept = [
        (ns, {"recv_ns": ns, "epoch": epoch, "frame": msgspec.Raw(raw)}) for raw, ns, epoch in scene.tapped
    ]
    kept += [(ns, {"recv_ns": ns, "control": kind, "info": said}) for kind, said, ns in scene.notes]
    return [msgspec.json.encode(one) for _, one in sorted(kept, key=lambda one: one[0])]


def test_what_a_live_client_told_is_what_its_recording_tells():
    async def scene(on):
        await on.with_book()
        for size in range(1, 30):
            await on.change(("BUY", "0.41", str(size)), ("SELL", "0.6", str(60 - size)))
        await on.change(("BUY", "0.2", "7"), is_lost=True)
        await on.change(("BUY", "0.42", "5"))
        await on.until(lambda: on.ear.of("DataGap"))
        await on.change(("BUY", "0.43", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4300")
        retelling = Retelling(strict=True)
        for line in lines_of(on):
            retelling.take(line)
        again = retelling.finish().data
        yes = on.side(0)
        heard = [str(one.order) for group in on.ear.of("OrderBookDeltas", yes) for one in group.deltas]
        retold = [str(one.order) for one in again if isinstance(one, OrderBookDelta)]
        assert retold[: len(heard)] == heard  # the end of the recording blanks the book once more
        quotes = [one.to_dict() for one in again if isinstance(one, QuoteTick)]
        assert (
            quotes[: len(on.ear.of("QuoteTick", yes)) - 1][5:20]
            == [one.to_dict() for one in on.ear.of("QuoteTick", yes)][5:20]
        )

    play(scene, is_recorded=True)
