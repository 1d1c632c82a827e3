"""A Polymarket to break: windows of three series, a wallet with pUSD, a crowd."""

import asyncio
import random
import tempfile
import time
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from campaigns.plans import Terrain
from campaigns.records import Books, Known, VenueFill, VenueOrder
from simulation.wire.fault_plan import FRAME_KINDS, HASHED_KINDS, FaultPlan
from simulation.wire.faults import Faults
from simulation.wire.polymarket import TIMED, PolymarketDouble
from simulation.wire.polymarket_crowd import Crowd, CrowdSettings
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import About, MakerFill, Market, Order, Trade
from simulation.wire.polymarket_units import ONE

VENUE: Final = "POLYMARKET"
CASH_USD: Final = 400
NAMES: Final = "ARGONAUT_CAMPAIGN_NAMES"
"""Where a process writes under which hash each of its wishes has left, for whom the venue's books are to be named."""

ASSETS: Final = ("btc", "eth", "sol")
SERIES: Final = tuple(f"{asset}-updown-15m" for asset in ASSETS)
_QUARTER_SECS: Final = 900


def terrain(active_secs: float, patience_secs: float) -> Terrain:
    """Return where faults may strike at Polymarket."""
    return Terrain(
        writes=("POST /order", "DELETE /order", "POST /orders", "DELETE /orders"),
        reads=(
            "GET /data/orders",
            "GET /data/order/",
            "GET /data/trades",
            "GET /balance-allowance",
            "GET /book",
        ),
        channels=("order", "trade", "price_change", "book", "last_trade_price", "*"),
        lively=("price_change",),
        markets=tuple(market.condition_id for market in make_markets(0)),
        active_secs=active_secs,
        patience_secs=patience_secs,
        frame_kinds=FRAME_KINDS + HASHED_KINDS,
        timed_kinds=TIMED,
    )


def make_markets(now_ns: int) -> list[Market]:
    """Return the markets of a run, an up/down window of each series now and next; their ids are the same for every run.

    One series has a taker delay, one is of a neg-risk event, one is neither.
    """
    now_secs = now_ns // 10**9 // _QUARTER_SECS * _QUARTER_SECS
    markets = []
    for place, asset in enumerate(ASSETS):
        draw = random.Random(f"polymarket {asset}")
        for start_secs in (now_secs, now_secs + _QUARTER_SECS):
            slug = f"{asset}-updown-15m-{start_secs}"
            about = About(
                len(markets) + 1, f"{asset.upper()} Up or Down", slug, slug, f"{asset}-up-or-down-15m",
                start_ns=(start_secs - 86_400) * 10**9, end_ns=(start_secs + _QUARTER_SECS) * 10**9,
                tags=("Crypto", "Up or Down"), twap_secs=60, asset=asset,
            )  # fmt: skip
            event = f"0x{draw.getrandbits(248):062x}00"
            markets.append(
                Market(
                    f"0x{draw.getrandbits(256):064x}",
                    (str(draw.getrandbits(250)), str(draw.getrandbits(250))),
                    ("Up", "Down"),
                    fee_rate=Fraction(7, 100),
                    is_delayed=place == 0,
                    neg_risk=place == 1,
                    neg_risk_id=event if place == 1 else "",
                    about=about,
                )
            )
    return markets


def wall_ns() -> int:
    """Return the time of this machine."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


class World:
    """The double of one run, its manner and its crowd drawn from a seed, and our wallet there."""

    def __init__(self, seed: int, plan: FaultPlan | None = None) -> None:
        chance = random.Random(f"world {seed}")
        settings = PolymarketSettings(
            tier="elite",
            mined_ms=chance.choice((50, 300, 900)),
            confirmed_ms=chance.choice((1_000, 1_500)),
            post_only_ms=1_000,
        )
        self.double = PolymarketDouble(settings, seed, wall_ns, plan)
        self.seed = seed
        self._crowd: asyncio.Task[None] | None = None
        self._is_lively = False
        self.names: dict[str, str] = {}
        self._written = tempfile.NamedTemporaryFile(mode="r", encoding="ascii", prefix="names-")  # noqa: SIM115  it lives as long as the world does
        secret = PrivateKey(keccak(f"campaign wallet {seed}".encode()))
        self.private_key = f"0x{secret.to_hex()}"
        self.address = "0x" + keccak(secret.public_key.format(compressed=False)[1:])[-20:].hex()
        self.key = self.double.desk.doorkeeper.create(self.address, 0)

    async def start(self) -> str:
        """Open for business; return the CLOB's base."""
        base = await self.double.start()
        for market in make_markets(wall_ns()):
            self.double.exchange.list_market(market)
        self.double.exchange.ledger.deposit(self.address, CASH_USD * ONE)
        return base

    async def open(self) -> dict[str, str]:
        """Open for business; return what our environment needs to find it and to be us."""
        base = await self.start()
        found = {
            "REST": base,
            "SOCKET": base.replace("http", "ws", 1),
            "GAMMA": f"{base}/gamma",
            "DATA": f"{base}/data-api",
        }
        site = {"SITE": base}
        return (
            self.environ
            | {NAMES: self._written.name}
            | {f"ARGONAUT_POLYMARKET_{name}_URL": url for name, url in (found | site).items()}
        )

    async def close(self) -> None:
        """End everything."""
        self._written.close()
        await self.double.stop()

    def books_for(self, known: Known | None) -> Books:
        """Return the venue's records; an order's name is the one under which it left, or under which the engine knows its id."""
        orders = known.orders if known is not None else ()
        self.names |= dict(line.split() for line in self._written)
        return self.books(
            {order.order_id: order.client_order_id for order in orders if order.order_id} | self.names
        )

    def start_crowd(self, events_per_second: float) -> None:
        """Let others trade, until `stop_crowd`."""
        self._is_lively = True
        if self._crowd is None:
            settings = CrowdSettings(taker_share=0.3, largest_count=800)
            crowd = Crowd(self.double.exchange, settings, self.seed)
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
        """Whether nothing is under way: no request held back, no order delayed, no trade unsettled."""
        double = self.double
        waits = double.faults.held_requests or double.settlement.under_way
        return not waits and not double.exchange.delayed_orders()

    @property
    def environ(self) -> dict[str, str]:
        """Return what a client needs in its environment to be our user."""
        return {
            "POLYMARKET_PRIVATE_KEY": self.private_key,
            "POLYMARKET_API_KEY": self.key.key,
            "POLYMARKET_API_SECRET": self.key.secret,
            "POLYMARKET_API_PASSPHRASE": self.key.passphrase,
        }

    def books(self, wishes: Mapping[str, str]) -> Books:
        """Return the venue's records of our wallet, and what the double's own audit found.

        `wishes` are our client order ids by order id, since the venue knows none. A fill is named
        "<trade id>|<order id>"; a trade whose settlement failed is none, and fills no order.
        """
        exchange = self.double.exchange
        wallet = exchange.ledger.wallet(self.address)
        mine = [order for order in exchange.orders.values() if order.ask.wallet == self.address]
        trades = exchange.trades.values()
        fills = [fill for trade in trades for fill in _fills(trade, self.address)]
        filled: dict[str, Decimal] = {}
        for fill in fills:
            filled[fill.order_id] = filled.get(fill.order_id, Decimal(0)) + abs(fill.signed)
        positions = {
            market.condition_id: Decimal(wallet.holds(market.tokens[0]) - wallet.holds(market.tokens[1]))
            / ONE
            for market in exchange.markets.values()
        }
        return Books(
            orders=tuple(
                _order(order, wishes.get(order.ask.order_id, ""), filled.get(order.ask.order_id, Decimal(0)))
                for order in mine
            ),
            fills=tuple(fills),
            positions={name: held for name, held in positions.items() if held},
            cash_usd=Decimal(wallet.cash) / ONE,
            settled=tuple(name for name, market in exchange.markets.items() if market.is_resolved),
            faults=(*self.double.audit(), *map(repr, self.double.errors)),
            cash_within_usd=sum(
                (_odd_usd(trade) for trade in trades if _fills(trade, self.address)), Decimal(0)
            ),
        )

    @property
    def reverted(self) -> list[str]:
        """Return the names of our fills whose settlement failed."""
        trades = [trade for trade in self.double.exchange.trades.values() if trade.status == "FAILED"]
        return [fill.trade_id for trade in trades for fill in _parts(trade, self.address)]


def _order(order: Order, client_order_id: str, filled: Decimal) -> VenueOrder:
    return VenueOrder(
        order_id=order.ask.order_id,
        client_order_id=client_order_id,
        market=order.market.condition_id,
        filled=filled,
        is_open=order.status in ("LIVE", "DELAYED"),
        made_ns=order.created_ns,
        changed_ns=order.changed_ns,
    )


def _odd_usd(trade: Trade) -> Decimal:
    """Return how far a trade's cash can lie from its shares at its price: each part is rounded to the millionth there, the sum here."""
    odd = sum(fill.shares * fill.price % 10_000 != 0 for fill in trade.fills)
    return Decimal(odd + 1) / ONE if odd else Decimal(0)


def _fills(trade: Trade, address: str) -> list[VenueFill]:
    return [] if trade.status == "FAILED" else _parts(trade, address)


def _parts(trade: Trade, address: str) -> list[VenueFill]:
    parts = [_part(trade, fill.order, fill) for fill in trade.fills]
    taker = trade.taker
    signed = Decimal(trade.shares) / ONE * (1 if taker.is_bid else -1)
    name = f"{trade.trade_id}|{taker.ask.order_id}"
    parts.append(
        (taker, VenueFill(name, taker.ask.order_id, _market(taker), signed, Decimal(trade.fee) / ONE))
    )
    return [fill for order, fill in parts if order.ask.wallet == address]


def _part(trade: Trade, order: Order, fill: MakerFill) -> tuple[Order, VenueFill]:
    signed = Decimal(fill.shares) / ONE * (1 if order.is_bid else -1)
    name = f"{trade.trade_id}|{order.ask.order_id}"
    return order, VenueFill(name, order.ask.order_id, _market(order), signed, Decimal(0))


def _market(order: Order) -> str:
    return order.market.condition_id
