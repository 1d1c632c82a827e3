"""A Nautilus node with our data client, and a small venue on loopback that sends true books."""

import asyncio
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from fake_venue import FakeVenue, settings_for
from nautilus_trader.common import DataActor, Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveNode, LiveNodeConfig
from nautilus_trader.model import BookType, InstrumentId, OrderBook, TraderId, Venue
from true_books import Stage

from adapters.polymarket.data.watch import Pace
from adapters.polymarket.factories.data import PolymarketDataClientConfig, PolymarketDataClientFactory
from markets.facts import DataGap, MarketPhase, MarketResolution, OraclePrice, TradeProvenance, VenueCondition
from markets.live.outlet import note_nothing

POLYMARKET = Venue("POLYMARKET")
SECOND = 10**9
QUICK = Pace(discovery_secs=0.3, settlement_secs=0.3, clock_secs=0.2)
OPENING = ([("0.4", "10"), ("0.39", "20.5")], [("0.6", "30"), ("0.61", "40.000001")])


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def iso(at_secs):
    return datetime.fromtimestamp(at_secs, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Ear(DataActor):
    """Subscribes to everything of every market that it hears of, and keeps it in order."""

    def __init__(self, series="btc-updown-5m"):
        super().__init__()
        self.series = series
        self.left_alone = set()
        self.heard, self.books, self.met, self.answers = [], {}, Counter(), []

    def on_start(self):
        self.subscribe_instruments(POLYMARKET)
        for kind in (MarketPhase, MarketResolution, DataGap):
            self.subscribe_data(kind.data_type(f"{self.series}.POLYMARKET"))
        self.subscribe_data(VenueCondition.data_type("POLYMARKET"))
        self.subscribe_data(OraclePrice.data_type("BTC-USD.CHAINLINK"))
        for instrument in self.cache.instruments(POLYMARKET):
            self.on_instrument(instrument)

    def on_instrument(self, instrument):
        self.met[instrument.id] += 1
        self.heard.append(instrument)
        if self.met[instrument.id] > 1 or instrument.id in self.left_alone:
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

    def on_historical_bars(self, bars):
        self.answers.append(("bars", bars))

    def on_option_chain(self, chain):
        self.answers.append(("chain", chain))

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
            [(str(level.price), f"{level.size():.6f}") for level in levels]
            for levels in (book.bids(), book.asks())
        ]


class Scene:
    """A venue with one window that is on, and a node that follows its series. `stages` send true books of it."""

    def __init__(self, base, venue, **settings):
        self.base, self.venue = base, venue
        self.settings = settings
        self.ear = Ear()
        self.clients, self.tapped, self.notes = [], [], []
        self.start_secs = (now_ns() // SECOND + 60) // 300 * 300  # a window that stays on for the whole test
        self.stage = self.open_window(self.start_secs, "0xa", ("11", "12"))

    @property
    def client(self):
        return self.clients[0]

    def open_window(self, start_secs, condition, tokens, bids=OPENING[0], asks=OPENING[1]):
        """List a window and give it books; return what sends its changes."""
        self.venue.list(
            {
                "conditionId": condition,
                "slug": f"btc-updown-5m-{start_secs}",
                "question": "Up?",
                "clobTokenIds": json.dumps(tokens),
                "outcomes": '["Up", "Down"]',
                "outcomePrices": '["0.5", "0.5"]',
                "active": True,
                "acceptingOrders": True,
                "acceptingOrdersTimestamp": iso(start_secs - 86_400),
                "endDate": iso(start_secs + 300),
                "orderPriceMinTickSize": 0.01,
                "orderMinSize": 5,
                "feesEnabled": True,
                "feeSchedule": {"rate": 0.07, "exponent": 1},
                "events": [{"id": condition, "slug": f"btc-updown-5m-{start_secs}"}],
            }
        )
        stage = Stage(condition, tokens)
        for message in stage.messages(bids, asks, now_ns() // 10**6):
            self.show(message)
        return stage

    def show(self, message):
        said = {name: value for name, value in msgspec.to_builtins(message).items() if value is not None}
        said.pop("event_type")
        self.venue.books[message.asset_id] = said | {"min_order_size": "5", "neg_risk": False}

    def side(self, at=0, stage=None):
        stage = stage or self.stage
        return InstrumentId.from_str(f"{stage.theirs[0].market}-{stage.tokens[at]}.POLYMARKET")

    async def change(self, *levels, stage=None, is_lost=False):
        """Let the venue change levels of YES, and send the burst unless it is lost."""
        stage = stage or self.stage
        message = stage.change(*levels, at_ms=now_ns() // 10**6)
        for answer in stage.answers():
            self.show(answer.as_message())
        if not is_lost:
            said = msgspec.to_builtins(message) | {"market": stage.theirs[0].market}
            await self.venue.push(said)

    async def until(self, condition, secs=20.0):
        try:
            async with asyncio.timeout(secs):
                while not condition():
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.005)  # what is told together is heard one after another
        except TimeoutError:
            kinds = Counter(type(one).__name__ for one in self.ear.heard)
            pytest.fail(
                f"heard {kinds}, counted {self.clients and self.client.counts}, asked {self.venue.asked[-5:]}"
            )

    async def with_book(self, *sides):
        wanted = sides or (self.side(0), self.side(1))
        await self.until(lambda: all(self.ear.of("OrderBookDeltas", one) for one in wanted))

    def note(self, kind, said, at_ns):
        self.notes.append((kind, said, at_ns))

    def tap(self, raw, received_ns, epoch):
        self.tapped.append((raw, received_ns, epoch))


def play(scene_of, *, lasts_secs=60.0, **settings):
    """Run one scene with a node; it must end within a generous while."""

    async def bounded():
        async with asyncio.timeout(lasts_secs), _scene(**settings) as scene:
            await scene_of(scene)

    asyncio.run(bounded())


@asynccontextmanager
async def _scene(*, is_recorded=False, **settings):
    venue = FakeVenue()
    async with venue.running() as base:
        scene = Scene(base, venue)
        if settings.pop("rtds", False):
            settings["rtds_url"] = base.replace("http", "ws") + "/rtds"
        settings.setdefault("proof_every_secs", 0.0)
        settings.setdefault("proof_secs", 0.3)
        node = _node(scene, settings_for(base, **settings), is_recorded=is_recorded)
        handle, running = node.handle(), asyncio.create_task(node.run_async())

        async def leave():
            if not running.done():
                handle.stop()
            await running

        scene.leave = leave
        try:
            yield scene
        finally:
            await leave()
            scene.leave = None
            node.dispose()
            del node


def _node(scene, settings, *, is_recorded):
    class Factory(PolymarketDataClientFactory):
        @staticmethod
        def create(**context):
            scene.clients.append(PolymarketDataClientFactory.create(**context))
            return scene.client

    client = PolymarketDataClientConfig(
        settings=settings,
        series=("btc-updown-5m",),
        pace=QUICK,
        tap=scene.tap if is_recorded else None,
        note=scene.note if is_recorded else note_nothing,
    )
    config = LiveNodeConfig(
        environment=Environment.LIVE,
        trader_id=TraderId("LAB-001"),
        logging=LoggerConfig(stdout_level=LogLevel.ERROR),
        data_clients={"POLYMARKET": client},
        timeout_disconnection_secs=2,
        delay_post_stop_secs=0,
    )
    node = LiveNode.build("scene", config, data_factories={"POLYMARKET": Factory})
    node.add_actor(scene.ear)
    return node
