import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.data.markets import Markets
from adapters.kalshi.data.watch import Pace, Watch
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.market_data import EventFeeUpdate, MarketLifecycle
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from markets.facts import Phase
from markets.live.conditions import Conditions

SERIES, EVENT, M = "KXFED", "KXFED-27JAN", "KXFED-27JAN-C"
CLOSES = "2026-12-01T00:00:00Z"
START = time_ns("2026-11-20T00:00:00Z")


def row(ticker=M, **changes):
    ranges = [{"start": "0", "end": "1", "step": "0.01"}]
    times = {"open_time": "2026-11-01T00:00:00Z", "close_time": CLOSES}
    known = {"ticker": ticker, "event_ticker": EVENT, "status": "active", "price_ranges": ranges}
    return known | times | {"floor_strike": 3.75, "novelty": 1.10} | changes


class Venue:
    """A small REST side: one series, one event, its rows; counts what was asked."""

    def __init__(self):
        self.rows = [row()]
        self.asked = Counter()
        self.trading_active = True

    async def answer(self, request):
        path = request.path.removeprefix("/trade-api/v2")
        self.asked[path] += 1
        answers = {
            "/markets": {"markets": self._listed(request.query), "cursor": ""},
            f"/markets/{M}": {"market": self.rows[0]},
            f"/events/{EVENT}": {
                "event": {
                    "event_ticker": EVENT,
                    "series_ticker": SERIES,
                    "title": "Cut?",
                    "mutually_exclusive": True,
                },
                "markets": self.rows,
            },
            "/events/fee_changes": {"event_fee_changes": [], "cursor": ""},
            f"/series/{SERIES}": {
                "series": {"ticker": SERIES, "title": "Fed", "fee_type": "quadratic", "fee_multiplier": 1}
            },
            "/series/fee_changes": {"series_fee_change_arr": []},
            "/exchange/status": {"exchange_active": True, "trading_active": self.trading_active},
        }
        return web.json_response(answers[path]) if path in answers else web.json_response({}, status=404)

    def _listed(self, query):
        if "tickers" in query:
            return [one for one in self.rows if one["ticker"] in query["tickers"].split(",")]
        return self.rows if query.get("status") == "open" else []


class Following:
    def __init__(self, venue, http, now_ns):
        self.venue, self.issued, self.told, self.changed, self.counts = venue, [], [], [], Counter()
        self.now_ns = now_ns
        self.markets = Markets(self.issued.append, self.told.append, lambda: self.now_ns, self.counts)
        pace = Pace(discovery_secs=0.02, settlement_secs=0.02, stale_list_secs=15, clock_secs=0.02)
        catalogue = KalshiCatalogue(http, lambda: self.now_ns)
        self.conditions = Conditions("KALSHI", self.told.append, lambda: self.now_ns, lambda: self.now_ns)
        self.watch = Watch(self.markets, catalogue, self.changed.append, pace, self.conditions)

    def step(self, kind, **fields):
        known = {"event_type": kind, "market_ticker": M, **fields}
        self.watch.take_lifecycle(msgspec.convert(known, MarketLifecycle), self.now_ns)

    def phases(self):
        facts = [getattr(one, "data", one) for one in self.told]
        return [one.phase for one in facts if type(one).__name__ == "MarketPhase"]


@pytest.fixture
def follow(serve, clock):
    @asynccontextmanager
    async def following():
        venue = Venue()
        async with serve(venue.answer) as address:
            config = KalshiDataConfig(rest_url=f"http://{address}/trade-api/v2", read_attempts=1)
            async with KalshiHttp(
                config, None, now_ns=clock.now_ns, monotonic=clock.monotonic, sleep=clock.sleep
            ) as http:
                one = Following(venue, http, START)
                one.watch.follow([SERIES])
                await one.watch.discover()
                yield one

    return following


async def looking(one, condition):
    task = asyncio.create_task(one.watch.watch_venue())
    try:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)
    finally:
        task.cancel()


def test_a_series_is_listed_once_with_the_row_unabridged_and_numbers_as_written(follow, run):
    async def work():
        async with follow() as one:
            await one.watch.discover()
            assert [str(side.id) for side in one.issued] == [f"{M}-YES.KALSHI", f"{M}-NO.KALSHI"]
            assert one.venue.asked[f"/events/{EVENT}"] == 1
            says = one.issued[0].info["venue_says"]
            assert (says["market"]["novelty"], says["event"]["title"]) == ("1.1", "Cut?")
            assert one.phases() == [Phase.OPEN]

    run(work)


def test_a_broken_market_hides_no_other_and_is_not_asked_about_again(follow, run):
    async def work():
        async with follow() as one:
            fine, broken = row("KXFED-27JAN-D"), row("KXFED-27JAN-E", price_ranges=[])
            one.venue.rows = [row(), broken, fine]
            await one.watch.discover()
            assert set(one.markets.by_ticker) == {M, "KXFED-27JAN-D"}
            assert "price_ranges" in one.markets.unusable["KXFED-27JAN-E"]
            asked = one.venue.asked[f"/events/{EVENT}"]
            await one.watch.discover()
            assert one.venue.asked[f"/events/{EVENT}"] == asked

    run(work)


def test_a_late_strike_and_a_moved_close_issue_the_instruments_anew_each_once(follow, run):
    async def work():
        async with follow() as one:
            for _ in range(2):
                one.step("metadata_updated", strike_type="greater", floor_strike="4.25")
            assert [side.info["floor_strike"] for side in one.issued[2:]] == ["4.25", "4.25"]
            one.step("close_date_updated", close_ts=time_ns("2026-12-02T00:00:00Z") // 10**9)
            assert len(one.issued) == 6
            assert one.issued[-1].expiration_ns == time_ns("2026-12-02T00:00:00Z")
            assert one.phases() == [Phase.OPEN, Phase.OPEN]
            assert [market.ticker for market in one.changed] == [M, M, M]

    run(work)


def test_a_fee_override_counts_from_its_announcement_and_is_dated_once(follow, run):
    async def work():
        async with follow() as one:
            one.now_ns += 5
            update = EventFeeUpdate(EVENT, "quadratic_with_maker_fees", None)
            for _ in range(2):
                one.watch.take_fees(update, one.now_ns)
            assert len(one.issued) == 4
            assert [terms["maker_rate"] for terms in one.issued[-1].info["fees"]][-1] == "0.0175"
            assert one.issued[-1].info["fees"][-1]["since_ns"] == one.now_ns

    run(work)


def test_after_a_lapse_every_state_is_read_but_a_list_older_than_the_stream_is_not_believed(follow, run):
    async def work():
        async with follow() as one:
            one.step("deactivated")
            one.watch.look_now()
            asked = one.venue.asked["/markets"]
            await looking(one, lambda: one.venue.asked["/markets"] >= asked + 5)
            assert one.phases() == [Phase.OPEN, Phase.PAUSED]
            one.now_ns += 20 * 10**9
            one.watch.look_now()
            await looking(one, lambda: one.phases()[-1] is Phase.OPEN)

    run(work)


def test_a_result_that_the_stream_never_told_is_found_by_rest(follow, run):
    async def work():
        async with follow() as one:
            one.now_ns = time_ns(CLOSES) + 60 * 10**9
            paid = {"settlement_ts": "2026-12-01T00:00:30Z", "settlement_value_dollars": "1.0000"}
            one.venue.rows = [row(status="finalized", result="yes", **paid)]
            await looking(one, lambda: one.markets.by_ticker[M].is_settled)
            closes = [item for item in one.told if type(item).__name__ == "InstrumentClose"]
            assert [str(item.close_price) for item in closes] == ["1.0000", "0.0000"]
            assert closes[0].ts_event == time_ns("2026-12-01T00:00:30Z")

    run(work)


def test_a_market_that_closed_early_is_asked_about_then(follow, run):
    async def work():
        async with follow() as one:
            await looking(one, lambda: one.venue.asked["/exchange/status"] > 1)
            early_ns = time_ns("2026-11-20T00:01:00Z")
            moved = {"event_type": "close_date_updated", "close_ts": early_ns // 10**9}
            one.watch.take_lifecycle(MarketLifecycle(market_ticker=M, **moved), one.now_ns)
            paid = {"close_time": "2026-11-20T00:01:00Z", "settlement_value_dollars": "1.0000"}
            one.venue.rows = [row(status="finalized", result="yes", **paid)]
            one.now_ns = early_ns + 60 * 10**9
            await looking(one, lambda: one.markets.by_ticker[M].is_settled)

    run(work)


def test_a_pause_of_the_exchange_is_a_pause_of_its_markets(follow, run):
    async def work():
        async with follow() as one:
            one.venue.trading_active = False
            await looking(one, lambda: one.phases()[-1] is Phase.PAUSED)
            one.venue.trading_active = True
            await looking(one, lambda: one.phases()[-1] is Phase.OPEN)

    run(work)


def test_trouble_with_the_venue_is_counted_and_looking_goes_on(follow, run):
    async def work():
        async with follow() as one:
            good = one.venue.rows
            one.venue.rows = [{"ticker": 5}]
            await looking(one, lambda: one.counts["failed_looks"] >= 1)
            one.venue.rows = [*good, row("KXFED-27JAN-D")]
            await looking(one, lambda: "KXFED-27JAN-D" in one.markets.by_ticker)

    run(work)
