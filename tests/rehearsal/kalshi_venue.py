"""Kalshi as rehearsals find it: a double on loopback that keeps what it was sent, a market, money, a key."""

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web
from nautilus_trader.model import InstrumentId

from adapters.kalshi.signing import Credentials
from markets.instruments import MarketTerms, PriceRange, make_pair
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings

SERIES, EVENT, MARKET, SHARD = "KXBTC15M", "KXBTC15M-A", "KXBTC15M-A-45", 2
HOUR_NS = 3_600_000_000_000
YES, NO = (InstrumentId.from_str(f"{MARKET}-{leg}.KALSHI") for leg in ("YES", "NO"))
FEES = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0", "exponent": 1}
FEES |= {"fee_unit": "0.000001", "cash_unit": "0.0001"}


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def make_double(plan=None, **settings):
    return WatchedDouble(
        KalshiSettings(tier="premier", **settings), seed=7, now_ns=wall_ns, plan=plan or FaultPlan()
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that reached the double's door: "METHOD /path" without the API's prefix, and its body."""

    route: str
    body: Any
    query: dict[str, str] = field(default_factory=dict)


class WatchedDouble(KalshiDouble):
    """Keeps every request as it came in, before any fault touches it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.sent = []

    def _app(self):
        app = super()._app()

        @web.middleware
        async def note(request, handler):
            body = await request.json() if request.can_read_body else None
            route = f"{request.method} {request.path.removeprefix('/trade-api/v2')}"
            self.sent.append(Sent(route, body, dict(request.query)))
            return await handler(request)

        app.middlewares.insert(0, note)
        return app


def list_market(double, ticker=MARKET, shard=SHARD, event=EVENT, opens_ns=None, closes_ns=None):
    opens_ns = opens_ns or wall_ns() - HOUR_NS
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    closes_ns = closes_ns or opens_ns + 2 * HOUR_NS
    double.control.list_market(
        Listing(
            ticker,
            event,
            event.partition("-")[0],
            opens_ns,
            closes_ns,
            "tapered_deci_cent",
            exchange_index=shard,
            facts=facts,
        )
    )
    return instruments_of(ticker, shard, opens_ns, closes_ns)


def instruments_of(ticker, shard, opens_ns, closes_ns):
    ranges = [("0", "0.1", "0.001"), ("0.1", "0.9", "0.01"), ("0.9", "1", "0.001")]
    pair = make_pair(
        MarketTerms(
            market=ticker,
            venue="KALSHI",
            series=SERIES,
            event=EVENT,
            title=ticker,
            opens_ns=opens_ns,
            closes_ns=closes_ns,
            known_ns=opens_ns,
            price_ranges=tuple(PriceRange(*map(Decimal, part)) for part in ranges),
            fees=(FEES,),
            shard=shard,
            recorded_as="live",
        )
    )
    return [pair.yes, pair.no]


@dataclass(frozen=True, slots=True)
class Market:
    """A market of a test's own."""

    ticker: str
    yes: InstrumentId
    no: InstrumentId


def market_of(ticker):
    return Market(ticker, *(InstrumentId.from_str(f"{ticker}-{leg}.KALSHI") for leg in ("YES", "NO")))


@dataclass(frozen=True, slots=True)
class Stage:
    """A double that stands, where, how to sign there, and what it lists."""

    double: WatchedDouble
    urls: Any
    credentials: Credentials
    instruments: list[Any]


@asynccontextmanager
async def standing(double=None, setup=None):
    double = double or make_double()
    urls = await double.start()
    try:
        instruments = list_market(double)
        double.control.fund("alice", "1000", exchange_index=SHARD)
        double.control.make_trusted("crowd", SHARD)
        key = double.add_key("alice", "ed25519")
        credentials = Credentials.from_pem(key.key_id, _text(key.private_pem))
        if setup is not None:
            instruments += setup(double) or []
        yield Stage(double, urls, credentials, instruments)
        assert double.audit() == []
        assert double.errors == []
    finally:
        await double.stop()


def _text(pem):
    return pem.decode() if isinstance(pem, bytes) else pem
