"""A Kalshi to break: four markets on three shards, an account with cash on each, a crowd."""

import asyncio
import random
import time
from decimal import Decimal
from typing import Any, Final

from campaigns.plans import Terrain
from campaigns.records import Books, Known, VenueFill, VenueOrder
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.faults import Faults
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_crowd import Crowd, CrowdSettings
from simulation.wire.kalshi_orders import RESTING, Order
from simulation.wire.kalshi_settings import KalshiSettings

USER: Final = "alice"
VENUE: Final = "KALSHI"
CASH_USD: Final = 400
MARKETS: Final = (
    ("KXBTC15M-A-45", "KXBTC15M-A", 2),
    ("KXBTC15M-B-00", "KXBTC15M-B", 2),
    ("KXHIGHNY-A-T95", "KXHIGHNY-A", 0),
    ("KXMLBGAME-A-NYY", "KXMLBGAME-A", 3),
)
SERIES: Final = tuple(dict.fromkeys(event.partition("-")[0] for _, event, _ in MARKETS))
SHARDS: Final = tuple(sorted({shard for _, _, shard in MARKETS}))
_HOUR_NS: Final = 3_600_000_000_000
_ORDERS: Final = "/portfolio/events/orders"
_READS: Final = ("orders", "fills", "positions", "balance")


def terrain(active_secs: float, patience_secs: float) -> Terrain:
    """Return where faults may strike at Kalshi."""
    return Terrain(
        writes=(f"POST {_ORDERS}", f"DELETE {_ORDERS}"),
        reads=(*(f"GET /portfolio/{one}" for one in _READS), "GET /exchange/user_data_timestamp"),
        channels=("fill", "user_orders", "market_positions", "orderbook_delta", "trade", "*"),
        lively=("orderbook_delta",),
        markets=tuple(ticker for ticker, _, _ in MARKETS),
        active_secs=active_secs,
        patience_secs=patience_secs,
    )


def wall_ns() -> int:
    """Return the time of this machine."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


class World:
    """The double of one run, its manner and its crowd drawn from a seed."""

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        chance = random.Random(f"world {seed}")
        settings = KalshiSettings(
            tier="premier",
            read_lag_ms=chance.choice((0, 0, 0, 150, 600)),
            fok_kill_is_error=chance.random() < 0.3 and plan is not None,
            balance_excludes_resting=chance.random() < 0.3,
            error_shape=chance.choice(("nested", "flat")),
            ping_secs=0.5,
            determination_ms=400,
            removal_ms=200,
            clear_snapshot_ms=400,
        )
        self.double = KalshiDouble(settings, seed, wall_ns, plan)
        self.seed = seed
        self._crowd: asyncio.Task[None] | None = None
        self._is_lively = False
        self.key = self.double.add_key(USER, "ed25519")

    async def start(self) -> tuple[str, str]:
        """Open for business; return the addresses of REST and socket."""
        urls = await self.double.start()
        for ticker, event, shard in MARKETS:
            opens_ns = wall_ns() - _HOUR_NS
            facts: dict[str, Any] = {"strike_type": "greater_or_equal", "floor_strike": 68_000.0}
            self.double.control.list_market(
                Listing(
                    ticker, event, event.partition("-")[0], opens_ns, opens_ns + 3 * _HOUR_NS, "tapered_deci_cent",
                    exchange_index=shard, facts=facts,
                )
            )  # fmt: skip
        for shard in SHARDS:
            self.double.control.fund(USER, str(CASH_USD), exchange_index=shard)
        return urls.rest, urls.socket

    async def open(self) -> dict[str, str]:
        """Open for business; return what our environment needs to find it and to be us."""
        rest, socket = await self.start()
        return self.environ | {"ARGONAUT_KALSHI_REST_URL": rest, "ARGONAUT_KALSHI_SOCKET_URL": socket}

    async def close(self) -> None:
        """End everything."""
        await self.double.stop()

    def books_for(self, _known: Known | None) -> Books:
        """Return the venue's records: Kalshi names our orders itself."""
        return self.books()

    def start_crowd(self, events_per_second: float) -> None:
        """Let others trade, until `stop_crowd`."""
        self._is_lively = True
        if self._crowd is None:
            settings = CrowdSettings(taker_share=0.3, largest_count=800)
            crowd = Crowd(self.double.control, settings, self.seed)
            self._crowd = self.double.run("crowd", self._trade(crowd, 1 / events_per_second))

    def stop_crowd(self) -> None:
        """Let nobody else trade."""
        self._is_lively = False

    async def _trade(self, crowd: Crowd, pause_secs: float) -> None:
        while True:
            await asyncio.sleep(pause_secs)
            if self._is_lively:
                crowd.step()

    @property
    def faults(self) -> Faults:
        """What goes wrong here."""
        return self.double.faults

    def end_faults(self) -> None:
        """Be a sound venue."""
        self.double.end_faults()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way: no request is held back, each market that closed is paid out."""
        markets = self.double.exchange.markets.values()
        ends = all(market.status in ("active", "finalized") for market in markets)
        return ends and not self.double.faults.held_requests

    @property
    def environ(self) -> dict[str, str]:
        """Return what a client needs in its environment to be our user."""
        pem = self.key.private_pem
        return {
            "KALSHI_API_KEY": self.key.key_id,
            "KALSHI_PRIVATE_KEY": pem.decode() if isinstance(pem, bytes) else pem,
        }

    def books(self) -> Books:
        """Return the venue's records of our account, and what the double's own audit found."""
        snapshot = self.double.snapshot()
        held = [part for key, part in snapshot.positions.items() if key[0] == USER]
        cash = [Decimal(text) for key, text in snapshot.cash.items() if key[0] == USER]
        settled = [name for name, market in self.double.exchange.markets.items() if market.settled_ns]
        return Books(
            orders=tuple(map(_order, self.double.exchange.user_orders.get(USER, ()))),
            fills=tuple(map(_fill, snapshot.fills.get(USER, ()))),
            positions={ticker: Decimal(text) for part in held for ticker, text in part.items()},
            cash_usd=sum(cash, Decimal(0)),
            settled=tuple(settled),
            faults=(*self.double.audit(), *map(repr, self.double.errors)),
        )


def _order(order: Order) -> VenueOrder:
    return VenueOrder(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        market=order.ticker,
        filled=Decimal(order.filled) / 100,
        is_open=order.status == RESTING,
        made_ns=order.created_ns,
        changed_ns=order.updated_ns,
    )


def _fill(row: dict[str, Any]) -> VenueFill:
    contracts = Decimal(row["count_fp"])
    return VenueFill(
        trade_id=row["trade_id"],
        order_id=row["order_id"],
        market=row["ticker"],
        signed=contracts if row["book_side"] == "bid" else -contracts,
        fee_usd=Decimal(row["fee_cost"]),
    )
