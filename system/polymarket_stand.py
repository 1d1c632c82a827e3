"""A made-up Polymarket at its stand: opened, watched, played to, judged."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from simulation.wire.fault_plan import FaultPlan
from simulation.wire.pacing import Pacing
from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_crowd import SERIES, CrowdSettings
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_exchange import Notice
from simulation.wire.polymarket_orders import About, Market, Order
from simulation.wire.polymarket_playback import Playback
from simulation.wire.polymarket_recordings import load_recording
from simulation.wire.polymarket_rows import order_row, trade_row
from simulation.wire.polymarket_units import ONE, amount_text, parse_amount
from system.book import BadBook
from system.polymarket_recorded import PlayedRun
from system.polymarket_runs import is_ours
from system.venue_task import Address, VenueTask

_DAY_NS: Final = 24 * 3_600_000_000_000
_WINDOWS: Final = {kind: secs for secs, kind in SERIES.items()}
_SERIES_NAME: Final = re.compile(r"([a-z]+)-updown-(\w+)")


class PolymarketStand:
    """The double of one run and the one wallet that is ours there, of an owner made for this once."""

    def __init__(self, task: VenueTask, plan: FaultPlan, now_ns: Callable[[], int]) -> None:
        self._task = task
        self._now_ns = now_ns
        self.double = PolymarketDouble(PolymarketSettings(), task.seed, now_ns, plan)
        secret = PrivateKey()
        self._private_key = f"0x{secret.to_hex()}"
        self._played: PlayedRun | None = None
        self.address = "0x" + keccak(secret.public_key.format(compressed=False)[1:])[-20:].hex()

    async def open(self, tell_open: Callable[[str, bool], None]) -> Address:
        """Open for business, with a crowd unless a recording is to be played."""
        task, double = self._task, self.double
        settings = crowd_of(task)
        base = await double.start()
        double.exchange.listeners.append(lambda notice: self._tell_open(notice, tell_open))
        key = double.desk.doorkeeper.create(self.address, 0)
        if task.recording is None:
            double.exchange.ledger.deposit(self.address, parse_amount(task.cash_usd))
            for number, slug in enumerate(task.markets, start=1_000):
                double.exchange.list_market(self._market(slug, number))
            double.start_crowd(settings, task.seed)
        elif is_ours(Path(task.recording)):
            self._played = PlayedRun.of(Path(task.recording), task.speed, self._now_ns())
            for market in self._played.markets():
                double.exchange.list_market(market)
        sockets = base.replace("http", "ws", 1)
        return Address(
            rest=base,
            environ={
                "POLYMARKET_PRIVATE_KEY": self._private_key, "POLYMARKET_API_KEY": key.key,
                "POLYMARKET_API_SECRET": key.secret, "POLYMARKET_API_PASSPHRASE": key.passphrase,
                "ARGONAUT_POLYMARKET_REST_URL": base, "ARGONAUT_POLYMARKET_SOCKET_URL": sockets,
                "ARGONAUT_POLYMARKET_GAMMA_URL": f"{base}/gamma", "ARGONAUT_POLYMARKET_DATA_URL": f"{base}/data-api",
                "ARGONAUT_POLYMARKET_SITE_URL": base,
            },
        )  # fmt: skip

    @property
    def has_listeners(self) -> bool:
        """Whether anybody has connected."""
        return bool(self.double.streams.subscribers)

    def play(self, recording: Path) -> tuple[asyncio.Task[None], Pacing]:
        """Start to play; return the task and the recording's clock."""
        played = self._played
        frames = load_recording(recording) if played is None else played.frames(self._now_ns())
        playback = Playback(self.double.exchange, frames, self._task.speed)
        return self.double.start_playback(playback), playback.pacing

    def verdict(self) -> dict[str, Any]:
        """Return what the venue holds of us at the end, and whether its own books are sound."""
        double, exchange = self.double, self.double.exchange
        wallet = exchange.ledger.wallet(self.address)
        mine = [order for order in exchange.orders.values() if order.ask.wallet == self.address]
        owners = {order.ask.owner for order in mine}
        fills = [
            trade_row(trade, owner) for trade in exchange.trades.values() for owner in owners & trade.owners()
        ]
        return {
            "audit": double.audit(),
            "errors": [repr(error) for error in double.errors],
            "faults": dict(Counter(double.faults.kinds())),
            "strays": double.strays,
            "open_orders": sum(_is_open(order) for order in mine),
            "orders": [order_row(order) for order in mine],
            "fills": fills,
            "cash": {self.address: str(Decimal(wallet.cash) / ONE)},
            "positions": {token: amount_text(held) for token, held in wallet.tokens.items() if held > 0},
        }

    def _tell_open(self, notice: Notice, tell_open: Callable[[str, bool], None]) -> None:
        for order in (*notice.touched, *([notice.placed] if notice.placed else ())):
            if order.ask.wallet == self.address:
                tell_open(order.ask.order_id, _is_open(order))

    def _market(self, slug: str, number: int) -> Market:
        draw, at_ns = self.double.exchange.chance.getrandbits, self._now_ns()
        about = About(number, slug, slug, slug, start_ns=at_ns, end_ns=at_ns + _DAY_NS)
        tokens = (str(draw(250)), str(draw(250)))
        return Market(f"0x{draw(256):064x}", tokens, fee_rate=Fraction(1, 25), about=about)


def crowd_of(task: VenueTask) -> CrowdSettings:
    """Return a crowd that rolls the task's series; BadBook for a series without windows."""
    if task.series is None:
        return CrowdSettings(events_per_second=task.events_per_second)
    match = _SERIES_NAME.fullmatch(task.series)
    if match is None or match[2] not in _WINDOWS:
        kinds = ", ".join(_WINDOWS)
        raise BadBook(f"expected a series such as btc-updown-5m ({kinds}) to rehearse, found {task.series!r}")
    return CrowdSettings(
        events_per_second=task.events_per_second, asset=match[1], window_secs=_WINDOWS[match[2]]
    )


def _is_open(order: Order) -> bool:
    return order.status in ("LIVE", "DELAYED")
