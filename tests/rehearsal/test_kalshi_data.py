"""The live data client in a node, against the venue double."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from nautilus_trader.common import DataActor, Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveNode, LiveNodeConfig
from nautilus_trader.model import (
    BookType,
    InstrumentId,
    MarketStatusAction,
    OrderBook,
    RecordFlag,
    TraderId,
    Venue,
)
from wire_between import Wire

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from markets.facts import DataGap, MarketPhase, MarketResolution, Phase, TradeProvenance
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings

SERIES, KALSHI = "KXBTC15M", Venue("KALSHI")
A, B = "KXBTC15M-A-45", "KXBTC15M-B-00"
SECOND = 10**9
PACE = Pace(discovery_secs=0.3, settlement_secs=0.4, stale_list_secs=0.0)


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def side(market, outcome="YES"):
    return InstrumentId.from_str(f"{market}-{outcome}.KALSHI")


class Ear(DataActor):
    """Subscribes to everything of every market that it hears of, and keeps it in order."""

    def __init__(self):
        super().__init__()
        self.heard, self.books, self.met, self.answers = [], {}, Counter(), []

    def on_start(self):
        self.subscribe_instruments(KALSHI)
        for kind in (MarketPhase, MarketResolution, DataGap):
            self.subscribe_data(kind.data_type(f"{SERIES}.KALSHI"))
        for instrument in self.cache.instruments(KALSHI):
            self.on_instrument(instrument)

    def on_instrument(self, instrument):
        self.met[instrument.id] += 1
        self.heard.append(instrument)
        if self.met[instrument.id] > 1:
            return
        self.books[instrument.id] = OrderBook(instrument.id, BookType.L2_MBP)
        self.subscribe_book_deltas(instrument.id, BookType.L2_MBP)
        self.subscribe_quotes(instrument.id)
        self.subscribe_trades(instrument.id)
        self.subscribe_instrument_status(instrument.id)
        self.subscribe_instrument_close(instrument.id)
        self.subscribe_data(TradeProvenance.data_type(str(instrument.id)))

    def on_book_deltas(self, deltas):
        self.books[deltas.instrument_id].apply_deltas(deltas)
        self.heard.append(deltas)

    def on_quote(self, quote):
        self.heard.append(quote)

    def on_trade(self, trade):
        self.heard.append(trade)

    def on_instrument_status(self, status):
        self.heard.append(status)

    def on_instrument_close(self, close):
        self.heard.append(close)

    def on_data(self, data):
        self.heard.append(data.data)

    def on_historical_trades(self, trades):
        self.answers.append(("trades", trades))

    def on_book(self, book):
        self.answers.append(("book", book))

    def of(self, kind, instrument_id=None):
        """Return what was heard of one kind, by the name of its class."""
        return [
            one
            for one in self.heard
            if type(one).__name__ == kind and instrument_id in (None, getattr(one, "instrument_id", None))
        ]

    def levels(self, instrument_id):
        book = self.books[instrument_id]
        return [
            [(str(level.price), f"{level.size():.2f}") for level in levels]
            for levels in (book.bids(), book.asks())
        ]


class Rehearsal:
    """A double with market A open, and a node that follows the series."""

    def __init__(self, double, urls, wire):
        self.double, self.urls, self.wire = double, urls, wire
        self.ear = Ear()
        self.clients = []

    def list(self, ticker, opens_ns, closes_ns, **facts):
        event = ticker.rpartition("-")[0]
        known = {"strike_type": "greater_or_equal", "floor_strike": 68000.0} | facts
        ladder = "tapered_deci_cent"
        listing = Listing(ticker, event, SERIES, opens_ns, closes_ns, ladder, exchange_index=2, facts=known)
        self.double.control.list_market(listing)

    def rest(self, market, book_side, price, count):
        self.double.control.trade_as("crowd", market, book_side, price, count)

    def take(self, market, book_side, price, count):
        self.double.control.trade_as("taker", market, book_side, price, count)

    @property
    def client(self):
        return self.clients[0]

    async def until(self, condition, secs=20.0):
        try:
            async with asyncio.timeout(secs):
                while not condition():
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.005)  # what is told together is heard one after another
        except TimeoutError:
            kinds = Counter(type(one).__name__ for one in self.ear.heard)
            books = {str(one): self.ear.levels(one) for one in self.ear.books}
            pytest.fail(f"heard {kinds}, counted {self.client.counts}, books {books}")

    async def with_book(self, *markets, secs=20.0):
        """Wait until the books of both sides of these markets have come."""
        wanted = [side(one, outcome) for one in markets or (A,) for outcome in ("YES", "NO")]
        await self.until(lambda: all(self.ear.of("OrderBookDeltas", one) for one in wanted), secs)


@pytest.fixture
def rehearse(monkeypatch):
    def play(scene, *, lasts_secs=60.0):
        asyncio.run(_bounded(monkeypatch, scene, lasts_secs))

    return play


async def _bounded(monkeypatch, scene, lasts_secs):
    async with asyncio.timeout(9), _rehearsal(monkeypatch, lasts_secs) as rehearsal:
        await scene(rehearsal)


@asynccontextmanager
async def _rehearsal(monkeypatch, lasts_secs):
    double = KalshiDouble(KalshiSettings(tier="premier"), seed=7, now_ns=now_ns, plan=FaultPlan())
    urls = await double.start()
    async with (
        Wire(urls.socket).laid() as wire,
        _played(monkeypatch, double, urls, wire, lasts_secs) as rehearsal,
    ):
        yield rehearsal
    assert double.errors == []
    await double.stop()


@asynccontextmanager
async def _played(monkeypatch, double, urls, wire, lasts_secs):
    at_ns = now_ns()
    rehearsal = Rehearsal(double, urls, wire)
    rehearsal.list(A, at_ns - SECOND, at_ns + round(lasts_secs * SECOND))
    for trusted in ("crowd", "taker"):
        double.control.make_trusted(trusted, 2)
    rehearsal.rest(A, "bid", "0.40", "100")
    rehearsal.rest(A, "ask", "0.60", "100")
    credentials = double.add_key("alice", "ed25519")
    pem = credentials.private_pem
    monkeypatch.setenv("KALSHI_API_KEY", credentials.key_id)
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", pem if isinstance(pem, str) else pem.decode())
    node = _node(rehearsal)
    running = asyncio.create_task(node.run_async())
    try:
        yield rehearsal
    finally:
        node.handle().stop()
        await running
        node.dispose()


def _node(rehearsal):
    class Factory(KalshiDataClientFactory):
        @staticmethod
        def create(**context):
            rehearsal.clients.append(KalshiDataClientFactory.create(**context))
            return rehearsal.client

    settings = KalshiDataConfig(
        rest_url=rehearsal.urls.rest, socket_url=rehearsal.wire.url, reconnect_first_secs=0.05
    )
    config = LiveNodeConfig(
        environment=Environment.LIVE,
        trader_id=TraderId("LAB-001"),
        logging=LoggerConfig(stdout_level=LogLevel.ERROR),
        data_clients={"KALSHI": KalshiDataClientConfig(settings=settings, series=(SERIES,), pace=PACE)},
        timeout_disconnection_secs=2,
        delay_post_stop_secs=0,
    )
    node = LiveNode.build("rehearsal", config, data_factories={"KALSHI": Factory})
    node.add_actor(rehearsal.ear)
    return node


@pytest.mark.card("kalshi", "TC-D01")
def test_instruments_carry_what_the_venue_says(rehearse):
    async def scene(on):
        await on.with_book()
        yes = on.ear.of("BinaryOption")[0]
        info = yes.info
        assert (info["series"], info["shard"], info["floor_strike"]) == (SERIES, 2, "68000.0")
        assert (info["recorded_as"], info["has_trades"], info["averaging_secs"]) == ("live", True, 60)
        assert [part["step"] for part in info["price_ranges"]] == ["0.0010", "0.0100", "0.0010"]
        assert info["venue_says"]["market"]["rules_primary"] is not None
        assert info["venue_says"]["market"]["ticker"] == A
        assert info["fees"][-1]["taker_rate"] == "0.07"

    rehearse(scene)


@pytest.mark.card("kalshi", "TC-D10", "TC-D20", "TC-D30")
def test_books_quotes_and_trades_arrive_on_both_sides(rehearse):
    async def scene(on):
        await on.with_book()
        on.take(A, "ask", "0.40", "30")
        await on.until(lambda: on.ear.of("TradeTick", side(A, "NO")))
        await on.until(lambda: on.ear.levels(side(A)) == [[("0.4000", "70.00")], [("0.6000", "100.00")]])
        assert on.ear.levels(side(A, "NO")) == [[("0.4000", "100.00")], [("0.6000", "70.00")]]
        yes, no = on.ear.of("TradeTick", side(A)), on.ear.of("TradeTick", side(A, "NO"))
        assert [(str(one.price), str(one.size), one.aggressor_side.name) for one in yes + no] == [
            ("0.4000", "30.00", "SELL"),
            ("0.6000", "30.00", "BUY"),
        ]
        last = on.ear.of("QuoteTick", side(A))[-1]
        assert (str(last.bid_size), str(last.ask_size)) == ("70.00", "100.00")
        assert [one.is_block for one in on.ear.of("TradeProvenance")] == [False]

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D04", "AR-D06")
def test_every_action_ends_uncrossed_marked_and_mirrored(rehearse):
    async def scene(on):
        await on.with_book()
        for cents in range(41, 46):
            on.rest(A, "ask", f"0.{cents + 10}", "5")
            on.rest(A, "bid", f"0.{cents}", "5")
        on.take(A, "bid", "0.60", "40")
        on.take(A, "ask", "0.40", "27")
        want = [[("0.4000", "98.00")], [("0.6000", "85.00")]]
        await on.until(lambda: on.ear.levels(side(A)) == want)
        assert on.ear.levels(side(A, "NO")) == [[("0.4000", "85.00")], [("0.6000", "98.00")]]
        for group in on.ear.of("OrderBookDeltas"):
            marks = [bool(one.flags & RecordFlag.F_LAST.value) for one in group.deltas]
            assert marks == [False] * (len(marks) - 1) + [True]
        assert all(quote.bid_price < quote.ask_price for quote in on.ear.of("QuoteTick"))
        prints = {str(one.trade_id) for one in on.ear.of("TradeTick", side(A))}
        assert prints == {str(one.trade_id) for one in on.ear.of("TradeTick", side(A, "NO"))}
        assert len(on.ear.of("TradeProvenance")) == len(prints)  # the market's volume is told once

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D01")
def test_after_a_lost_frame_the_book_is_blank_until_it_is_whole_again(rehearse):
    async def scene(on):
        await on.with_book()
        lost = []

        def drops(frame):
            if frame["type"] == "orderbook_delta" and not lost:
                lost.append(frame)
                return True
            return False

        on.wire.drop(drops)
        on.rest(A, "bid", "0.45", "7")
        await on.until(lambda: lost)
        before = len(on.ear.heard)
        on.rest(A, "ask", "0.55", "9")
        await on.until(lambda: on.ear.of("DataGap"))
        want = [[("0.4500", "7.00"), ("0.4000", "100.00")], [("0.5500", "9.00"), ("0.6000", "100.00")]]
        await on.until(lambda: on.ear.levels(side(A)) == want)
        (gap,) = on.ear.of("DataGap")
        assert gap.ts_event < gap.until_ns
        assert gap.market == A
        blank = next(one for one in on.ear.heard[before:] if type(one).__name__ == "QuoteTick")
        assert (str(blank.bid_size), str(blank.ask_size)) == ("0.00", "0.00")
        assert on.client.counts["gaps"] == 1

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D12")
def test_a_new_connection_brings_every_book_back(rehearse):
    async def scene(on):
        await on.with_book()
        await on.wire.cut()
        await on.until(lambda: on.client.counts["connections_lost"])
        on.rest(A, "bid", "0.41", "3")
        await on.until(lambda: on.ear.of("DataGap"))
        assert on.client.socket.socket.epoch == 2
        want = [[("0.4100", "3.00"), ("0.4000", "100.00")], [("0.6000", "100.00")]]
        await on.until(lambda: on.ear.levels(side(A)) == want)
        assert on.ear.levels(side(A, "NO"))[1] == [("0.5900", "3.00"), ("0.6000", "100.00")]

    rehearse(scene)


def test_the_next_market_is_known_and_its_book_subscribed_before_it_opens(rehearse):
    async def scene(on):
        await on.with_book()
        opens_ns = now_ns() + 2 * SECOND
        on.list(B, opens_ns, opens_ns + 60 * SECOND)
        await on.with_book(B)
        assert now_ns() < opens_ns
        phases = [(one.phase, one.ts_event) for one in on.ear.of("MarketPhase") if one.market == B]
        assert [phase for phase, _ in phases] == [Phase.PENDING]
        await on.until(lambda: [one.phase for one in on.ear.of("MarketPhase")][-1] is Phase.OPEN)
        assert on.ear.of("MarketPhase")[-1].ts_event == opens_ns // 10**3 * 10**3
        on.rest(B, "bid", "0.50", "4")
        await on.until(lambda: on.ear.levels(side(B))[0] == [("0.5000", "4.00")])

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D05", "TC-D61")
def test_the_close_ends_quotes_and_the_payout_closes_each_side_once(rehearse):
    async def scene(on):
        await on.with_book()
        await on.until(lambda: any(one.phase is Phase.CLOSED for one in on.ear.of("MarketPhase")))
        closes_ns = on.ear.of("BinaryOption")[0].expiration_ns
        on.double.life.determine(A, "yes")
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2)
        await asyncio.sleep(0.5)  # nothing may follow: there is no condition to wait for
        closes = {one.instrument_id: str(one.close_price) for one in on.ear.of("InstrumentClose")}
        assert closes == {side(A): "1.0000", side(A, "NO"): "0.0000"}
        assert len(on.ear.of("InstrumentClose")) == 2
        assert [(one.payout, one.is_final) for one in on.ear.of("MarketResolution")] == [
            (1, False),
            (1, True),
        ]
        assert [one.phase for one in on.ear.of("MarketPhase")][-3:] == [
            Phase.CLOSED,
            Phase.DETERMINED,
            Phase.SETTLED,
        ]
        assert all(quote.ts_event < closes_ns for quote in on.ear.of("QuoteTick"))
        assert on.ear.of("DataGap") == []

    rehearse(scene, lasts_secs=1.5)


def test_a_settlement_during_an_outage_is_learnt_by_rest(rehearse):
    async def scene(on):
        await on.with_book()
        on.wire.drop(lambda frame: frame["type"] == "market_lifecycle_v2")
        await on.until(lambda: any(one.phase is Phase.CLOSED for one in on.ear.of("MarketPhase")))
        on.double.life.determine(A, "no")
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2)
        assert [one.payout for one in on.ear.of("MarketResolution") if one.is_final] == [0]

    rehearse(scene, lasts_secs=1.5)


@pytest.mark.card("kalshi", "TC-D60")
def test_a_pause_is_a_phase_and_a_status_of_both_sides(rehearse):
    async def scene(on):
        await on.with_book()
        on.double.life.deactivate(A)
        await on.until(lambda: any(one.phase is Phase.PAUSED for one in on.ear.of("MarketPhase")))
        on.double.life.activate(A)
        await on.until(lambda: [one.phase for one in on.ear.of("MarketPhase")][-1] is Phase.OPEN)
        actions = [one.action for one in on.ear.of("InstrumentStatus", side(A, "NO"))]
        await on.until(lambda: len(on.ear.of("InstrumentStatus", side(A, "NO"))) == 3)
        actions = [one.action for one in on.ear.of("InstrumentStatus", side(A, "NO"))]
        assert actions == [MarketStatusAction.TRADING, MarketStatusAction.PAUSE, MarketStatusAction.TRADING]

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D20")
def test_a_moved_close_issues_both_instruments_anew(rehearse):
    async def scene(on):
        await on.with_book()
        later_ns = (now_ns() // SECOND + 600) * SECOND
        on.double.life.move_close(A, later_ns)
        await on.until(lambda: on.ear.met[side(A)] == 2 and on.ear.met[side(A, "NO")] == 2)
        assert [one.expiration_ns for one in on.ear.of("BinaryOption")][-2:] == [later_ns] * 2
        await on.until(lambda: any(one.closes_ns == later_ns for one in on.ear.of("MarketPhase")))

    rehearse(scene)


@pytest.mark.card("kalshi", "AR-D21")
def test_a_dispute_holds_the_payout_back_until_it_is_decided(rehearse):
    async def scene(on):
        await on.with_book()
        await on.until(lambda: any(one.phase is Phase.CLOSED for one in on.ear.of("MarketPhase")))
        on.double.life.determine(A, "yes")
        on.double.life.dispute(A)
        await on.until(lambda: any(one.is_disputed for one in on.ear.of("MarketResolution")))
        assert on.ear.of("InstrumentClose") == []
        on.double.life.amend(A, "no")
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2)
        assert {str(one.close_price) for one in on.ear.of("InstrumentClose", side(A))} == {"0.0000"}

    rehearse(scene, lasts_secs=1.0)


@pytest.mark.card("kalshi", "TC-D13", "TC-D31")
def test_what_is_asked_once_is_answered_for_both_sides(rehearse):
    async def scene(on):
        await on.with_book()
        on.take(A, "ask", "0.40", "30")
        await on.until(lambda: on.ear.of("TradeTick", side(A)))
        for outcome in ("YES", "NO"):
            on.ear.request_trades(side(A, outcome))
            on.ear.request_book_snapshot(side(A, outcome))
        await on.until(lambda: len(on.ear.answers) == 4)
        trades = [
            [(str(one.price), str(one.size), str(one.trade_id)) for one in answer]
            for kind, answer in on.ear.answers
            if kind == "trades"
        ]
        heard = [on.ear.of("TradeTick", side(A, outcome))[0] for outcome in ("YES", "NO")]
        assert trades == [[(str(one.price), "30.00", str(one.trade_id))] for one in heard]
        tops = [str(book.best_bid_price()) for kind, book in on.ear.answers if kind == "book"]
        assert sorted(tops) == ["0.4000", "0.4000"]

    rehearse(scene)


@pytest.mark.card("kalshi", "TC-D70")
def test_who_unsubscribes_hears_nothing_more(rehearse):
    async def scene(on):
        await on.with_book()
        for outcome in ("YES", "NO"):
            on.ear.unsubscribe_quotes(side(A, outcome))
            on.ear.unsubscribe_book_deltas(side(A, outcome))
        await on.until(lambda: not on.client.markets.by_ticker[A].book.is_known)
        heard = len(on.ear.of("QuoteTick")) + len(on.ear.of("OrderBookDeltas"))
        on.take(A, "ask", "0.40", "5")
        await on.until(lambda: on.ear.of("TradeTick", side(A)))
        assert len(on.ear.of("QuoteTick")) + len(on.ear.of("OrderBookDeltas")) == heard
        on.ear.subscribe_quotes(side(A, "NO"))
        await on.until(lambda: len(on.ear.of("QuoteTick", side(A, "NO"))) > 1)
        assert str(on.ear.of("QuoteTick", side(A, "NO"))[-1].ask_size) == "95.00"

    rehearse(scene)
